"""Training machinery: files that are whole, locked and summed, and the hooks (imported by the registry)."""
from .atomic_io import atomic_open, atomic_write, check_writable
from .file_lock import file_lock
from .file_sums import file_sha256

__all__ = ['atomic_open', 'atomic_write', 'check_writable', 'file_lock', 'file_sha256']
