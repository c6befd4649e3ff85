"""People in 3D in one HTML file that works offline: orbit, step through images, play a clip at its true speed."""

from das_mm.lazy_exports import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, {'.page': 'write_viewer', '.scene': 'CAMERA_SOURCES Scene'})
