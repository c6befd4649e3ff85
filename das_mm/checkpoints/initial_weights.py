"""Initial weights: of a checkpoint what fits a model, counted and told; nothing at all, or another architecture, is an
error."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mmengine.runner import CheckpointLoader
from torch import nn

from das_mm.engine.checkpoint_files import read_checkpoint
from das_mm.errors import UserError

from .checkpoint_weights import shape_text, shown_keys, unwrapped, weights_of


@dataclass(frozen=True)
class PartialLoad:
    """What of a checkpoint went into a model.

    Attributes:
        path: The file.
        loaded: Weights of the model that came from it.
        missing: Those that did not, and keep their initial values.
        left_over: Weights of the file that the model does not have.
        other_shape: Weights of both that differ in shape, with their shapes; they are not loaded.
    """

    path: str
    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    left_over: tuple[str, ...]
    other_shape: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """The model and the file have the same weights."""
        return not (self.missing or self.left_over or self.other_shape)

    def __str__(self) -> str:
        total = len(self.loaded) + len(self.missing) + len(self.other_shape)
        kinds = (
            (self.missing, 'are not in the file and keep their initial values'),
            (self.other_shape, 'have another shape there and keep their initial values'),
            (self.left_over, 'of the file have no place in the model'),
        )
        told = [f'{len(keys)} {what}: {shown_keys(sorted(keys))}' for keys, what in kinds if keys]
        return '; '.join([f'{len(self.loaded)} of the {total} weights of the model come from {self.path}', *told])


def load_weights_that_fit(model: nn.Module, path: str | Path) -> PartialLoad:
    """Load what a checkpoint and `model` have in common: initial weights, as mmengine's `load_from`.

    A file may lack parts of the model (a backbone alone), and single outputs may have another size (another keypoint
    set). It may not be of another architecture: a part that both have, as ``backbone``, must fit for the most part.

    Args:
        model: A built model; the wrapper of a distributed one is looked through.
        path: A `.pth` file, or an address that mmengine knows (``https://…``, ``torchvision://…``).

    Returns:
        What was loaded, what was not.

    Raises:
        UserError: The file cannot be read or fetched, nothing of it fits, a part of it is of another architecture, or
            weights are not finite. The model must not be used then.
    """
    model = unwrapped(model)
    weights = weights_of(_fetch(str(path)) if '://' in str(path) else read_checkpoint(path), path)
    own = model.state_dict()
    shapes_differ = [key for key in own if key in weights and shape_text(weights[key]) != shape_text(own[key])]
    fitting = {key: value for key, value in weights.items() if key not in shapes_differ}
    missing, left_over = model.load_state_dict(fitting, strict=False)  # a module may rename keys of older files
    absent = {*missing, *shapes_differ}
    loaded = [key for key in own if key not in absent]
    result = PartialLoad(
        str(path),
        tuple(loaded),
        tuple(key for key in missing if key not in shapes_differ),
        tuple(left_over),
        tuple(
            f'{key} ({shape_text(weights[key])} in the file, {shape_text(own[key])} in the model)'
            for key in shapes_differ
        ),
    )
    _check_architecture(result, own, loaded, shapes_differ)
    return result


def _check_architecture(result: PartialLoad, own: dict, loaded: list[str], shapes_differ: list[str]) -> None:
    """Raises UserError where nothing fits, or a part of the file is that of another model."""
    remedy = (
        'give a checkpoint of this model, or initial weights made by das-mm convert-checkpoint, which gives weights '
        'of torchvision, mmdet, mmpose, CenterNet and CenterTrack our names'
    )
    counted = [key for key in loaded if not key.endswith('num_batches_tracked')]
    if not counted:
        raise UserError(
            f'none of its weights fits this model: the file has {shown_keys(_in_file(result))}, '
            f'the model {shown_keys(own)}',
            file=result.path,
            field='load_from',
            remedy=remedy,
        )
    for part in sorted({_part(key) for key in (*result.left_over, *shapes_differ)}):
        fits = sum(own[key].numel() for key in counted if _part(key) == part)
        differs = sum(own[key].numel() for key in shapes_differ if _part(key) == part)
        strange = [key for key in result.left_over if _part(key) == part]
        in_model = any(_part(key) == part for key in own)
        if in_model and (differs > fits or (strange and not fits)):
            clash = [one for one in result.other_shape if _part(one) == part] or strange
            raise UserError(
                f'its {part} is of another architecture; {len(clash)} weights do not fit: {shown_keys(clash)}',
                file=result.path,
                field='load_from',
                remedy=remedy,
            )


def _in_file(result: PartialLoad) -> list[str]:
    return [*result.left_over, *result.other_shape] or ['counters only']


def _part(key: str) -> str:
    return key.split('.')[0]


def _fetch(address: str) -> dict:
    try:
        checkpoint = CheckpointLoader.load_checkpoint(address, map_location='cpu')
    except Exception as error:  # urllib, torch's cache, a model zoo that knows no such name
        raise UserError(
            f'the weights cannot be fetched: {type(error).__name__}: {str(error).strip()[:200]}',
            file=address,
            field='load_from',
            remedy='download the file yourself and give its path',
        ) from error
    return checkpoint if isinstance(checkpoint, dict) else {}
