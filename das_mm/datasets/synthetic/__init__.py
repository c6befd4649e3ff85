"""The embedded data set: generated people in generated places, with all truth that pose, mesh and tracking need."""

from .config import GENERATOR_VERSION, SyntheticConfig
from .dataset import SyntheticPeople, cache_folder
from .generated_meshes import load_smpl, vertices_from_row
from .generator import GeneratedPaths, generate
from .preview import write_contact_sheet

__all__ = [
    'GENERATOR_VERSION',
    'GeneratedPaths',
    'SyntheticConfig',
    'SyntheticPeople',
    'cache_folder',
    'generate',
    'load_smpl',
    'vertices_from_row',
    'write_contact_sheet',
]
