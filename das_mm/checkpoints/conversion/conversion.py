"""From a file of somebody else's to one of ours."""

from __future__ import annotations

from pathlib import Path

import torch

from das_mm.engine import atomic_open
from das_mm.errors import UserError
from das_mm.version import __version__

from .checkpoint_kinds import Conversion
from .recognition import recognise
from .source_file import read_source


def convert_checkpoint(
    src: str | Path, dst: str | Path, config: str | None = None, project: str | None = None
) -> Conversion:
    """Write the weights of ``src`` under our names to ``dst``, and what became of each of them to the result.

    Known are the authors' released DAS checkpoints (Panoptic, MuCo), mmpose's MSPN, torchvision's, mmpose's and mmdet's
    ResNets, the DLA-34 of CenterNet and CenterTrack and MoveNet MultiPose for initialisation, our own, and what the
    projects register (:data:`.CONVERSIONS`). The file is recognised by the names and shapes of its weights, and nothing
    in it is run. Floating-point weights become float32.

    Args:
        src: A ``.pth`` file, or MoveNet's ``.json`` with its ``.bin`` beside it.
        dst: Is written whole or not at all.
        config: Path or name of the config that the result is for; by default the released one that the weights fit.
        project: Name of the project whose conversions alone are asked.

    Raises:
        UserError: The file cannot be read, is of no known kind, or is not complete.
    """
    src, dst = Path(src), Path(dst)
    if dst.exists() and src.exists() and dst.samefile(src):
        raise UserError('source and destination are one file', file=dst, field='DST', remedy='give another name')
    source = read_source(src)
    conversion = recognise(source.weights, src, project).convert(source, config)
    meta = dict(
        conversion.meta, converted=dict(kind=conversion.kind, file=src.name, sha256=source.sha256, das_mm=__version__)
    )
    with atomic_open(dst) as file:
        torch.save(dict(meta=meta, state_dict=conversion.ledger.result), file)
    if source.not_built:
        conversion.remarks += (
            f'beside its weights the file names {", ".join(source.not_built)}; nothing of these was built',
        )
    return conversion
