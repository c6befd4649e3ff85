"""Checkpoints of other code, made into ours: every weight used, or left out for a reason that is said."""

from .checkpoint_kinds import Conversion, SourceKind
from .conversion import convert_checkpoint, recognise
from .ledger import Entry, Fate, Ledger

__all__ = ['Conversion', 'Entry', 'Fate', 'Ledger', 'SourceKind', 'convert_checkpoint', 'recognise']
