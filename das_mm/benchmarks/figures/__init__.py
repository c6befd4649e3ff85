"""Figures of the papers that no table has, measured on a checkpoint: what the update does to σ, people who cover each
other, identities that are lost for a while."""

from das_mm.lazy_exports import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, {'.figure_runs': 'FIGURES measure_figure'})
