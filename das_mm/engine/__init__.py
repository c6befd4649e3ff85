"""Files that are whole, locked and summed, pickles that run nothing, exact resume, and the hooks of a training
(imported by the registry)."""

from .atomic_io import atomic_open, atomic_write, check_file_writable, check_writable
from .cache_root import cache_root
from .file_lock import file_lock
from .file_sums import file_sha256

__all__ = [
    'atomic_open',
    'atomic_write',
    'cache_root',
    'check_file_writable',
    'check_writable',
    'file_lock',
    'file_sha256',
]
