"""Checkpoints of other code, made into ours: every weight used, or left out for a reason that is said.

A project adds its own: a subclass of :class:`SourceKind`, registered in :data:`CONVERSIONS`.
"""

from .checkpoint_kinds import SMPL_BETAS_REMARK, USE_AS_MODEL, Conversion, SourceKind, name_config, weights_of_config
from .conversion import convert_checkpoint
from .ledger import Entry, Fate, Ledger
from .recognition import recognise
from .registered import CONVERSIONS
from .source_file import SourceFile

__all__ = [
    'CONVERSIONS',
    'SMPL_BETAS_REMARK',
    'USE_AS_MODEL',
    'Conversion',
    'Entry',
    'Fate',
    'Ledger',
    'SourceFile',
    'SourceKind',
    'convert_checkpoint',
    'name_config',
    'recognise',
    'weights_of_config',
]
