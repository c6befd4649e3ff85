"""Motion of people as files for other programs: skinned glTF, BVH, USD, and npz as AMASS has it.

glTF and USD need the packages of the extra ``motion``. The formats that come with das_mm stand in
:data:`.MOTION_EXPORTERS`; another package can add one.
"""

from das_mm.lazy_exports import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        '.clip_motion': 'ClipMotion PersonMotion World',
        '.exported_results': 'export_results',
        '.exporters': 'MOTION_EXPORTERS write_motion',
        '.result_motion': 'clip_motion',
    },
)
