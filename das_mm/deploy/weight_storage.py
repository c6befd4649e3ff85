"""Graphs whose large weights are kept in fewer bits: a half or a quarter of the file, computed in float32 all the same.

A runtime turns them back once, when it opens the graph (onnxruntime folds what is computed from constants).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from das_mm.checkpoints.eight_bits import LEAST_SIZE, to_eight_bits
from das_mm.checkpoints.optional_packages import require


def store_weights(proto: Any, storage: str) -> None:
    """Keep the large float32 weights of a graph in ``storage``, and turn them back where they are used; in place.

    Args:
        proto: An ``onnx.ModelProto``. Weights beyond the range of float16 stay as they are there.
        storage: 'float32' (nothing is done), 'float16', or 'int8' (:mod:`das_mm.checkpoints.eight_bits`; of weights
            that have two dimensions and more).
    """
    if storage == 'float32':
        return
    onnx = require('onnx')
    graph, kept, nodes = proto.graph, [], []
    for weight in graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        parts = _parts(values, storage) if values.dtype == np.float32 and values.size >= LEAST_SIZE else None
        if parts is None:
            kept.append(weight)
            continue
        names = [f'{weight.name}_{part}' for part in (storage, 'scale')[: len(parts)]]
        kept += [onnx.numpy_helper.from_array(part, name) for part, name in zip(parts, names)]
        nodes += _restoring(onnx.helper, onnx.TensorProto.FLOAT, weight.name, names)
    used = list(graph.node)
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend([*nodes, *used])  # a node follows what it reads


def _parts(values: np.ndarray, storage: str) -> tuple[np.ndarray, ...] | None:
    """What is written in place of a weight; None: the weight itself."""
    if storage == 'int8':
        return to_eight_bits(values) if values.ndim > 1 else None
    fits = np.abs(values).max() <= np.finfo(np.float16).max
    return (values.astype(np.float16),) if fits else None


def _restoring(helper: Any, float32: int, name: str, parts: list[str]) -> Iterable[Any]:
    """Nodes that make ``name`` of its parts. No DequantizeLinear: onnxruntime would not fold it."""
    cast = name if len(parts) == 1 else f'{name}_cast'
    yield helper.make_node('Cast', parts[:1], [cast], f'{name}_cast_node', to=float32)
    if len(parts) == 2:
        yield helper.make_node('Mul', [cast, parts[1]], [name], f'{name}_scale_node')
