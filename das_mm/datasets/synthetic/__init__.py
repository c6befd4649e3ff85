"""Generated people in generated places, with all ground truth that pose, mesh and tracking need.

Neither torch nor an mm package is loaded here; the data sets that a config names stand in ``das_mm.datasets.datasets``.
"""

from das_mm.lazy_exports import lazy_exports

# `python -m …drawing_process` would run a module of this package twice if the package had imported it
__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        '.config': 'GENERATOR_VERSION SyntheticConfig',
        '.generated_meshes': 'load_smpl vertices_from_row',
        '.generator': 'GeneratedPaths generate',
        '.preview': 'write_contact_sheet',
    },
)
