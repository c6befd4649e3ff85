"""Graphs that das_mm exported, run by onnxruntime; neither torch nor an mm package is loaded here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from das_mm.engine.regular_files import open_regular
from das_mm.errors import UserError

from .onnx_sum import check_sum
from .optional_packages import require

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def open_session(path: str | Path, device: Any = None, num_threads: int | None = None) -> InferenceSession:
    """A session of onnxruntime.

    Args:
        path: The file.
        device: 'cpu', 'cuda', 'cuda:1', …; None or 'auto' for a GPU where onnxruntime has one.
        num_threads: As many as OMP_NUM_THREADS says, or all cores, where not given.

    Raises:
        UserError: onnxruntime is not installed or has no such device, or the file is missing or damaged.
    """
    runtime = require('onnxruntime')
    providers = _providers(runtime, device)
    if not Path(path).exists():
        raise UserError('there is no such file', file=path, field='weights', remedy='check the path')
    with open_regular(path, 'weights') as file:
        content = file.read()
    check_sum(content, path)
    options = runtime.SessionOptions()
    if num_threads is None and os.environ.get('OMP_NUM_THREADS', '').isdecimal():
        num_threads = int(os.environ['OMP_NUM_THREADS'])
    options.intra_op_num_threads = num_threads or 0
    options.log_severity_level = 3  # it warns that score_thr may be given, which is the purpose
    try:
        return runtime.InferenceSession(content, options, providers=providers)
    except Exception as error:  # onnxruntime's own exceptions have no common base
        raise UserError(
            f'onnxruntime {runtime.__version__} cannot load it: {_first_line(error)}',
            file=path,
            remedy='copy or export it again (das-mm export onnx); an older onnxruntime may lack an '
            'operator: pip install -U onnxruntime',
        ) from error


def _providers(runtime, device: Any) -> list:
    name = 'auto' if device is None else str(device)
    has_cuda = 'CUDAExecutionProvider' in runtime.get_available_providers()
    kind, _, index = name.partition(':')
    if kind == 'cpu' or (kind == 'auto' and not has_cuda):
        return ['CPUExecutionProvider']
    if kind in ('cuda', 'auto') and has_cuda:
        return [('CUDAExecutionProvider', dict(device_id=int(index or 0))), 'CPUExecutionProvider']
    raise UserError(
        f"this onnxruntime cannot use '{name}'",
        field='device',
        remedy='use cpu, or install onnxruntime-gpu in place of onnxruntime',
    )


def check_graph(session: InferenceSession, path: str | Path) -> None:
    """
    Raises:
        UserError: The graph takes or gives something else than people in images.
    """
    inputs, outputs = ({value.name for value in values} for values in (session.get_inputs(), session.get_outputs()))
    lacking = sorted({'images'} - inputs) + sorted({'image', 'keypoints_px', 'scores'} - outputs)
    if lacking:
        raise UserError(
            f'the graph has no {", ".join(lacking)}',
            file=path,
            field='graph',
            remedy='give one that `das-mm export onnx` wrote',
        )


def people_per_image(found: Mapping[str, np.ndarray], batch_size: int) -> list[dict[str, np.ndarray]]:
    """Outputs (n, ...) of a graph for a batch, which come in the order of the images, by image."""
    ends = np.searchsorted(found['image'], np.arange(batch_size), side='right')
    parts = [slice(begin, end) for begin, end in zip([0, *ends[:-1]], ends)]
    return [{name: rows[part].copy() for name, rows in found.items() if name != 'image'} for part in parts]


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
