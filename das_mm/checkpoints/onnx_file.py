"""What a DAS in an ONNX file says of itself, beside its graph.

The metadata of the file hold, by name (all start with ``das_mm.``):

==================  =========================================================================================
``format``          'das_mm.onnx/1'
``version``         of das_mm, which wrote it
``config_name``     name of the config, '' if it had none
``config``          its text, whole
``dataset_meta``    json: what is known of the data, ``keypoint_set`` at least
``keypoints``       json: names of the keypoints
``test_cfg``        json: thresholds; ``score_thr`` is what the graph's input of that name is by default
``coder``           json: type and constants of the coder that is in the graph
``nms``             json: type and constants of the suppression that is in the graph
``input``           json: ``kind`` ('pixels': BGR, 0 to 255, any size; 'normalised': what the data preprocessor gives,
                    sides multiples of ``divisor``), ``layout``, ``divisor``
``precision``       'float32' or 'float16': of the network; what lies behind it is float32
``weights``         name of the checkpoint, ``weights_sha256`` its sum
==================  =========================================================================================

Units of the outputs are those of ``DASHead.predict``: pixels of the input, mm, and mm per pixel of focal length.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import ConfigDict

from das_mm.errors import UserError
from das_mm.models.pose_estimators import DAS
from das_mm.structures import get_keypoint_set
from das_mm.version import __version__

FORMAT = 'das_mm.onnx/1'
PIXELS, NORMALISED = 'pixels', 'normalised'
SUFFIX = '.onnx'
SCORE_THR = 'score_thr'  # input of the graph beside the images
_PREFIX = 'das_mm.'
_AGAIN = 'export it again: das-mm export onnx CONFIG CHECKPOINT --out FILE'


def is_onnx(path: str | Path) -> bool:
    """Whether a file is meant to be an ONNX graph, by its name."""
    return Path(path).suffix.lower() == SUFFIX


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
        test_cfg=_json({**head.test_cfg, **model.test_cfg}),
        coder=_json(dict(type=type(head.coder).__name__, **plain(head.coder))),
        nms=_json(dict(type=type(head.nms).__name__, **plain(head.nms))),
        input=_json(dict(kind=kind, layout='NCHW', divisor=model.data_preprocessor.pad_size_divisor)),
        precision='float16' if half else 'float32',
        weights=model.provenance['weights'],
        weights_sha256=model.provenance['weights_sha256'],
    )
    return {_PREFIX + name: value for name, value in values.items()}


def read_description(metadata: Mapping[str, str], path: str | Path) -> dict[str, Any]:
    """The metadata of a file without their prefix; what is json is read.

    Raises:
        UserError: The file is somebody else's, of another format, or its metadata are damaged.
    """
    own = {name.removeprefix(_PREFIX): value for name, value in metadata.items() if name.startswith(_PREFIX)}
    if 'format' not in own:
        raise UserError(
            'this is an ONNX file, but not one of das_mm: it says nothing of keypoints, units and input',
            file=path,
            field=_PREFIX + 'format',
            remedy='give one that `das-mm export onnx` wrote, whole: tools that change a graph must keep its metadata',
        )
    if own['format'] != FORMAT:
        raise UserError(
            f"its format is '{own['format']}', and this das_mm reads '{FORMAT}'",
            file=path,
            field=_PREFIX + 'format',
            remedy=_AGAIN,
        )
    try:
        for name in ('dataset_meta', 'keypoints', 'test_cfg', 'coder', 'nms', 'input'):
            own[name] = json.loads(own[name])
        if own['input']['kind'] not in (PIXELS, NORMALISED):
            raise ValueError(f'unknown kind of input: {own["input"]["kind"]}')
        for name in ('config', 'config_name', 'weights', 'weights_sha256', 'version', 'precision'):
            own[name]
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f'its metadata are damaged: {type(error).__name__}: {error}',
            file=path,
            field='metadata_props',
            remedy=_AGAIN,
        ) from error
    return own


def _json(value: Any) -> str:
    return json.dumps(value.to_dict() if isinstance(value, ConfigDict) else value, default=str)
