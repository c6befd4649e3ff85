"""Calls of mmcv's operators on small made-up tensors. What compiled mmcv answers is kept in `compiled_operators.json`,
written by `python -m tests._compat.operator_cases` in an environment with the full mmcv."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
from mmcv import ops
from torch import Tensor

COMPILED = Path(__file__).with_name('compiled_operators.json')


def waves(*shape: int, phase: float) -> Tensor:
    """Numbers between −1 and 1 that look disordered, the same on every machine."""
    count = torch.Size(shape).numel()
    return torch.sin(torch.arange(count, dtype=torch.float64) ** 1.5 + phase).float().reshape(shape)


def boxes(count: int, phase: float) -> Tensor:
    """(count, 4) corners in an image of 40 pixels; many overlap."""
    corner = 10 + 10 * waves(count, 2, phase=phase)
    return torch.cat((corner, corner + 12 + 6 * waves(count, 2, phase=phase + 1)), dim=1)


def with_gradients(output: Tensor, *inputs: Tensor) -> list[Tensor]:
    """`output`, and the gradient of the sum of its squares at each input."""
    return [output.detach(), *torch.autograd.grad(output.square().sum(), inputs)]


def suppression(offset: int) -> list[Tensor]:
    return [ops.nms(boxes(20, 0), waves(20, phase=3), 0.4, offset=offset)[1]]


def suppression_by_class() -> list[Tensor]:
    classes = torch.arange(20) % 2
    return [ops.batched_nms(boxes(20, 0), waves(20, phase=3), classes, dict(type='nms', iou_threshold=0.4))[1]]


def region_alignment(aligned: bool, sampling_ratio: int) -> list[Tensor]:
    image = waves(2, 2, 5, 6, phase=1).requires_grad_()
    regions = torch.cat(((torch.arange(3) % 2)[:, None].float(), boxes(3, 2)), dim=1)
    return with_gradients(ops.roi_align(image, regions, (2, 3), 1 / 8, sampling_ratio, 'avg', aligned), image)


def deformable_convolution(stride: int, groups: int, deform_groups: int) -> list[Tensor]:
    image, weight, offset, _, options = _convolution(stride, groups, deform_groups)
    return with_gradients(ops.deform_conv2d(image, offset, weight, *options), image, offset, weight)


def modulated_convolution(stride: int, groups: int, deform_groups: int, with_bias: bool) -> list[Tensor]:
    image, weight, offset, mask, options = _convolution(stride, groups, deform_groups)
    bias = waves(4, phase=5).requires_grad_() if with_bias else None
    output = ops.modulated_deform_conv2d(image, offset, mask, weight, bias, *options)
    return with_gradients(output, image, offset, mask, weight, *([bias] if with_bias else []))


def _convolution(stride: int, groups: int, deform_groups: int) -> tuple:
    """Image, weight, offset, mask, and (stride, padding, dilation, groups, deform groups)."""
    size = (3 // stride + 1, 4 // stride + 1)
    tensors = (
        waves(2, 2, 4, 5, phase=1),
        waves(4, 2 // groups, 3, 3, phase=2),
        waves(2, 18 * deform_groups, *size, phase=3),
        waves(2, 9 * deform_groups, *size, phase=4).abs(),
    )
    return *(tensor.requires_grad_() for tensor in tensors), (stride, 2, 2, groups, deform_groups)


CASES: dict[str, Callable[[], list[Tensor]]] = {
    'nms': lambda: suppression(0),
    'nms, a box one pixel larger': lambda: suppression(1),
    'batched_nms': suppression_by_class,
    'roi_align': lambda: region_alignment(True, 0),
    'roi_align, as mmdet 1 aligned': lambda: region_alignment(False, 2),
    'deform_conv': lambda: deformable_convolution(1, 1, 1),
    'deform_conv, grouped': lambda: deformable_convolution(2, 2, 2),
    'modulated_deform_conv': lambda: modulated_convolution(1, 1, 1, True),
    'modulated_deform_conv, grouped, no bias': lambda: modulated_convolution(2, 2, 2, False),
}


def write_what_compiled_mmcv_answers() -> None:
    """Replace `compiled_operators.json`."""
    import mmcv._ext

    assert mmcv._ext.__file__.endswith('.so'), 'this environment has no compiled mmcv'
    lines = [
        f'{json.dumps(name)}: '
        + json.dumps([[round(number, 6) for number in tensor.flatten().tolist()] for tensor in case()])
        for name, case in CASES.items()
    ]
    COMPILED.write_text('{\n' + ',\n'.join(lines) + '\n}\n')


if __name__ == '__main__':
    import das_mm  # noqa: F401

    write_what_compiled_mmcv_answers()
