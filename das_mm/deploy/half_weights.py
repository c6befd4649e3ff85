"""Graphs whose large weights are kept in float16: half the file, computed in float32 all the same.

A runtime turns them back once, when it opens the graph (onnxruntime folds casts of constants).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from das_mm.checkpoints.optional_packages import require

_LEAST_SIZE = 1024  # numbers; what is smaller is not worth a node


def store_half(proto: Any) -> None:
    """Keep the large float32 weights of a graph in float16, and cast them where they are used; in place.

    Args:
        proto: An ``onnx.ModelProto``. Weights beyond the range of float16 stay as they are.
    """
    onnx = require('onnx')
    graph, kept, casts = proto.graph, [], []
    for weight in graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < _LEAST_SIZE or np.abs(values).max() > np.finfo(np.float16).max:
            kept.append(weight)
            continue
        half = f'{weight.name}_float16'
        kept.append(onnx.numpy_helper.from_array(values.astype(np.float16), half))
        casts.append(
            onnx.helper.make_node('Cast', [half], [weight.name], f'{weight.name}_cast', to=onnx.TensorProto.FLOAT)
        )
    nodes = list(graph.node)
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend([*casts, *nodes])  # a node follows what it reads
