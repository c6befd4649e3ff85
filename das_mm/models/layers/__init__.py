from .deform_conv import ModulatedDeformConv2d
from .lazy_rows import LazyRows
from .multi_source_update import MultiSourceUpdate
from .point_index import PointIndex
from .recursive_update import NoUpdate, PlainUpdate, RecursiveUpdate

__all__ = [
    'LazyRows',
    'ModulatedDeformConv2d',
    'MultiSourceUpdate',
    'NoUpdate',
    'PlainUpdate',
    'PointIndex',
    'RecursiveUpdate',
]
