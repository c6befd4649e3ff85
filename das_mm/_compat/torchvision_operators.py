"""Operators of torchvision (and torch) with the names and the calling convention of mmcv's compiled module.

mmcv's functions write into tensors that they are given (`output`, `grad_input`, …), and each has a backward of its
own; those here run the operator once more and ask autograd. What mmcv's Python files do around them, batched NMS for
one, stays theirs. Letters: N images or boxes, C channels or classes, H, W size of a feature map, R regions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torchvision import ops

from .missing_operators import missing_operator


def _gradients(operator: Callable[..., Tensor], inputs: Sequence[Tensor], grad_output: Tensor) -> tuple[Tensor, ...]:
    """The gradients of `operator(*inputs)` with respect to each of `inputs`."""
    with torch.enable_grad():
        inputs = [tensor.detach().requires_grad_() for tensor in inputs]
        return torch.autograd.grad(operator(*inputs), inputs, grad_output)


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Indices of the boxes (N, 4) that are kept, by falling score; with `offset` 1 a box is a pixel larger."""
    if offset:
        boxes = torch.cat((boxes[:, :2], boxes[:, 2:] + offset), dim=1)
    return ops.nms(boxes, scores, iou_threshold)


def roi_align_forward(
    input: Tensor, rois: Tensor, output: Tensor, argmax_y: Tensor, argmax_x: Tensor, *, pool_mode: int, **options
) -> None:
    """Fill `output` (R, C, aligned_height, aligned_width) from `input` (N, C, H, W) and `rois` (R, 5)."""
    if pool_mode != 1:
        raise missing_operator('roi_align with pool_mode="max"')
    output.copy_(_roi_align(input, rois, **options))


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    *,
    pool_mode: int,
    **options,
) -> None:
    """Fill `grad_input` (N, C, H, W). The operator is linear, so any input has the gradient that is asked for."""
    grad_input.copy_(_gradients(lambda x: _roi_align(x, rois, **options), [grad_input], grad_output)[0])


def _roi_align(
    input: Tensor,
    rois: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    aligned: bool,
) -> Tensor:
    return ops.roi_align(input, rois, (aligned_height, aligned_width), spatial_scale, sampling_ratio, aligned)


def sigmoid_focal_loss_forward(
    input: Tensor, target: Tensor, weight: Tensor, output: Tensor, gamma: float, alpha: float
) -> None:
    """Fill `output` (N, C) from logits (N, C) and class indices (N,), where C is the background."""
    if weight.numel():
        raise missing_operator('sigmoid_focal_loss with class weights')
    output.copy_(_focal_loss(input, target, gamma, alpha))


def sigmoid_focal_loss_backward(
    input: Tensor, target: Tensor, weight: Tensor, grad_input: Tensor, gamma: float, alpha: float
) -> None:
    """Fill `grad_input` (N, C) for a gradient of one everywhere; mmcv multiplies afterwards."""
    gradients = _gradients(lambda x: _focal_loss(x, target, gamma, alpha), [input], torch.ones_like(input))
    grad_input.copy_(gradients[0])


def _focal_loss(logits: Tensor, target: Tensor, gamma: float, alpha: float) -> Tensor:
    is_class = target[:, None] == torch.arange(logits.shape[1], device=logits.device)
    return ops.sigmoid_focal_loss(logits, is_class.to(logits.dtype), alpha=alpha, gamma=gamma, reduction='none')


def deform_conv_forward(
    input: Tensor, weight: Tensor, offset: Tensor, output: Tensor, columns: Tensor, ones: Tensor, **options
) -> None:
    """Fill `output`; group sizes are read from the shapes, mmcv's im2col step has no meaning here."""
    output.copy_(_deform_conv(input, offset, weight, **options))


def deform_conv_backward_input(
    input: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_input: Tensor,
    grad_offset: Tensor,
    weight: Tensor,
    columns: Tensor,
    **options,
) -> None:
    """Fill `grad_input` and `grad_offset`."""
    gradients = _gradients(lambda x, o: _deform_conv(x, o, weight, **options), [input, offset], grad_output)
    grad_input.copy_(gradients[0])
    grad_offset.copy_(gradients[1])


def deform_conv_backward_parameters(
    input: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_weight: Tensor,
    columns: Tensor,
    ones: Tensor,
    *,
    scale: float,
    **options,
) -> None:
    """Fill `grad_weight`."""
    gradients = _gradients(lambda w: _deform_conv(input, offset, w, **options), [grad_weight], grad_output)
    grad_weight.copy_(scale * gradients[0])


def _deform_conv(
    input: Tensor,
    offset: Tensor,
    weight: Tensor,
    *,
    dW: int,
    dH: int,
    padW: int,
    padH: int,
    dilationW: int,
    dilationH: int,
    **unused,
) -> Tensor:
    return ops.deform_conv2d(
        input, offset, weight, stride=(dH, dW), padding=(padH, padW), dilation=(dilationH, dilationW)
    )


def modulated_deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    output: Tensor,
    columns: Tensor,
    *,
    with_bias: bool,
    **options,
) -> None:
    """Fill `output`; `bias` is empty where there is none."""
    output.copy_(_modulated_deform_conv(input, offset, weight, mask, bias if with_bias else None, **options))


def modulated_deform_conv_backward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    columns: Tensor,
    grad_input: Tensor,
    grad_weight: Tensor,
    grad_bias: Tensor,
    grad_offset: Tensor,
    grad_mask: Tensor,
    grad_output: Tensor,
    *,
    with_bias: bool,
    **options,
) -> None:
    """Fill the five gradients, four where there is no bias."""
    inputs, filled = [input, offset, weight, mask], [grad_input, grad_offset, grad_weight, grad_mask]
    if with_bias:
        inputs, filled = [*inputs, bias], [*filled, grad_bias]
    gradients = _gradients(lambda *tensors: _modulated_deform_conv(*tensors, **options), inputs, grad_output)
    for to_fill, gradient in zip(filled, gradients):
        to_fill.copy_(gradient)


def _modulated_deform_conv(
    input: Tensor,
    offset: Tensor,
    weight: Tensor,
    mask: Tensor,
    bias: Tensor | None = None,
    *,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    **unused,
) -> Tensor:
    return ops.deform_conv2d(
        input,
        offset,
        weight,
        bias,
        stride=(stride_h, stride_w),
        padding=(pad_h, pad_w),
        dilation=(dilation_h, dilation_w),
        mask=mask,
    )


def ms_deform_attn_forward(
    value: Tensor,
    spatial_shapes: Tensor,
    level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    im2col_step: int,
) -> Tensor:
    """Multi-scale deformable attention (N, queries, channels) by mmcv's own formula in torch, which it uses on CPUs."""
    return _attention(spatial_shapes)(value, sampling_locations, attention_weights)


def ms_deform_attn_backward(
    value: Tensor,
    spatial_shapes: Tensor,
    level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    grad_output: Tensor,
    grad_value: Tensor,
    grad_sampling_locations: Tensor,
    grad_attention_weights: Tensor,
    im2col_step: int,
) -> None:
    """Fill the three gradients."""
    gradients = _gradients(_attention(spatial_shapes), [value, sampling_locations, attention_weights], grad_output)
    for to_fill, gradient in zip((grad_value, grad_sampling_locations, grad_attention_weights), gradients):
        to_fill.copy_(gradient)


def _attention(spatial_shapes: Tensor) -> Callable[..., Tensor]:
    # only now: mmcv.ops is being imported when this module is
    from mmcv.ops.multi_scale_deform_attn import multi_scale_deformable_attn_pytorch

    def attention(value: Tensor, sampling_locations: Tensor, attention_weights: Tensor) -> Tensor:
        return multi_scale_deformable_attn_pytorch(value, spatial_shapes, sampling_locations, attention_weights)

    return attention


def get_compiler_version() -> str:
    """What `collect_env` of mmcv, mmdet and mmpose prints."""
    return 'none: operators of torchvision stand in for compiled ones'


def get_compiling_cuda_version() -> str:
    """The same for CUDA: torchvision's operators are the ones that run there."""
    return 'none'


OPERATORS: dict[str, Callable] = {
    operator.__name__: operator
    for operator in (
        nms,
        roi_align_forward,
        roi_align_backward,
        sigmoid_focal_loss_forward,
        sigmoid_focal_loss_backward,
        deform_conv_forward,
        deform_conv_backward_input,
        deform_conv_backward_parameters,
        modulated_deform_conv_forward,
        modulated_deform_conv_backward,
        ms_deform_attn_forward,
        ms_deform_attn_backward,
        get_compiler_version,
        get_compiling_cuda_version,
    )
}
