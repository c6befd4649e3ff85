"""Graphs whose large weights are kept in fewer bits: a half or a quarter of the file, computed in float32 all the same.

That is done to weights which lose nothing by it, those of a checkpoint that was packaged so (its weights were rounded
then): graph and checkpoint hold one model. A runtime turns them back once, when it opens the graph (onnxruntime folds
what is computed from constants).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from das_mm._compat.eight_bits import LEAST_SIZE, from_eight_bits, to_eight_bits
from das_mm.checkpoints.optional_packages import require


def store_weights(proto: Any, storage: str) -> None:
    """Keep large float32 weights of a graph in ``storage`` where that is exact, and turn them back where they are used.

    Args:
        proto: An ``onnx.ModelProto``, changed in place. Weights that would be rounded stay as they are.
        storage: 'float32' (nothing is done), 'float16', or 'int8' (:mod:`das_mm._compat.eight_bits`; float16 where
            that is not exact).
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
        names = [f'{weight.name}_{part}' for part in (str(parts[0].dtype), 'scale')[: len(parts)]]
        kept += [onnx.numpy_helper.from_array(part, name) for part, name in zip(parts, names)]
        nodes += _restoring(onnx.helper, onnx.TensorProto.FLOAT, weight.name, names)
    used = list(graph.node)
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend([*nodes, *used])  # a node follows what it reads


def _parts(values: np.ndarray, storage: str) -> tuple[np.ndarray, ...] | None:
    """What is written in place of a weight; None: the weight itself."""
    if storage == 'int8' and values.ndim > 1 and np.isfinite(values).all():
        integers, scale = to_eight_bits(values)
        if np.allclose(from_eight_bits(integers, scale), values, rtol=1e-6, atol=0):  # scales are computed anew
            return integers, scale
    with np.errstate(over='ignore'):
        half = values.astype(np.float16)
    return (half,) if np.array_equal(half.astype(np.float32), values) else None


def _restoring(helper: Any, float32: int, name: str, parts: list[str]) -> Iterable[Any]:
    """Nodes that make ``name`` of its parts. No DequantizeLinear: onnxruntime would not fold it."""
    cast = name if len(parts) == 1 else f'{name}_cast'
    yield helper.make_node('Cast', parts[:1], [cast], f'{name}_cast_node', to=float32)
    if len(parts) == 2:
        yield helper.make_node('Mul', [cast, parts[1]], [name], f'{name}_scale_node')
