"""What the released files of ProHMR and ProSkeleton have in common beside their flow."""

from __future__ import annotations

from pathlib import Path

from das_mm.checkpoints.conversion import Ledger
from das_mm.errors import UserError

#: the trainer's own flag: the flow was set from labelled poses
FLAG = 'initialized'


def begin_with_flow(ledger: Ledger, path: Path) -> None:
    """Refuses a flow without a start, and leaves out what the authors' flow keeps beside its parameters.

    Raises:
        UserError: The flag is missing or false.
    """
    if not bool(ledger.peek(FLAG)):
        raise UserError(
            'its flow was never started: never set from labelled poses (initialized is false)',
            file=path,
            field=f'state_dict.{FLAG}',
            remedy='give a checkpoint that was written after the first step of a training',
        )
    for name in ledger.names():
        if name.endswith('dummy_buffer'):
            ledger.drop(name, "empty tensors of the authors' flow package")
