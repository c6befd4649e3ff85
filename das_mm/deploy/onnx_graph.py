"""The recorded parts of DAS joined to one ONNX graph.

::

    images ── pixels ── network ─┬─ If(confidence in level 0 > score_thr) ─ candidates ─┬─ Concat ─ suppression ─ Gather
                                 ├─ If(confidence in level 1 > score_thr) ─ candidates ─┤
                                 └─ …                                                   ┘

A score is a confidence times a centerness, at most 1: a level whose confidences all lie below the threshold has no
candidate, and its towers do not run. All levels share the weights, which lie in the outer graph.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from das_mm.checkpoints.onnx_file import SCORE_THR
from das_mm.checkpoints.optional_packages import require

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto


@dataclass
class RecordedParts:
    """The parts (see :mod:`.graph_parts`) as ONNX models.

    Attributes:
        pixels: None where the graph takes the network's input as it is.
        network: To L features and L confidences.
        level: Candidates of a level; its outputs are ``image`` and the fields of the result.
        suppression: Rows that stay.
    """

    pixels: ModelProto | None
    network: ModelProto
    level: ModelProto
    suppression: ModelProto


def assemble(parts: RecordedParts, scales: np.ndarray, strides: Sequence[float], score_thr: float) -> ModelProto:
    """One model that takes images (and, if it is given, another ``score_thr``) and gives people.

    Args:
        parts: The recorded parts.
        scales: (L, 4) of the levels.
        strides: L strides.
        score_thr: The threshold where none is given.

    Returns:
        A model with the outputs of the part ``level``, (n, ...) each, image by image and best first. ``image`` (n,)
        int64 says whose they are.
    """
    onnx = require('onnx')
    builder = _Builder()
    first = parts.network if parts.pixels is None else parts.pixels
    images = _renamed_input(first.graph.input[0], 'images')
    value = 'images'
    if parts.pixels is not None:
        (value,) = builder.add(parts.pixels.graph, 'pixels', [value])
    found = builder.add(parts.network.graph, 'network', [value])
    feats, confidences = found[: len(found) // 2], found[len(found) // 2 :]
    builder.constant(SCORE_THR, np.float32(score_thr))
    level = parts.level.graph
    builder.initializers(level, 'level')
    outputs = [
        builder.add_level(
            level, f'level{index}', feats[index], confidences[index], np.float32(scales[index]), np.float32(stride)
        )
        for index, stride in enumerate(strides)
    ]
    names = [output.name for output in level.output]
    candidates = {
        name: builder.node('Concat', values, f'candidates/{name}', axis=0) for name, values in zip(names, zip(*outputs))
    }
    (kept,) = builder.add(
        parts.suppression.graph,
        'suppression',
        [candidates['keypoints_px'], candidates['scores'], candidates['image'], confidences[0]],
    )
    for name in names:
        builder.node('Gather', [candidates[name], kept], name, axis=0)
    helper = onnx.helper
    threshold = helper.make_tensor_value_info(SCORE_THR, onnx.TensorProto.FLOAT, [])
    people = [_people(output) for output in level.output]
    graph = helper.make_graph(builder.nodes, 'das', [images, threshold], people, builder.used_constants())
    return helper.make_model(
        graph, opset_imports=parts.network.opset_import, ir_version=parts.network.ir_version, producer_name='das_mm'
    )


class _Builder:
    """Nodes and constants of the joined graph."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list = []
        self._helper = require('onnx').helper

    def constant(self, name: str, value: np.ndarray | np.floating) -> str:
        self.constants.append(require('onnx').numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes) -> str:
        """A node with one output."""
        self.nodes.append(self._helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    def add(self, graph: GraphProto, prefix: str, inputs: Sequence[str]) -> list[str]:
        """A whole graph with its initializers; the names of its outputs."""
        self.initializers(graph, prefix)
        names = _Names(graph, prefix, prefix, inputs)
        self.nodes += names.rename(graph.node)
        return [names(output.name) for output in graph.output]

    def initializers(self, graph: GraphProto, prefix: str) -> None:
        for tensor in graph.initializer:
            copy = type(tensor)()
            copy.CopyFrom(tensor)
            copy.name = f'{prefix}/{tensor.name}'
            self.constants.append(copy)

    def used_constants(self) -> list:
        """Those that a node reads."""
        used = set(_inputs_of(self.nodes))
        return [tensor for tensor in self.constants if tensor.name in used]

    def add_level(
        self,
        level: GraphProto,
        prefix: str,
        feat: str,
        confidence: str,
        scales: np.ndarray | np.floating,
        stride: np.floating,
    ) -> list[str]:
        """The candidates of one level, or none where no confidence passes; the names of the outputs."""
        helper = self._helper
        inputs = [
            feat,
            confidence,
            SCORE_THR,
            self.constant(f'{prefix}/scales', scales),
            self.constant(f'{prefix}/stride', stride),
        ]
        highest = self.node('ReduceMax', [confidence], f'{prefix}/highest', keepdims=0)
        passes = self.node('Greater', [highest, SCORE_THR], f'{prefix}/passes')
        names = _Names(level, f'{prefix}/some', 'level', inputs)
        some = helper.make_graph(
            names.rename(level.node),
            f'{prefix}/some',
            [],
            [_renamed_input(output, names(output.name)) for output in level.output],
        )
        blanks = [_renamed_input(output, f'{prefix}/none/{output.name}') for output in level.output]
        none = helper.make_graph(
            [self._nobody(blank, -1 if output.name == 'scores' else 0) for blank, output in zip(blanks, level.output)],
            f'{prefix}/none',
            [],
            blanks,
        )
        outputs = [f'{prefix}/{output.name}' for output in level.output]
        self.nodes.append(helper.make_node('If', [passes], outputs, name=prefix, then_branch=some, else_branch=none))
        return outputs

    def _nobody(self, output: ValueInfoProto, score: float) -> NodeProto:
        """A row of nobody, as the recorded part has one."""
        kind = output.type.tensor_type
        shape = [1, *(dim.dim_value for dim in kind.shape.dim[1:])]
        row = self._helper.make_tensor(output.name, kind.elem_type, shape, [score] * math.prod(shape))
        return self._helper.make_node('Constant', [], [output.name], name=output.name, value=row)


def _inputs_of(nodes: Iterable[NodeProto]) -> Iterator[str]:
    """Names of what nodes, and the graphs inside them, read."""
    for node in nodes:
        yield from node.input
        for attribute in node.attribute:
            if attribute.HasField('g'):
                yield from _inputs_of(attribute.g.node)
                yield from (output.name for output in attribute.g.output)


class _Names:
    """Names of a graph's values once it is part of another one.

    Args:
        graph: The graph.
        prefix: Before its own values.
        weights: Before its initializers.
        inputs: What stands in for its inputs.
    """

    def __init__(self, graph: GraphProto, prefix: str, weights: str, inputs: Sequence[str]):
        self._prefix = prefix
        self._known = {tensor.name: f'{weights}/{tensor.name}' for tensor in graph.initializer}
        self._known.update({own.name: given for own, given in zip(graph.input, inputs, strict=True)})
        self._known[''] = ''  # an optional input that is not given

    def __call__(self, name: str) -> str:
        return self._known.get(name, f'{self._prefix}/{name}')

    def rename(self, nodes: Iterable[NodeProto]) -> list[NodeProto]:
        """Copies of nodes, with the graphs inside them."""
        return [_renamed(node, self) for node in nodes]


def _renamed(node: NodeProto, names: Callable[[str], str]) -> NodeProto:
    copy = type(node)()
    copy.CopyFrom(node)
    copy.name = names(node.name) if node.name else ''
    copy.metadata_props.clear()  # where in our source a node comes from: three quarters of the bytes of a graph
    copy.input[:] = map(names, node.input)
    copy.output[:] = map(names, node.output)
    for attribute in copy.attribute:
        if attribute.HasField('g'):
            _rename_body(attribute.g, names)
    return copy


def _rename_body(graph: GraphProto, names: Callable[[str], str]) -> None:
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = names(value.name)
    del graph.value_info[:]
    nodes = [_renamed(node, names) for node in graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _renamed_input(value: ValueInfoProto, name: str) -> ValueInfoProto:
    copy = type(value)()
    copy.CopyFrom(value)
    copy.name = name
    return copy


def _people(value: ValueInfoProto) -> ValueInfoProto:
    """An output of n rows."""
    copy = _renamed_input(value, value.name)
    copy.type.tensor_type.shape.dim[0].Clear()
    copy.type.tensor_type.shape.dim[0].dim_param = 'people'
    return copy
