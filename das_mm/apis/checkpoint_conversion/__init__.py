"""Checkpoints of other code, made into ours: every weight used, or left out for a reason that is said."""
from .convert import convert_checkpoint, recognise
from .ledger import Entry, Fate, Ledger
from .source_kinds import Conversion, SourceKind

__all__ = ['Conversion', 'Entry', 'Fate', 'Ledger', 'SourceKind', 'convert_checkpoint', 'recognise']
