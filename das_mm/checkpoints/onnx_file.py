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
``tasks``           json list: what each task tells of people (:class:`.TaskDescription`)
``pipeline``        json list: configs of the transforms that make an image the graph's input
``preprocessor``    json: ``mean`` and ``std`` (3,) or null, ``swaps_channels``, ``pad_value``: for 'normalised' input
``tracking``        json: ``tracker``, ``root`` and ``max_frame_gap`` of a model that remembers, else null
``weights``         name of the checkpoint, ``weights_sha256`` its sum
``sha256``          sum of the file without this entry (:mod:`.onnx_sum`); missing in older files
==================  =========================================================================================

``tasks``, ``pipeline``, ``preprocessor`` and ``tracking`` are missing in files that das_mm 0.1 wrote: those run with
torch about them. Units of the outputs are those of ``DASHead.predict``: pixels of the input, mm, and mm per pixel of
focal length.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from das_mm.errors import UserError
from das_mm.structures.task_fields import TaskDescription

from .onnx_metadata import check_metadata

FORMAT = 'das_mm.onnx/1'
PIXELS, NORMALISED = 'pixels', 'normalised'
SUFFIX = '.onnx'
SCORE_THR = 'score_thr'  # input of the graph beside the images
PREFIX = 'das_mm.'  # of the names of metadata
_AGAIN = 'export it again: das-mm export onnx CONFIG CHECKPOINT --out FILE'


def is_onnx(path: str | Path) -> bool:
    """Whether a file is meant to be an ONNX graph, by its name."""
    return Path(path).suffix.lower() == SUFFIX


def read_description(metadata: Mapping[str, str], path: str | Path) -> dict[str, Any]:
    """The metadata of a file without their prefix; what is json is read.

    Raises:
        UserError: The file is somebody else's, of another format, or its metadata are damaged.
    """
    own: dict[str, Any] = {
        name.removeprefix(PREFIX): value for name, value in metadata.items() if name.startswith(PREFIX)
    }
    if 'format' not in own:
        raise UserError(
            'this is an ONNX file, but not one of das_mm: it says nothing of keypoints, units and input',
            file=path,
            field=PREFIX + 'format',
            remedy='give one that `das-mm export onnx` wrote, whole: tools that change a graph must keep its metadata',
        )
    if own['format'] != FORMAT:
        raise UserError(
            f"its format is '{own['format']}', and this das_mm reads '{FORMAT}'",
            file=path,
            field=PREFIX + 'format',
            remedy=_AGAIN,
        )
    try:
        for name in ('dataset_meta', 'keypoints', 'test_cfg', 'coder', 'nms', 'input'):
            own[name] = json.loads(own[name])
        for name in ('config', 'config_name', 'weights', 'weights_sha256', 'version', 'precision'):
            own[name]
        for name in ('tasks', 'pipeline', 'preprocessor', 'tracking'):
            own[name] = json.loads(own.get(name, 'null'))
        check_metadata(own)
        if own['tasks'] is not None:
            own['tasks'] = [TaskDescription.from_json(told) for told in own['tasks']]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise UserError(
            f'its metadata are damaged: {_words(error)}', file=path, field='metadata_props', remedy=_AGAIN
        ) from error
    return own


def _words(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f'{error.args[0]} is missing'
    return 'they are nested too deeply' if isinstance(error, RecursionError) else str(error).partition('\n')[0]
