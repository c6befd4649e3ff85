"""The released DAS, once more: plain, dense and slow, for the tests of the converter alone.

Written from the method's description (order of the layers, names of the weights, units, decoding) and from nothing of
``das_mm``: no registry, no module, no shared helper, its own bilinear reading and its own deformable convolution. It
works straight on a checkpoint's dictionary of tensors, one image at a time, every point of every level. Letters: K
joints, M heads of the update, C channels, H and W of a level. Weights carry the released names.

The description leaves open what follows; these are facts of the released configs and code and of the mmdet 2 and mmcv
1 under them. Steps of an update are joint-major, then heads, then (x, y). A convolution before a norm has no bias,
but for those of the towers and branches (``conv_bias=True``). The pyramid has batch norm. mmdet's FPN has no ReLU
before the first of its extra convolutions, whatever ``relu_before_extra_convs`` says. The flows are given (prediction
- truth) / sigma. OKS takes the mean area of the two. MuCo is in mm and divides relative depths by 50 all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

HEAD = 'bbox_head.'
STRIDES = (8, 16, 32, 64)


@dataclass(frozen=True)
class Released:
    """What the released configs fix, with widths that a test may shrink."""

    num_joints: int = 15
    root: int = 2
    num_layers: int = 1
    depth_per_mm: float = 2.0  # root depth map = 20 * z_cm / f = 2 * z_mm / f
    relative_mm: float = 500.0  # 50 cm
    score_thr: float = 0.07
    channels: int = 256
    centerness_channels: int = 64
    reduced_channels: int = 256
    num_heads: int = 4
    groups: int = 32
    backbone: dict = field(default_factory=dict)


# ---------------------------------------------------------------------------------------------------------- weights
def head_layout(spec: Released) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every tensor under ``bbox_head.`` and ``neck.``; of ``backbone.`` mmpose's MSPN knows."""
    c, k3 = spec.channels, spec.num_joints * 3
    shapes: dict[str, tuple[int, ...]] = {}

    def conv(name, cout, cin, size, bias=True):
        shapes[f'{name}.weight'] = (cout, cin, size, size)
        if bias:
            shapes[f'{name}.bias'] = (cout,)

    def conv_gn(name, cout, cin, size, bias=True, deformable=False):
        conv(f'{name}.conv', cout, cin, size, bias)
        if deformable:
            conv(f'{name}.conv.conv_offset', 27, cin, 3)  # always has a bias
        shapes[f'{name}.gn.weight'] = shapes[f'{name}.gn.bias'] = (cout,)

    def conv_bn(name, cout, cin, size):
        conv(f'{name}.conv', cout, cin, size, bias=False)
        for part in ('weight', 'bias', 'running_mean', 'running_var'):
            shapes[f'{name}.bn.{part}'] = (cout,)
        shapes[f'{name}.bn.num_batches_tracked'] = ()

    for tower in ('cls', 'reg', 'pose'):
        conv_gn(f'{HEAD}{tower}_convs.0', c, c, 3)
        conv_gn(f'{HEAD}{tower}_convs.1', c, c, 3, deformable=True)
    for name in ('cls_prev', 'reg_prevs.0', 'reg_prevs.1', 'pose_prevs.0', 'pose_prevs.1'):
        conv_gn(f'{HEAD}conv_{name}.0', c, c, 3)
    conv_gn(f'{HEAD}conv_centerness_prev.0', spec.centerness_channels, c, 3)
    for name, cout in (('cls', 1), ('regs.0', 2), ('regs.1', 1), ('poses.0', k3), ('poses.1', k3)):
        conv(f'{HEAD}conv_{name}', cout, c, 1)
    conv(f'{HEAD}conv_centerness', 1, spec.centerness_channels, 1)
    for level in range(len(STRIDES)):
        for output in range(4):
            shapes[f'{HEAD}scales.{level}.{output}.scale'] = ()
    for name, dims in (('flow3d', 3), ('flow2d', 2), ('flow3d_update', 3), ('flow2d_update', 2)):
        shapes[f'{HEAD}{name}.mask'] = (6, dims)
        for net in 'ts':
            for i in range(6):
                for j, (cout, cin) in zip((0, 2, 4), ((64, dims), (64, 64), (dims, 64))):
                    shapes[f'{HEAD}{name}.{net}.{i}.{j}.weight'] = (cout, cin)
                    shapes[f'{HEAD}{name}.{net}.{i}.{j}.bias'] = (cout,)
    branch, r = f'{HEAD}recursive_update_branch', spec.reduced_channels
    conv_gn(f'{branch}.reduction', r, c, 1, bias=False)
    for layer in range(spec.num_layers):
        name = f'{branch}.layer_{layer}.next_level_offset'
        conv_gn(f'{name}.update_feat_conv', r, r, 3, bias=False, deformable=True)
        conv(f'{name}.update_weight', k3, r, 1)
        conv(f'{name}.update_offset_value', k3, r, 1)
        conv(f'{name}.sampling_offset', spec.num_heads * spec.num_joints * 2, r, 1)
        conv(f'{name}.sampling_conf', k3, r, 1)

    for i in range(3):
        conv_bn(f'neck.lateral_convs.{i}', c, spec.backbone['unit_channels'], 1)
    for i in range(4):
        conv_bn(f'neck.fpn_convs.{i}', c, c, 3)
    return shapes


def random_weights(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> dict[str, Tensor]:
    """Random weights that keep every path alive: offsets of a few cells, confidences on both sides of the threshold."""
    draw = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in shapes.items():
        noise = torch.randn(shape, generator=draw)
        if name.endswith('.mask'):
            rows = ([0.0, 0, 1], [1.0, 1, 0]) if shape[1] == 3 else ([0.0, 1], [1.0, 0])
            weights[name] = torch.tensor(rows * 3)
        elif name.endswith('num_batches_tracked'):
            weights[name] = torch.tensor(1000)
        elif name.endswith('running_var'):
            weights[name] = 0.5 + noise.abs()
        elif name.endswith('.scale') or len(shape) == 1 and name.endswith('.weight'):  # of a norm
            weights[name] = 1 + 0.2 * noise
        elif name.endswith(('.bias', 'running_mean')):
            weights[name] = 0.2 * noise
        else:
            fan_in = int(np.prod(shape[1:]))
            weights[name] = noise / fan_in**0.5
    return weights


# ------------------------------------------------------------------------------------------------- primitive layers
def conv1(weights, name: str, x: Tensor) -> Tensor:
    return F.conv2d(x[None], weights[f'{name}.weight'], weights.get(f'{name}.bias'))[0]


def conv3_gn_relu(weights, name: str, x: Tensor, groups: int) -> Tensor:
    x = F.conv2d(x[None], weights[f'{name}.conv.weight'], weights.get(f'{name}.conv.bias'), padding=1)[0]
    return gn_relu(weights, name, x, groups)


def gn_relu(weights, name: str, x: Tensor, groups: int) -> Tensor:
    grouped = x.reshape(groups, -1)
    mean, var = grouped.mean(1, keepdim=True), grouped.var(1, unbiased=False, keepdim=True)
    x = ((grouped - mean) / (var + 1e-5).sqrt()).reshape_as(x)
    return (x * weights[f'{name}.gn.weight'][:, None, None] + weights[f'{name}.gn.bias'][:, None, None]).clamp_min(0)


def read_at(maps: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Maps (C,H,W) read bilinearly at cell indices x, y (H,W); outside of the map there is nothing (0)."""
    _, h, w = maps.shape
    x0, y0 = x.floor(), y.floor()
    result = 0
    for cx in (x0, x0 + 1):
        for cy in (y0, y0 + 1):
            weight = (1 - (x - cx).abs()) * (1 - (y - cy).abs())
            inside = (cx >= 0) & (cx <= w - 1) & (cy >= 0) & (cy <= h - 1)
            value = maps[:, cy.clamp(0, h - 1).long(), cx.clamp(0, w - 1).long()]
            result = result + value * (weight * inside)
    return result


def cells(maps: Tensor) -> tuple[Tensor, Tensor]:
    h, w = maps.shape[-2:]
    y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing='ij')
    return x.to(maps), y.to(maps)


def deformable_gn_relu(weights, name: str, x: Tensor, groups: int) -> Tensor:
    """Modulated deformable 3x3 convolution (DCNv2, one group): 9 x (dy, dx), then 9 raw modulations."""
    raw = F.conv2d(
        x[None], weights[f'{name}.conv.conv_offset.weight'], weights[f'{name}.conv.conv_offset.bias'], padding=1
    )[0]
    column, row = cells(x)
    out = 0
    for tap in range(9):
        dy, dx, modulation = raw[2 * tap], raw[2 * tap + 1], raw[18 + tap].sigmoid()
        ky, kx = divmod(tap, 3)
        value = read_at(x, column + kx - 1 + dx, row + ky - 1 + dy) * modulation
        out = out + torch.einsum('oc,chw->ohw', weights[f'{name}.conv.weight'][:, :, ky, kx], value)
    bias = weights.get(f'{name}.conv.bias')
    return gn_relu(weights, name, out if bias is None else out + bias[:, None, None], groups)


# ---------------------------------------------------------------------------------------------------------- network
def fpn(weights, stages: list[Tensor]) -> list[Tensor]:
    """Maps of strides 4, 8, 16, 32 (C,H,W) -> strides 8, 16, 32, 64."""
    lateral = [conv_bn(weights, f'neck.lateral_convs.{i}', x) for i, x in enumerate(stages[1:])]
    for i in (2, 1):
        lateral[i - 1] = lateral[i - 1] + F.interpolate(lateral[i][None], lateral[i - 1].shape[-2:])[0]
    outs = [conv_bn(weights, f'neck.fpn_convs.{i}', x) for i, x in enumerate(lateral)]
    return [*outs, conv_bn(weights, 'neck.fpn_convs.3', outs[-1], stride=2)]


def conv_bn(weights, name: str, x: Tensor, stride: int = 1) -> Tensor:
    kernel = weights[f'{name}.conv.weight']
    x = F.conv2d(x[None], kernel, weights.get(f'{name}.conv.bias'), stride=stride, padding=kernel.shape[-1] // 2)[0]
    if f'{name}.bn.weight' not in weights:
        return x
    weight, bias, mean, var = (
        weights[f'{name}.bn.{part}'][:, None, None] for part in ('weight', 'bias', 'running_mean', 'running_var')
    )
    return (x - mean) / (var + 1e-5).sqrt() * weight + bias


def tower(weights, name: str, x: Tensor, groups: int) -> Tensor:
    x = conv3_gn_relu(weights, f'{HEAD}{name}_convs.0', x, groups)
    return deformable_gn_relu(weights, f'{HEAD}{name}_convs.1', x, groups)


def head(weights, spec: Released, x: Tensor, level: int) -> dict[str, Tensor]:
    """Feature of one level -> raw maps: cls, centerness, offset (2), depth, joints: list of (K*3,H,W) U, U', ..."""
    g = spec.groups

    def output(feature, prev, last, groups=g):
        return conv1(weights, f'{HEAD}conv_{last}', conv3_gn_relu(weights, f'{HEAD}conv_{prev}.0', feature, groups))

    def scale(i):
        return weights[f'{HEAD}scales.{level}.{i}.scale']

    reg, pose = tower(weights, 'reg', x, g), tower(weights, 'pose', x, g)
    joints = output(pose, 'pose_prevs.0', 'poses.0')
    per_channel = torch.stack([scale(2), scale(2), scale(3)]).repeat(spec.num_joints)
    joints = joints * per_channel[:, None, None]
    return dict(
        cls=output(tower(weights, 'cls', x, g), 'cls_prev', 'cls'),
        centerness=output(reg, 'centerness_prev', 'centerness'),
        offset=output(reg, 'reg_prevs.0', 'regs.0') * scale(0),
        depth=output(reg, 'reg_prevs.1', 'regs.1') * scale(1),
        joints=[joints, *recursion(weights, spec, pose, joints)],
    )


def recursion(weights, spec: Released, feature: Tensor, joints: Tensor) -> list[Tensor]:
    """The offsets after each update layer, (K*3,H,W) each."""
    branch = f'{HEAD}recursive_update_branch'
    feature = gn_relu(weights, f'{branch}.reduction', conv1(weights, f'{branch}.reduction.conv', feature), spec.groups)
    results = []
    for layer in range(spec.num_layers):
        name = f'{branch}.layer_{layer}.next_level_offset'
        feature = feature + deformable_gn_relu(weights, f'{name}.update_feat_conv', feature, spec.groups)
        gate = conv1(weights, f'{name}.update_weight', feature).sigmoid()
        joints = (1 - gate) * joints + gate * conv1(weights, f'{name}.update_offset_value', feature)
        steps = conv1(weights, f'{name}.sampling_offset', feature)
        confidences = conv1(weights, f'{name}.sampling_conf', feature)
        joints = torch.cat(
            [
                update_joint(
                    joints[3 * k : 3 * k + 3],
                    confidences[3 * k : 3 * k + 3],
                    steps[2 * spec.num_heads * k : 2 * spec.num_heads * (k + 1)],
                )
                for k in range(spec.num_joints)
            ]
        )
        results.append(joints)
    return results


def update_joint(u: Tensor, confidence: Tensor, steps: Tensor) -> Tensor:
    """One joint of one update: u (3,H,W), confidence (3,H,W), steps (M*2,H,W) -> (3,H,W)."""
    x, y = cells(u)
    values, weights = [], []
    at_target = read_at(steps, x + u[0], y + u[1])
    for m in range(len(steps) // 2):
        for dx, dy in ((at_target[2 * m] + u[0], at_target[2 * m + 1] + u[1]), (steps[2 * m], steps[2 * m + 1])):
            there = read_at(u, x + dx, y + dy)
            values.append(torch.stack([dx + there[0], dy + there[1], there[2]]))
            weights.append(read_at(confidence, x + dx, y + dy))
    return (torch.stack(values) * torch.stack(weights).softmax(0)).sum(0)


# --------------------------------------------------------------------------------------------------------- decoding
def people(
    spec: Released, levels: list[dict[str, Tensor]], intrinsics: np.ndarray, scale: np.ndarray, max_people: int = 100
) -> list[dict]:
    """Raw maps of the levels -> people in the original image, best first.

    ``intrinsics`` of the original image, ``scale`` (x, y) = network input / original. Pixels are the released ones: the
    point (i, j) of a level lies at ((j + 0.5) * stride, (i + 0.5) * stride), and only a factor leads back to the image.
    """
    candidates = []
    for maps, stride in zip(levels, STRIDES):
        score = maps['cls'][0].sigmoid() * maps['centerness'][0].sigmoid()
        found = [
            (float(score[i, j]), i, j)
            for i in range(score.shape[0])
            for j in range(score.shape[1])
            if score[i, j] > spec.score_thr
        ]
        for value, i, j in sorted(found, reverse=True)[:1000]:
            candidates.append(decode(spec, maps, stride, i, j, intrinsics, scale) | dict(score=value))
    kept: list[dict] = []
    for person in sorted(candidates, key=lambda c: -c['score']):
        if len(kept) < max_people and all(similarity(other, person) <= 0.9 for other in kept):
            kept.append(person)
    return kept


def decode(spec: Released, maps, stride: int, i: int, j: int, intrinsics: np.ndarray, scale: np.ndarray) -> dict:
    u = maps['joints'][-1][:, i, j].double().numpy().reshape(-1, 3)
    point = np.array([j + 0.5, i + 0.5]) * stride
    pixels = (point + u[:, :2] * stride) / scale
    focal = np.sqrt(intrinsics[0, 0] * intrinsics[1, 1])
    root_mm = float(maps['depth'][0, i, j]) / spec.depth_per_mm * focal * np.sqrt(np.prod(scale))
    relative_mm = u[:, 2] * spec.relative_mm
    relative_mm[spec.root] = 0
    depth = root_mm + relative_mm
    rays = np.linalg.inv(intrinsics) @ np.concatenate([pixels, np.ones_like(pixels[:, :1])], 1).T
    return dict(pixels=pixels, points_mm=(rays * depth).T, root_depth_mm=root_mm)


def similarity(kept: dict, other: dict) -> float:
    """OKS of two people, every kappa 0.08, the area that of their joints' boxes."""
    area = sum(np.prod(np.ptp(person['pixels'], axis=0)) for person in (kept, other)) / 2
    squared = ((kept['pixels'] - other['pixels']) ** 2).sum(-1)
    return float(np.exp(-squared / (2 * area * (2 * 0.08) ** 2)).mean())


# ------------------------------------------------------------------------------------------------------------- flow
def flow_log_density(weights, name: str, x: Tensor) -> Tensor:
    """log G(x) of a released flow, (N,) for x (N,D) = (prediction - truth) / sigma."""
    log_det = 0
    for i in reversed(range(6)):
        keep = weights[f'{name}.mask'][i]
        log_scale = net(weights, f'{name}.s.{i}', x * keep).tanh() * (1 - keep)
        shift = net(weights, f'{name}.t.{i}', x * keep) * (1 - keep)
        x = keep * x + (1 - keep) * (x - shift) * (-log_scale).exp()
        log_det = log_det - log_scale.sum(1)
    return log_det - 0.5 * x.square().sum(1) - 0.5 * x.shape[1] * np.log(2 * np.pi)


def net(weights, name: str, x: Tensor) -> Tensor:
    for j in (0, 2, 4):
        x = F.linear(F.leaky_relu(x, 0.01) if j else x, weights[f'{name}.{j}.weight'], weights[f'{name}.{j}.bias'])
    return x
