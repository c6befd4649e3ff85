"""Records the parts of a model as ONNX, through torch.export."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.export import Dim

from das_mm.checkpoints.optional_packages import require
from das_mm.models.pose_estimators import DAS

from .graph_parts import LevelCandidates, Network, Pixels, Suppression
from .onnx_graph import RecordedParts

if TYPE_CHECKING:
    from onnx import ModelProto

_EXAMPLE_SIZE = 3, 4  # height and width in steps of the divisor; two images
_SIDE = dict(min=1, max=1 << 14)


def record(model: DAS, opset: int, num_best: int, error_spread: Tensor | None, folded: bool = True) -> RecordedParts:
    """The parts of ``model`` as ONNX models.

    Args:
        model: In evaluation mode, on the CPU.
        opset: Version of ONNX's operators.
        num_best: At most so many candidates of a level and image.
        error_spread: (D,) of the error over its scale; None where scales are not to be among the outputs.
    """
    for package in ('onnx', 'onnxscript'):
        require(package)
    divisor = model.data_preprocessor.pad_size_divisor
    batch, height, width = Dim('batch', **_SIDE), Dim('height', **_SIDE), Dim('width', **_SIDE)
    sides = tuple(divisor * steps for steps in _EXAMPLE_SIZE)
    with quiet(), torch.no_grad():
        pixels, inputs = None, torch.zeros(2, model.input_channels, *sides)
        if not model.sees_previous_frame:
            # sides that need padding, or padding would be recorded as none
            images = torch.zeros(2, 3, *(side - 1 for side in sides))
            pixels, inputs = _onnx(
                Pixels(model.data_preprocessor),
                dict(images=images),
                opset,
                ['inputs'],
                images={0: batch, 2: height, 3: width},
            )
        network, found = _onnx(
            Network(model),
            dict(inputs=inputs),
            opset,
            None,
            folded,
            inputs={0: batch, 2: divisor * Dim('rows', **_SIDE), 3: divisor * Dim('columns', **_SIDE)},
        )
        feat, confidence = found[0], found[len(found) // 2]
        level, fields = _onnx(
            LevelCandidates(model.head, num_best, error_spread),
            dict(
                feat=feat,
                confidence=confidence,
                score_thr=torch.zeros(()),
                scales=model.head.scales[0].float(),
                stride=torch.tensor(float(model.head.strides[0])),
            ),
            opset,
            None,
            feat={0: batch, 2: height, 3: width},
            confidence={0: batch, 1: height, 2: width},
        )
        people = Dim('candidates', min=0)
        suppression, _ = _onnx(
            Suppression(model.head.nms),
            dict(
                keypoints_px=fields['keypoints_px'],
                scores=fields['scores'],
                image=fields['image'],
                confidence=confidence,
            ),
            opset,
            ['kept'],
            keypoints_px={0: people},
            scores={0: people},
            image={0: people},
            confidence={0: batch, 1: height, 2: width},
        )
    return RecordedParts(pixels, network, level, suppression)


def _onnx(
    part: nn.Module,
    example: Mapping[str, Tensor],
    opset: int,
    outputs: list[str] | None,
    folded: bool = True,
    **dynamic: dict[int, Any],
) -> tuple[ModelProto, Any]:
    """The part as ONNX, and what it gives for the example; output names of a dictionary are its keys.

    With ``folded`` the norms become part of the convolutions before them, whose weights are then new numbers.
    """
    part.eval()
    given = part(**example)
    if isinstance(given, dict):
        outputs = list(given)
    # strict: Python is looked at, not run, so that len() of a tensor is a number that is not known yet
    program = torch.export.export(
        part,
        (),
        dict(example),
        strict=not isinstance(part, (Pixels, Network)),
        dynamic_shapes={name: dynamic.get(name) for name in example},
    )
    recorded: Any = torch.onnx.export(
        program, dynamo=True, opset_version=opset, output_names=outputs, verbose=False, optimize=folded
    )
    return recorded.model_proto, given


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the exporter's remarks on itself."""
    names = ('torch.onnx', 'torch.__trace', 'torch._export', 'onnxscript', 'onnx_ir')
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings(), open(os.devnull, 'w') as nowhere, contextlib.redirect_stdout(nowhere):
        warnings.simplefilter('ignore')
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels):
                logger.setLevel(level)
