"""What a script needs: load a model, find people in images and videos, read and re-solve results."""
from .checkpoint import load_checkpoint_strict
from .inferencer import DASInferencer, predict_images
from .inputs import open_sources
from .intrinsics import CameraFinder, parse_intrinsics
from .loading import build_model, load_model
from .mesh_files import export_meshes
from .meshes import mesh_vertices
from .results import make_result, people_of, read_results, resolve_for_camera, result_schema
from .smoothing import OneEuro, PeopleSmoother, SmoothingSettings
from .track_files import write_track_files

__all__ = ['CameraFinder', 'DASInferencer', 'OneEuro', 'PeopleSmoother', 'SmoothingSettings', 'build_model',
           'export_meshes', 'load_checkpoint_strict', 'load_model', 'make_result', 'mesh_vertices', 'open_sources',
           'parse_intrinsics', 'people_of', 'predict_images', 'read_results', 'resolve_for_camera', 'result_schema',
           'write_track_files']
