"""GraphCMR written down once more, plainly, for the tests: one image at a time, dense Ã, weights by released names.

It shares no line with the package: torch's functional layers, torchvision's ResNet.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torchvision.models import resnet18, resnet50


def image_features(weights, images):
    """(B, 3, H, W) -> (B, C)."""
    network = resnet50() if 'graph_cnn.resnet.layer1.0.conv3.weight' in weights else resnet18()
    network.load_state_dict(
        {name[len('graph_cnn.resnet.') :]: value for name, value in weights.items() if 'resnet' in name}
    )
    network.fc = torch.nn.Identity()
    return network.eval()(images)


def dense_adjacency(edges):
    """Ã of a 0/1 matrix of edges: rows of means over neighbours and self."""
    with_self = (edges + np.eye(len(edges)) > 0).astype(float)
    return torch.tensor(with_self / with_self.sum(1, keepdims=True), dtype=torch.float32)


def block(weights, name, adjacency, x):
    """A residual block on one image's (C, N)."""
    w = lambda part: weights[f'{name}.{part}']

    def norm(part, y):
        return F.relu(F.group_norm(y[None], len(w(f'{part}.weight')) // 8, w(f'{part}.weight'), w(f'{part}.bias'))[0])

    y = norm('pre_norm', x)
    y = w('lin1.W') @ y + w('lin1.b')[:, None]
    y = norm('norm1', y)
    y = (adjacency @ (y.T @ w('conv.weight')) + w('conv.bias')).T
    y = norm('norm2', y)
    y = w('lin2.W') @ y + w('lin2.b')[:, None]
    if len(x) != len(y):
        x = w('skip_conv.W') @ x + w('skip_conv.b')[:, None]
    return x + y


def graph_network(weights, adjacency, template, features, prefix='graph_cnn.'):
    """(B, 2048) -> points (B, N, 3) and cameras (B, 3)."""
    own = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    depth = 1 + max(int(name.split('.')[1]) for name in own if name.startswith('gc.'))
    points, cameras = [], []
    for feature in features:
        x = torch.cat([template.T, feature[:, None].repeat(1, len(template))])
        x = own['gc.0.W'] @ x + own['gc.0.b'][:, None]
        for layer in range(1, depth):
            x = block(own, f'gc.{layer}', adjacency, x)
        y = block(own, 'shape.1', adjacency, block(own, 'shape.0', adjacency, x))
        y = F.relu(F.group_norm(y[None], len(y) // 8, own['shape.2.weight'], own['shape.2.bias'])[0])
        points.append((own['shape.4.W'] @ y + own['shape.4.b'][:, None]).T)
        c = F.relu(F.group_norm(x[None], len(x) // 8, own['camera_fc.0.weight'], own['camera_fc.0.bias'])[0])
        c = F.relu(own['camera_fc.2.W'] @ c + own['camera_fc.2.b'][:, None])
        cameras.append(own['camera_fc.4.weight'] @ c[0] + own['camera_fc.4.bias'])
    return torch.stack(points), torch.stack(cameras)


def smpl_parameters(weights, template, points, official=False):
    """(B, N, 3) -> rotations (B, 24, 3, 3) and betas (B, 10), batch norms by their running statistics."""
    prefix = 'smpl_param_regressor.layers.'
    w = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}

    def linear(name, x):
        return F.linear(x, w[f'{name}.weight'], w[f'{name}.bias'])

    def norm(name, x):
        scale = w[f'{name}.weight'] / (w[f'{name}.running_var'] + 1e-5).sqrt()
        return (x - w[f'{name}.running_mean']) * scale + w[f'{name}.bias']

    x = torch.stack([torch.cat([one, template], dim=1).reshape(-1) for one in points])
    x = F.relu(norm('0.fc_block.1', linear('0.fc_block.0', x)))
    for layer in (1, 2):
        y = F.relu(norm(f'{layer}.fc_block.1', linear(f'{layer}.fc_block.0', x)))
        x = F.relu(x + norm(f'{layer}.fc_block.4', linear(f'{layer}.fc_block.3', y)))
    x = linear('3', x)
    rotations = []
    for matrix in x[:, :216].reshape(-1, 3, 3).numpy().astype(np.float64):
        left, _, right = np.linalg.svd(matrix)
        sign = np.linalg.det(left @ right)
        rotations.append(sign * left @ right if official else left @ np.diag([1, 1, sign]) @ right)
    return torch.tensor(np.stack(rotations)).float().reshape(-1, 24, 3, 3), x[:, 216:]


def random_weights(shapes, seed):
    """Weights for names and shapes: small, running variances positive."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in shapes.items():
        if name.endswith('num_batches_tracked'):
            weights[name] = torch.tensor(7)
            continue
        value = torch.randn(shape, generator=generator)
        fan = max(int(np.prod(shape[1:])), 1)
        if name.endswith('running_var'):
            value = value.abs() + 0.5
        elif len(shape) > 1:
            value = value / fan**0.5
        elif name.endswith('.weight'):
            value = 1 + 0.1 * value
        else:
            value = 0.1 * value
        weights[name] = value
    return weights
