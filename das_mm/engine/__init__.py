"""Training machinery: which classes a checkpoint may hold, files that are whole, locked and summed, and the hooks
(imported by the registry)."""
from .atomic_io import atomic_open, atomic_write, check_writable
from .file_lock import file_lock
from .file_sums import file_sha256
from .safe_globals import CHECKPOINT_CLASSES, allow_checkpoint_classes

__all__ = ['CHECKPOINT_CLASSES', 'allow_checkpoint_classes', 'atomic_open', 'atomic_write', 'check_writable',
           'file_lock', 'file_sha256']
