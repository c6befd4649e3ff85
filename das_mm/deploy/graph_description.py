"""What an exported graph says of itself; the table of names stands in :mod:`das_mm.checkpoints.onnx_file`."""

from __future__ import annotations

import json
from typing import Any

from mmengine.config import ConfigDict

from das_mm.checkpoints.model_loader import input_pipeline
from das_mm.checkpoints.onnx_file import FORMAT, NORMALISED, PIXELS, PREFIX
from das_mm.models.pose_estimators import DAS
from das_mm.structures import get_keypoint_set
from das_mm.structures.thresholds import with_defaults
from das_mm.version import __version__


def describe(model: DAS, half: bool, temporal: bool) -> dict[str, str]:
    """The metadata of a file with this model."""
    plain = lambda part: {name: value for name, value in vars(part).items() if not name.startswith('_')}
    head, kind = model.head, NORMALISED if temporal else PIXELS
    values = dict(
        format=FORMAT,
        version=__version__,
        config_name=model.provenance['config'] or '',
        config=model.cfg.pretty_text,
        dataset_meta=_json(model.dataset_meta),
        keypoints=_json(get_keypoint_set(model.dataset_meta['keypoint_set']).keypoints),
        test_cfg=_json(with_defaults(head.test_cfg, model.test_cfg)),
        coder=_json(dict(type=type(head.coder).__name__, **plain(head.coder))),
        nms=_json(dict(type=type(head.nms).__name__, **plain(head.nms))),
        input=_json(dict(kind=kind, layout='NCHW', divisor=model.data_preprocessor.pad_size_divisor)),
        precision='float16' if half else 'float32',
        weights=model.provenance['weights'],
        weights_sha256=model.provenance['weights_sha256'],
        tasks=_json([task.to_json() for task in model.tasks.values()]),
        pipeline=_json([dict(step) for step in input_pipeline(model.cfg)]),
        preprocessor=_json(_preprocessor(model)),
        tracking=_json(_tracking(model)),
    )
    return {PREFIX + name: value for name, value in values.items()}


def _preprocessor(model: DAS) -> dict[str, Any]:
    cfg = model.cfg.model.data_preprocessor
    plain = lambda name: None if cfg.get(name) is None else list(cfg[name])
    swaps = bool(cfg.get('bgr_to_rgb') or cfg.get('rgb_to_bgr'))
    return dict(mean=plain('mean'), std=plain('std'), swaps_channels=swaps, pad_value=cfg.get('pad_value', 0))


def _tracking(model: DAS) -> dict[str, Any] | None:
    if model.max_frame_gap is None:
        return None
    cfg = model.cfg.model
    return dict(tracker=dict(cfg.get('tracker') or {}), root=cfg.get('root'), max_frame_gap=model.max_frame_gap)


def _json(value: Any) -> str:
    return json.dumps(value.to_dict() if isinstance(value, ConfigDict) else value, default=_plain)


def _plain(value: Any) -> Any:
    return value.to_dict() if isinstance(value, ConfigDict) else str(value)
