"""The released CRMH written down plainly, from the authors' description and mmdetection 1's way of counting pixels.

Weights are those of the released file, by its names. One image, evaluation mode, nothing of mmdet or of the project.
"""

from __future__ import annotations

import torch
import torchvision
from torch.nn import functional as F

STRIDES = (4, 8, 16, 32, 64)


def trunk():
    """torchvision's ResNet-50 without its classifier, with statistics that are not those of a fresh network."""
    network = torchvision.models.resnet50(weights=None)
    network.fc = torch.nn.Identity()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval()


def random_weights(network):
    """A released file of random numbers."""
    shapes = {}

    def layer(name, *shape):
        shapes[f'{name}.weight'], shapes[f'{name}.bias'] = shape, shape[:1]

    for level, channels in enumerate((256, 512, 1024, 2048)):
        layer(f'neck.lateral_convs.{level}.conv', 256, channels, 1, 1)
        layer(f'neck.fpn_convs.{level}.conv', 256, 256, 3, 3)
    layer('rpn_head.rpn_conv', 256, 256, 3, 3)
    layer('rpn_head.rpn_cls', 3, 256, 1, 1)
    layer('rpn_head.rpn_reg', 12, 256, 1, 1)
    layer('bbox_head.fc_cls', 2, 1024)
    layer('bbox_head.fc_reg', 8, 1024)
    layer('bbox_head.shared_fcs.0', 1024, 256 * 49)
    layer('bbox_head.shared_fcs.1', 1024, 1024)
    layer('smpl_head.fc1', 1024, 413)
    layer('smpl_head.fc2', 1024, 1024)
    layer('smpl_head.dec', 157, 1024)
    for number in range(4):
        layer(f'smpl_head.convs.{number}.0', 256, 256, 3, 3)
    weights = {}
    for name, shape in shapes.items():
        fan = 1 if len(shape) == 1 else shape[1] * (shape[2] * shape[3] if len(shape) == 4 else 1)
        weights[name] = torch.randn(shape) * (0.05 if len(shape) == 1 else fan**-0.5)
    # numbers of a size that a network has: no score is 0 or 1, no two are equal
    for level in range(4):
        weights[f'neck.lateral_convs.{level}.conv.weight'] *= 0.01
    weights['rpn_head.rpn_reg.weight'] *= 0.1
    weights['bbox_head.fc_reg.weight'] *= 0.3
    weights['smpl_head.dec.weight'] *= 0.05
    for number in range(4):
        name = f'smpl_head.convs.{number}.1'
        weights |= {f'{name}.weight': torch.rand(256) + 0.5, f'{name}.bias': 0.1 * torch.randn(256)}
        weights |= {f'{name}.running_mean': 0.1 * torch.randn(256), f'{name}.running_var': torch.rand(256) + 0.5}
        weights[f'{name}.num_batches_tracked'] = torch.tensor(7)
    weights['smpl_head.init_contrep'] = torch.tensor([1.0, 0, 0, 0, 0, 1]).repeat(24)
    weights['smpl_head.init_shape'] = 0.1 * torch.randn(10)
    weights['smpl_head.init_cam'] = torch.tensor([0.9, 0, 0])
    weights['smpl_head.smpl.v_template'] = torch.zeros(6890, 3)
    weights['smpl_head.loss.sdf_loss.faces'] = torch.zeros(13776, 3, dtype=torch.int32)
    return {**{f'backbone.{name}': value for name, value in network.state_dict().items()}, **weights}


def random_judge():
    """Its discriminator's file."""
    sizes = {
        'pose_discriminator.conv_blocks.conv_0': (32, 9, 1, 1),
        'pose_discriminator.conv_blocks.conv_1': (32, 32, 1, 1),
    }
    sizes |= {f'pose_discriminator.fc_layer.{joint}': (1, 32) for joint in range(23)}
    fully = ((1024, 736), (1024, 1024), (1, 1024))
    sizes |= {f'full_pose_discriminator.fc_blocks.regressor_fc_{n}': size for n, size in enumerate(fully)}
    sizes |= {f'shape_discriminator.fc_blocks.regressor_fc_{n}': size for n, size in enumerate(((5, 10), (1, 5)))}
    weights = {}
    for name, size in sizes.items():
        weights[f'{name}.weight'] = torch.randn(size) * size[1] ** -0.5
        weights[f'{name}.bias'] = 0.1 * torch.randn(size[0])
    return weights


def plain_judge(weights, rotations, betas):
    """(N, 25) scores of rotations (N, 23, 3, 3) and betas (N, 10)."""
    linear = lambda name, x: F.linear(x, weights[f'{name}.weight'].flatten(1), weights[f'{name}.bias'])
    features = linear('pose_discriminator.conv_blocks.conv_0', rotations.flatten(2))
    features = linear('pose_discriminator.conv_blocks.conv_1', features)  # (N, 23, 32), no ReLU
    joints = [linear(f'pose_discriminator.fc_layer.{joint}', features[:, joint]) for joint in range(23)]
    whole, names = features.transpose(1, 2).flatten(1), 'full_pose_discriminator.fc_blocks.regressor_fc_'
    whole = linear(f'{names}2', F.relu(linear(f'{names}1', F.relu(linear(f'{names}0', whole)))))
    names = 'shape_discriminator.fc_blocks.regressor_fc_'
    shape = linear(f'{names}1', F.relu(linear(f'{names}0', betas)))
    return torch.cat([*joints, whole, shape], 1)


def _pyramid(network, weights, image):
    x = network.maxpool(F.relu(network.bn1(network.conv1(image))))
    maps = []
    for stage in (network.layer1, network.layer2, network.layer3, network.layer4):
        x = stage(x)
        maps.append(x)
    conv = lambda name, x, pad: F.conv2d(x, weights[f'{name}.weight'], weights[f'{name}.bias'], padding=pad)
    lateral = [conv(f'neck.lateral_convs.{level}.conv', x, 0) for level, x in enumerate(maps)]
    for level in (3, 2, 1):
        lateral[level - 1] = lateral[level - 1] + lateral[level].repeat_interleave(2, 2).repeat_interleave(2, 3)
    levels = [conv(f'neck.fpn_convs.{level}.conv', x, 1) for level, x in enumerate(lateral)]
    return [*levels, levels[-1][:, :, ::2, ::2]]


def _anchors(height, width, stride):
    """Base anchors about the middle of the first pixels, rounded; one row a place, ratios last."""
    centre, ratios = 0.5 * (stride - 1), torch.tensor([0.5, 1.0, 2.0]).sqrt()
    wide, high = stride / ratios * 8, stride * ratios * 8
    base = torch.stack([centre - 0.5 * (wide - 1), centre - 0.5 * (high - 1), centre + 0.5 * (wide - 1),
                        centre + 0.5 * (high - 1)], 1).round()  # fmt: skip
    y, x = torch.meshgrid(torch.arange(height) * stride, torch.arange(width) * stride, indexing='ij')
    shift = torch.stack([x, y, x, y], -1).reshape(-1, 1, 4)
    return (shift + base).reshape(-1, 4)


def _decode(boxes, deltas, shape, stds):
    dx, dy, dw, dh = (deltas * torch.tensor(stds)).unbind(1)
    limit = abs(torch.log(torch.tensor(16 / 1000)))
    w, h = boxes[:, 2] - boxes[:, 0] + 1, boxes[:, 3] - boxes[:, 1] + 1
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2 + w * dx, (boxes[:, 1] + boxes[:, 3]) / 2 + h * dy
    w, h = w * dw.clamp(-limit, limit).exp(), h * dh.clamp(-limit, limit).exp()
    x1, x2 = ((x + sign * (w / 2 - 0.5)).clamp(0, shape[1] - 1) for sign in (-1, 1))
    y1, y2 = ((y + sign * (h / 2 - 0.5)).clamp(0, shape[0] - 1) for sign in (-1, 1))
    return torch.stack([x1, y1, x2, y2], 1)


def _suppress(boxes, scores, threshold):
    """Kept rows by falling score."""
    area = (boxes[:, 2] - boxes[:, 0] + 1) * (boxes[:, 3] - boxes[:, 1] + 1)
    left, kept = scores.argsort(descending=True), []
    while len(left):
        first, left = left[0], left[1:]
        kept.append(first)
        low, high = torch.maximum(boxes[first, :2], boxes[left, :2]), torch.minimum(boxes[first, 2:], boxes[left, 2:])
        common = (high - low + 1).clamp(min=0).prod(1)
        left = left[common / (area[first] + area[left] - common) <= threshold]
    return torch.stack(kept) if kept else torch.zeros(0, dtype=torch.long)


def _region_features(levels, boxes, size):
    """RoIAlign without the half pixel, ends included, two by two samples a bin."""
    scale = ((boxes[:, 2] - boxes[:, 0] + 1) * (boxes[:, 3] - boxes[:, 1] + 1)).sqrt()
    level_of = (scale / 56 + 1e-6).log2().floor().clamp(0, 3).long()
    found = torch.zeros(len(boxes), 256, size, size)
    steps = (torch.arange(2 * size) + 0.5) / (2 * size)  # of the width
    for row, (box, level) in enumerate(zip(boxes, level_of.tolist())):
        x1, y1, x2, y2 = ((box + torch.tensor([0.0, 0, 1, 1])) / STRIDES[level]).tolist()
        grid = levels[level][0]  # (C, h, w)
        height, width = grid.shape[1:]
        weights = []
        for start, end, limit in ((y1, y2, height), (x1, x2, width)):
            place = start + steps * (end - start)
            inside = (place >= -1) & (place <= limit)
            place = place.clamp(0, limit - 1)
            low = place.floor().long().clamp(max=limit - 1)
            high = (low + 1).clamp(max=limit - 1)
            part = place - low
            table = torch.zeros(2 * size, limit)
            table.scatter_add_(1, low[:, None], (1 - part)[:, None])
            table.scatter_add_(1, high[:, None], part[:, None])
            weights.append(table * inside[:, None])
        samples = torch.einsum('ih,chw,jw->cij', weights[0], grid, weights[1])
        found[row] = F.avg_pool2d(samples[None], 2)[0]
    return found


@torch.no_grad()
def plain_crmh(network, weights, image, shape, focal=1000.0):
    """Boxes (n, 4), scores (n,), rotations, betas, cameras and translations of one padded image (1, 3, H, W).

    Args:
        shape: (height, width) of the image before it was padded.
    """
    linear = lambda name, x: F.linear(x, weights[f'{name}.weight'], weights[f'{name}.bias'])
    conv = lambda name, x, **kw: F.conv2d(x, weights[f'{name}.weight'], weights[f'{name}.bias'], **kw)
    levels = _pyramid(network, weights, image)
    boxes, scores = [], []
    for level, stride in zip(levels, STRIDES):
        hidden = F.relu(conv('rpn_head.rpn_conv', level, padding=1))
        score = conv('rpn_head.rpn_cls', hidden)[0].permute(1, 2, 0).reshape(-1).sigmoid()
        delta = conv('rpn_head.rpn_reg', hidden)[0].permute(1, 2, 0).reshape(-1, 4)
        best = score.argsort(descending=True)[:1000]
        box = _decode(_anchors(*level.shape[2:], stride)[best], delta[best], shape, [1.0] * 4)
        kept = _suppress(box, score[best], 0.7)[:1000]
        boxes.append(box[kept])
        scores.append(score[best][kept])
    boxes = torch.cat(boxes)[torch.cat(scores).argsort(descending=True)[:1000]]
    hidden = _region_features(levels, boxes, 7).flatten(1)
    for number in range(2):
        hidden = F.relu(linear(f'bbox_head.shared_fcs.{number}', hidden))
    score = linear('bbox_head.fc_cls', hidden).softmax(1)[:, 1]  # the background is class 0
    boxes = _decode(boxes, linear('bbox_head.fc_reg', hidden)[:, 4:], shape, [0.1, 0.1, 0.2, 0.2])
    boxes, score = boxes[score > 0.05], score[score > 0.05]
    kept = _suppress(boxes, score, 0.5)[:100]
    boxes, score = boxes[kept], score[kept]

    x = _region_features(levels, boxes, 14)
    for number in range(4):
        x = conv(f'smpl_head.convs.{number}.0', x, padding=1, stride=2 if number == 3 else 1)
        norm = [
            weights[f'smpl_head.convs.{number}.1.{part}'] for part in ('running_mean', 'running_var', 'weight', 'bias')
        ]
        x = F.relu(F.batch_norm(x, *norm))
    feature = x.mean((2, 3))
    start = torch.cat([weights[f'smpl_head.init_{part}'] for part in ('contrep', 'shape', 'cam')])
    estimate = start.expand(len(boxes), -1)
    for _ in range(3):
        hidden = F.relu(linear('smpl_head.fc1', torch.cat([feature, estimate], 1)))
        estimate = estimate + linear('smpl_head.dec', F.relu(linear('smpl_head.fc2', hidden)))
    block = estimate[:, :144].reshape(-1, 3, 2)
    b1 = F.normalize(block[:, :, 0], dim=1)
    b2 = F.normalize(block[:, :, 1] - (b1 * block[:, :, 1]).sum(1, keepdim=True) * b1, dim=1)
    rotations = torch.stack([b1, b2, torch.linalg.cross(b1, b2)], -1).reshape(-1, 24, 3, 3)
    betas, camera = estimate[:, 144:154], estimate[:, 154:]
    side = torch.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    depth = 2 * focal / (1e-6 + camera[:, 0] * side)
    middle = torch.tensor([image.shape[3], image.shape[2]]) / 2
    plane = depth[:, None] * ((boxes[:, :2] + boxes[:, 2:]) / 2 + camera[:, 1:] * side[:, None] - middle) / focal
    return dict(
        bboxes=boxes, scores=score, rotations=rotations, betas=betas, camera=camera,
        translation=torch.cat([plane, depth[:, None]], 1),
    )  # fmt: skip
