"""Large weights in fewer bits: a smaller file, and the numbers of the rounded weights."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from das_mm._compat.eight_bits import from_eight_bits, to_eight_bits
from das_mm.deploy.weight_storage import store_weights


def linear_graph(weight, bias):
    """y = x · weight + bias."""
    tensor = lambda name, *shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(
        [helper.make_node('MatMul', ['x', 'weight'], ['product']), helper.make_node('Add', ['product', 'bias'], ['y'])],
        'linear',
        [tensor('x', 2, len(weight))],
        [tensor('y', 2, weight.shape[1])],
        [numpy_helper.from_array(weight, 'weight'), numpy_helper.from_array(bias, 'bias')],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=8)


def run(proto, x):
    onnx.checker.check_model(proto, full_check=True)
    return onnxruntime.InferenceSession(proto.SerializeToString()).run(None, {'x': x})[0]


def test_numbers_and_size():
    rng = np.random.default_rng(0)
    weight, bias, x = (rng.normal(size=size).astype(np.float32) for size in ((64, 128), (128,), (2, 64)))
    weight = weight.astype(np.float16).astype(np.float32)  # as a packaged checkpoint has it
    exact, half = linear_graph(weight, bias), linear_graph(weight, bias)
    store_weights(half, 'float16')
    np.testing.assert_array_equal(run(half, x), run(exact, x))
    assert half.ByteSize() < 0.6 * exact.ByteSize()
    kinds = {one.name: one.data_type for one in half.graph.initializer}
    assert kinds == {'weight_float16': TensorProto.FLOAT16, 'bias': TensorProto.FLOAT}


@pytest.mark.parametrize('storage', ['float16', 'int8'])
def test_what_would_be_rounded_stays(storage):
    weight = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    proto = linear_graph(weight, np.zeros(64, dtype=np.float32))
    store_weights(proto, storage)
    assert [one.data_type for one in proto.graph.initializer] == [TensorProto.FLOAT] * 2


def test_what_float16_cannot_hold_stays():
    weight = np.full((64, 64), 1e6, dtype=np.float32)
    proto = linear_graph(weight, np.zeros(64, dtype=np.float32))
    store_weights(proto, 'float16')
    assert [one.data_type for one in proto.graph.initializer] == [TensorProto.FLOAT] * 2
    np.testing.assert_array_equal(run(proto, np.ones((2, 64), dtype=np.float32)), np.full((2, 64), 6.4e7, np.float32))


def test_eight_bits():
    rng = np.random.default_rng(0)
    weight, bias, x = (rng.normal(size=size).astype(np.float32) for size in ((64, 128), (128,), (2, 64)))
    weight[3] = 0  # a channel of nothing
    restored = from_eight_bits(*to_eight_bits(weight))
    assert 0 < np.abs(restored - weight).max() < np.abs(weight).max() / 250
    exact, small = linear_graph(restored, bias), linear_graph(restored, bias)
    store_weights(small, 'int8')
    np.testing.assert_allclose(run(small, x), run(exact, x), rtol=1e-5, atol=1e-5)
    assert small.ByteSize() < 0.35 * exact.ByteSize()


def test_float32_is_left_alone():
    proto = linear_graph(np.ones((64, 64), dtype=np.float32), np.zeros(64, dtype=np.float32))
    before = proto.SerializeToString()
    store_weights(proto, 'float32')
    assert proto.SerializeToString() == before
