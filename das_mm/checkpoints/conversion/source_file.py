"""Weights out of files of other programs, without running anything that such a file asks for."""

from __future__ import annotations

import pickle
import re
from collections import OrderedDict
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from das_mm.engine import file_sha256
from das_mm.engine.checkpoint_files import read_checkpoint
from das_mm.errors import UserError

from .tfjs_graph import read_tfjs_weights

_LIMIT = 64
# where the weights are: mmengine and mmcv, torchvision's references, detectron2
_WEIGHT_KEYS = ('state_dict', 'model')


@dataclass
class SourceFile:
    """A checkpoint's weights.

    Attributes:
        path: The file.
        weights: Name to tensor, on the CPU; ``module.`` of a distributed wrapper is taken off. Of several networks in
            one file (GraphCMR's) the name of each stands before.
        meta: ``meta`` of the file, {} without.
        not_built: Classes that the file names outside its weights and that were not built.
        sha256: Of the file.
    """

    path: Path
    weights: dict[str, Tensor]
    meta: dict
    not_built: list[str]
    sha256: str


class _StandIn:
    """Takes the place of a class or function that a file names: whatever is asked of it gives an empty dictionary.

    mmcv's files of old keep logs, configs and the state of the optimiser beside the weights. None of that is wanted,
    but the reader has to get past it; :func:`torch.load` lets only plain dictionaries be filled.
    """

    def __new__(cls, *args, **kwargs) -> OrderedDict:
        return OrderedDict()


def read_source(path: str | Path) -> SourceFile:
    """Read a checkpoint of mmcv, mmengine, mmpose, mmdet or torchvision (.pth), or of TensorFlow.js (.json).

    Raises:
        UserError: It cannot be read, its weights are no tensors, or they need a class that is not built here.
    """
    path = Path(path)
    if path.suffix == '.json':
        return SourceFile(path, read_tfjs_weights(path), {}, [], file_sha256(path))
    checkpoint, not_built = _read_past_classes(path)
    weights = next((checkpoint[key] for key in _WEIGHT_KEYS if isinstance(checkpoint.get(key), dict)), None)
    weights = (_of_parts(checkpoint) or checkpoint) if weights is None else weights
    weights = {str(name).removeprefix('module.'): value for name, value in weights.items()}
    foreign = {name: value for name, value in weights.items() if not isinstance(value, Tensor)}
    if foreign or not weights:
        name, value = next(iter(foreign.items()), ('state_dict', {}))
        asked = f'; the file asks for {", ".join(not_built)}, which is not built here' if not_built else ''
        problem = f'expected a tensor, found {type(value).__name__}{asked}' if foreign else 'there are no weights'
        raise UserError(
            problem,
            file=path,
            field=name,
            remedy='have the maker save the weights alone: torch.save(model.state_dict(), file)',
        )
    meta = checkpoint.get('meta')
    return SourceFile(path, weights, meta if isinstance(meta, dict) else {}, not_built, file_sha256(path))


def _of_parts(checkpoint: dict) -> dict[str, Tensor]:
    """Weights of networks that a file keeps side by side, as ``graph_cnn.conv.weight``; {} where there are none, or
    weights stand beside them.

    What else lies there (optimisers, counters) is no weight.
    """
    if any(isinstance(value, Tensor) for value in checkpoint.values()):
        return {}
    is_part = lambda part: isinstance(part, dict) and part and all(isinstance(one, Tensor) for one in part.values())
    return {
        f'{name}.{weight}': tensor
        for name, part in checkpoint.items()
        if is_part(part)
        for weight, tensor in part.items()
    }


def _read_past_classes(path: Path) -> tuple[dict, list[str]]:
    """The file's dictionary, with empty ones in the place of objects whose classes are not known to be harmless."""
    not_built: list[str] = []
    with ExitStack() as allowed:
        while True:
            try:
                return read_checkpoint(path), not_built
            except UserError as error:
                wanted = _refused_class(error.__cause__)
                if not_built and isinstance(error.__cause__, (TypeError, AttributeError)):
                    # a stand-in cannot take what the class would have taken
                    raise UserError(
                        f'it holds objects that cannot be passed over ({error.__cause__}): {", ".join(not_built)}',
                        file=path,
                        remedy='have its maker save the weights alone: torch.save(model.state_dict(), file)',
                    ) from error
                if wanted is None or wanted in not_built or len(not_built) >= _LIMIT:
                    raise
            not_built.append(wanted)
            allowed.enter_context(torch.serialization.safe_globals([(_StandIn, wanted)]))


def _refused_class(error: BaseException | None) -> str | None:
    """Full name of the class that torch refused to look up."""
    if not isinstance(error, pickle.UnpicklingError):
        return None
    found = re.search(r'Unsupported global: GLOBAL ([\w.]+) was not', str(error))
    if found is None:
        return None
    name = found[1]
    return name if '.' in name else f'builtins.{name}'  # torch leaves `builtins` out of its message
