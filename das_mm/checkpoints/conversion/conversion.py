"""From a file of somebody else's to one of ours."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from das_mm.engine import atomic_open
from das_mm.errors import UserError
from das_mm.version import __version__

from .checkpoint_kinds import Conversion, OwnCheckpoint, SourceKind
from .pretrained_backbones import MSPNBackbone, ResNetBackbone
from .pretrained_dla import DLABackbone
from .pretrained_movenet import MoveNetBackbone
from .released_das import ReleasedDAS
from .source_file import read_source

# the first that recognises the weights: whole models before their backbones
KINDS: tuple[type[SourceKind], ...] = (
    OwnCheckpoint,
    ReleasedDAS,
    MSPNBackbone,
    ResNetBackbone,
    DLABackbone,
    MoveNetBackbone,
)


def convert_checkpoint(src: str | Path, dst: str | Path, config: str | None = None) -> Conversion:
    """Write the weights of ``src`` under our names to ``dst``, and what became of each of them to the result.

    Known are the authors' released DAS checkpoints (Panoptic, MuCo), mmpose's MSPN, torchvision's, mmpose's and mmdet's
    ResNets, the DLA-34 of CenterNet and CenterTrack and MoveNet MultiPose for initialisation, and our own. The file is
    recognised by the names and shapes of its weights, and nothing in it is run. Floating-point weights become float32.

    Args:
        src: A ``.pth`` file, or MoveNet's ``.json`` with its ``.bin`` beside it.
        dst: Is written whole or not at all.
        config: Path or name of the config that the result is for; by default the released one that the weights fit.

    Raises:
        UserError: The file cannot be read, is of no known kind, or is not complete.
    """
    src, dst = Path(src), Path(dst)
    if dst.exists() and src.exists() and dst.samefile(src):
        raise UserError('source and destination are one file', file=dst, field='DST', remedy='give another name')
    source = read_source(src)
    conversion = recognise(source.weights, src).convert(source, config)
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


def recognise(weights: dict[str, Tensor], file: str | Path | None = None) -> type[SourceKind]:
    """The kind of a checkpoint.

    Raises:
        UserError: None that is known.
    """
    for kind in KINDS:
        if kind.recognises(weights):
            return kind
    raise UserError(
        f'{len(weights)} weights of an unknown model: {", ".join(list(weights)[:4])}, …',
        file=file,
        field='state_dict',
        remedy="give a released DAS checkpoint, mmpose's MSPN, a ResNet of torchvision, mmpose or mmdet, or "
        "CenterNet's or CenterTrack's DLA-34, or movenet-multipose.json",
    )
