"""From a checkpoint, a config or both to a model that is ready to predict."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from das_mm._compat.config_guard import guarded
from das_mm.config_files import SCOPE_PREFIX, config_path
from das_mm.engine import file_sha256
from das_mm.engine.checkpoint_files import read_checkpoint
from das_mm.engine.config_reader import is_data, read_config
from das_mm.engine.config_rules import ConfigRules
from das_mm.errors import UserError
from das_mm.models.estimator_protocol import EstimatorProtocol
from das_mm.registry import MODELS
from das_mm.structures import get_keypoint_set
from das_mm.version import __version__

from .config_text import CONFIG_REMEDY, parse_config_text
from .guarded_build import build_from_file, told_as_user_error
from .packaged import packaged_model
from .weight_loader import load_weights_strict


def load_model(
    weights: str | Path | None = None,
    config: str | Path | Config | dict | None = None,
    device: str | torch.device | None = None,
    allow: Iterable[str] = (),
) -> EstimatorProtocol:
    """A trained model in evaluation mode.

    Args:
        weights: Checkpoint file, or an ``.onnx`` file that ``das-mm export onnx`` wrote (it has its config in it).
            Without it and without ``config``: the small model that comes with the package.
        config: Path or name of a config, or the config itself. Without it the one in the checkpoint is used: its text
            (``meta.cfg``, written by training) or its name among das_mm's (``meta.config``).
        device: 'cpu', 'cuda', 'cuda:1', …; None for a GPU where there is one.
        allow: Packages, modules and classes of other makers that a config out of a file may name, as ``my_package`` or
            ``my_package.MyBranch``; see :mod:`das_mm.engine.config_rules`.

    Returns:
        The model. As in mmpose ``model.cfg`` is its config and ``model.dataset_meta`` what is known of its data
        (``keypoint_set`` at least); ``model.provenance`` says where it is from: ``config``, ``weights`` (names),
        ``weights_sha256``, ``das_mm``.

    Raises:
        UserError: No weights, a file that cannot be read or does not fit the config, no config, a config of another
            kind of model or one that names code that is not allowed, or a device that is not there.
    """
    if weights is not None and Path(weights).suffix.lower() == '.onnx':
        if config is not None:
            raise UserError('an ONNX file has its config in it', file=weights, field='config', remedy='leave it out')
        from .onnx_model import load_onnx_model  # it loads mmpose's models, which a checkpoint may do without

        return load_onnx_model(weights, device, allow)
    device = choose_device(device)
    if weights is None and config is not None:
        raise UserError(
            'a config alone has no weights',
            field='weights',
            remedy='give the checkpoint (.pth) that was trained with it',
        )
    if weights is None:
        weights, config = packaged_model()
    checkpoint, rules, told_by_file = read_checkpoint(weights), ConfigRules(allow), False
    if config is None:
        name, cfg, told_by_file = _config_of(checkpoint, weights, rules)
    elif isinstance(config, (Config, dict)):
        name, cfg = None, config if isinstance(config, Config) else Config(config)
    else:
        path = config_path(str(config))
        name, cfg = Path(path).stem, read_config(path, allow)
    model: Any  # a module of torch beside what the protocol says
    if told_by_file:
        model = build_from_file(
            lambda: build_model(cfg),  # type: ignore[arg-type]
            weights,
            'meta.cfg',
            rules,
            lambda rehearsal: load_weights_strict(rehearsal, checkpoint, weights),  # type: ignore[arg-type]
        )
    else:
        with told_as_user_error(cfg.filename or weights, 'model'), guarded(rules if is_data(cfg.filename) else None):
            model = build_model(cfg)
    meta = load_weights_strict(model, checkpoint, weights)
    with told_as_user_error(weights, 'meta.dataset_meta', 'the data that it was trained on are not told in order'):
        model.dataset_meta = describe_dataset(cfg, meta, model.num_keypoints, weights)
    model.provenance = dict(
        config=name, weights=Path(weights).name, weights_sha256=file_sha256(weights), das_mm=__version__
    )
    return model.to(device).eval()


def build_model(cfg: Config, name: str | None = None) -> EstimatorProtocol:
    """The untrained model of a config; ``model.cfg`` is the config.

    Raises:
        UserError: The config has no model, or another kind of model.
    """
    if cfg.get('model') is None:
        raise UserError('the config has no model', file=name, field='model', remedy=CONFIG_REMEDY)
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'das_mm'):
        model = MODELS.build(copy.deepcopy(cfg.model))  # building edits some configs
    if not hasattr(model, 'tasks'):  # of EstimatorProtocol; its config and data are not known yet
        raise UserError(
            f'a {type(model).__name__} is no model that das_mm can run',
            file=name,
            field='model.type',
            remedy="use mmpose's inferencer for it",
        )
    model.cfg = cfg
    return model


def choose_device(device: str | torch.device | None) -> torch.device:
    """The device asked for, or a GPU where there is one.

    Raises:
        UserError: It is not there.
    """
    if device is None or device == 'auto':
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        device = torch.device(device)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(
            f"torch cannot use '{device}': {str(error).splitlines()[0]}",
            field='device',
            remedy='use cpu, or see what das-mm doctor says',
        ) from error
    return device


def _config_of(checkpoint: dict, weights: str | Path, rules: ConfigRules) -> tuple[str | None, Config, bool]:
    """Name (if it has one) and config of a checkpoint that tells its own, and whether it is the file's own text."""
    meta = checkpoint.get('meta')
    meta = meta if isinstance(meta, dict) else {}
    if isinstance(meta.get('cfg'), str):
        # mmengine names a run after its config and the time
        name = meta.get('experiment_name')
        experiment = re.fullmatch(r'(.+?)_\d{8}_\d{6}', name) if isinstance(name, str) else None
        return experiment[1] if experiment else None, parse_config_text(meta['cfg'], weights, rules), True
    if isinstance(meta.get('config'), str):
        path = _packaged_config(meta['config'], weights)
        return Path(path).stem, read_config(path), False
    raise UserError(
        'the checkpoint does not say with which config it was trained',
        file=weights,
        field='meta.cfg',
        remedy=CONFIG_REMEDY,
    )


def _packaged_config(name: str, weights: str | Path) -> str:
    """The path of a config of das_mm that a checkpoint names; any other file comes from the user alone."""
    try:
        return config_path(SCOPE_PREFIX + name.removeprefix(SCOPE_PREFIX))
    except UserError as error:
        raise UserError(
            f"it names the config '{name}', which is none of das_mm's",
            file=weights,
            field='meta.config',
            remedy=CONFIG_REMEDY,
        ) from error


def describe_dataset(cfg: Config, meta: dict, num_keypoints: int, weights: str | Path | None) -> dict[str, Any]:
    """What is known of the data of a model: its ``dataset_meta``, with ``keypoint_set`` at least.

    Args:
        cfg: Of the model.
        meta: Of its checkpoint, which is asked first; {} without one.
        num_keypoints: Of the model.
        weights: The checkpoint, for messages.

    Raises:
        UserError: The set is not named, unknown, or of another number of keypoints.
    """
    found = meta.get('dataset_meta')
    found = dict(found) if isinstance(found, dict) else {}
    names = (found.get('keypoint_set'), _test_dataset(cfg).get('keypoint_set'), cfg.get('keypoint_set'))
    name = next((name for name in names if name), None)
    if name is None:
        raise UserError(
            'neither the checkpoint nor the config names the keypoint set',
            file=weights,
            field='keypoint_set',
            remedy="add keypoint_set='panoptic15' (or which it is) to the config",
        )
    found['keypoint_set'] = get_keypoint_set(name, file=weights, field='keypoint_set').name
    if get_keypoint_set(name).num_keypoints != num_keypoints:
        raise UserError(
            f'the model has {num_keypoints} keypoints, and {name} another number',
            file=weights,
            field='keypoint_set',
            remedy='name the keypoint set that the model was trained for',
        )
    return found


def input_pipeline(cfg: Config) -> list[dict]:
    """The configs of the transforms that make a test image the network's input.

    Raises:
        UserError: The config has none.
    """
    pipeline = _test_dataset(cfg).get('pipeline')
    if not pipeline:
        raise UserError(
            'the config does not say how images are prepared',
            field='test_dataloader.dataset.pipeline',
            remedy='inherit a full config with _base_, or add it',
        )
    return list(pipeline)


def _test_dataset(cfg: Config) -> dict:
    """The (first) dataset of the test or validation loader; empty without."""
    loader = cfg.get('test_dataloader') or cfg.get('val_dataloader') or {}
    dataset = loader.get('dataset') or {}
    while dataset.get('pipeline') is None and (dataset.get('datasets') or dataset.get('dataset')):
        dataset = dataset['datasets'][0] if dataset.get('datasets') else dataset['dataset']
    return dataset
