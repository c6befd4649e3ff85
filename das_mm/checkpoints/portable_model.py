"""A model as others take it: its weights, and of its config what inference needs, without paths of anybody's data."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor

from das_mm.engine import atomic_write
from das_mm.engine.safetensors_files import is_safetensors, write_safetensors
from das_mm.errors import UserError
from das_mm.models.estimator_protocol import EstimatorProtocol

from .model_loader import input_pipeline

#: what weights of two dimensions and more may be kept in; they are computed in float32 all the same
STORAGES = ('float32', 'float16')
_KEPT_KEYS = ('default_scope', 'custom_imports', 'keypoint_set', 'model')
_TEACHER = 'auxiliary_head.'  # a head that teaches in training alone


@dataclass(frozen=True)
class PortableModel:
    """
    Attributes:
        weights: By name.
        meta: ``cfg``, the text of the config; ``experiment_name``, which says its name; ``dataset_meta``.
    """

    weights: Mapping[str, Tensor]
    meta: Mapping[str, Any]

    def write(self, path: str | Path) -> Path:
        """Write ``.safetensors`` or ``.pth``; :func:`.load_model` reads both.

        Raises:
            UserError: The package safetensors is missing, or the file cannot be written.
        """
        path = Path(path)
        if is_safetensors(path):
            write_safetensors(path, self.weights, self.meta)
            return path
        buffer = io.BytesIO()
        torch.save(dict(meta=dict(self.meta), state_dict=dict(self.weights)), buffer)
        atomic_write(path, buffer.getvalue())
        return path


def portable_model(model: EstimatorProtocol, storage: str = 'float32') -> PortableModel:
    """The model for others.

    Args:
        model: Made by :func:`.load_model` out of a checkpoint.
        storage: One of :data:`STORAGES`.

    Raises:
        UserError: There is no such storage.
    """
    if storage not in STORAGES:
        raise UserError(
            f'{storage!r} is nothing that weights can be kept in',
            field='storage',
            remedy=f'use {" or ".join(STORAGES)}',
        )
    kept = lambda value: (
        value.half() if storage == 'float16' and value.is_floating_point() and value.ndim > 1 else value
    ).detach()
    state: Mapping[str, Tensor] = model.state_dict()  # type: ignore[attr-defined]  # a module of torch
    weights = {name: kept(value).cpu() for name, value in state.items() if not name.startswith(_TEACHER)}
    meta = dict(cfg=inference_config(model.cfg).pretty_text, dataset_meta=_plain(model.dataset_meta))
    name = getattr(model, 'provenance', {}).get('config')
    if name is not None:  # as mmengine names the run of a config
        meta['experiment_name'] = f'{name}_{"0" * 8}_{"0" * 6}'
    return PortableModel(weights, meta)


def inference_config(cfg: Config) -> Config:
    """Of a config what loads and runs the model: no data, no training, nobody's paths but of a body file, which a
    model of meshes names."""
    kept = {key: cfg[key] for key in _KEPT_KEYS if key in cfg}
    kept['test_dataloader'] = dict(dataset=dict(type='DASDataset', pipeline=input_pipeline(cfg)))
    plain = Config(kept).to_dict()
    train = plain['model'].get('train_cfg')
    if train:
        train.pop('auxiliary_head', None)
    return Config(plain)


def _plain(value: Any) -> Any:
    """Words, numbers, lists and dictionaries; what is something else is told as text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, (str, bool, int, float)) else str(value)
