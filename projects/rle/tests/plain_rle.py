"""RLE once more, written from the formulas with torch's functions and a bare state dict; no code of the package.

State dicts are named as the authors' code names them. Shapes: B people, K keypoints, D coordinates.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torchvision.models import resnet50


def released_state(keypoints: int, dims: int, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random weights under the names of the authors' 2D (dims 2) or Human3.6M (dims 3) checkpoints, ResNet-50."""
    torch.manual_seed(seed)
    with torch.device('meta'):
        trunk = resnet50(weights=None).state_dict()
    state = {
        f'preact.{name}': torch.zeros(value.shape, dtype=value.dtype)
        for name, value in trunk.items()
        if not name.startswith('fc.')
    }
    for name, value in state.items():
        if value.ndim == 4:
            value.normal_(std=(2 / value[0].numel()) ** 0.5)
        elif name.endswith('running_var'):
            state[name] = torch.rand_like(value) * 0.5 + 0.75
        elif name.endswith(('running_mean', 'bias')):
            state[name] = torch.randn_like(value) * 0.1
        elif name.endswith(('bn3.weight', 'downsample.1.weight')):
            state[name] = torch.rand_like(value) * 0.3  # features of the size that trained networks have
        elif name.endswith('weight'):
            state[name] = torch.ones_like(value)
    outputs = keypoints * dims
    state['fc_coord.linear.weight'] = torch.randn(outputs, 2048) * 0.02
    state['fc_coord.linear.bias'] = torch.randn(outputs) * 0.1
    sigma = 'fc_sigma.linear.' if dims == 2 else 'fc_sigma.'
    state[f'{sigma}weight'], state[f'{sigma}bias'] = torch.randn(outputs, 2048) * 0.01, torch.randn(outputs) * 0.5
    for flow, d in dict(flow=2).items() if dims == 2 else dict(flow2d=2, flow3d=3).items():
        kept = torch.tensor([[0, 1], [1, 0]] if d == 2 else [[0, 0, 1], [1, 1, 0]]).float()
        state[f'{flow}.mask'] = kept.repeat(3, 1)
        for net in 'ts':
            for layer in range(6):
                for place, (rows, columns) in {0: (64, d), 2: (64, 64), 4: (d, 64)}.items():
                    state[f'{flow}.{net}.{layer}.{place}.weight'] = torch.randn(rows, columns) * 0.15
                    state[f'{flow}.{net}.{layer}.{place}.bias'] = torch.randn(rows) * 0.15
    return state


def features(state: dict[str, torch.Tensor], images: torch.Tensor) -> torch.Tensor:
    """Pooled features (B, 2048)."""
    with torch.device('meta'):
        trunk = resnet50(weights=None)
    trunk.fc = torch.nn.Identity()
    weights = {k.removeprefix('preact.'): v for k, v in state.items() if k.startswith('preact.')}
    trunk.load_state_dict(weights, assign=True)
    with torch.no_grad():
        return trunk.eval()(images)


def outputs(state: dict[str, torch.Tensor], feature: torch.Tensor, dims: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Coordinates and σ, (B, K, D)."""
    length = feature.pow(2).sum(1, keepdim=True).sqrt()
    coord = feature @ state['fc_coord.linear.weight'].T / length + state['fc_coord.linear.bias']
    name = 'fc_sigma.linear.' if dims == 2 else 'fc_sigma.'
    sigma = torch.sigmoid(feature @ state[f'{name}weight'].T + state[f'{name}bias'])
    shape = (len(feature), -1, dims)
    return coord.reshape(shape), sigma.reshape(shape) + (1e-9 if dims == 3 else 0)


def log_flow(state: dict[str, torch.Tensor], flow: str, x: torch.Tensor) -> torch.Tensor:
    """log density of x (N, D) under a RealNVP with a standard normal base."""
    mask, volume = state[f'{flow}.mask'], torch.zeros(len(x))

    def net(kind: str, layer: int, y: torch.Tensor) -> torch.Tensor:
        for place in (0, 2, 4):
            y = y @ state[f'{flow}.{kind}.{layer}.{place}.weight'].T + state[f'{flow}.{kind}.{layer}.{place}.bias']
            y = F.leaky_relu(y) if place < 4 else y
        return torch.tanh(y) if kind == 's' else y

    for layer in range(5, -1, -1):
        m = mask[layer]
        s, t = ((1 - m) * net(kind, layer, m * x) for kind in 'st')
        x, volume = m * x + (1 - m) * (x - t) * torch.exp(-s), volume - s.sum(1)
    return volume - 0.5 * (x * x).sum(1) - 0.5 * x.shape[1] * math.log(2 * math.pi)


def released_loss(state, coord, sigma, target, weight) -> torch.Tensor:
    """The loss of the released code: residuals are prediction minus truth, log G is added to every coordinate."""
    dims = coord.shape[-1]
    z = ((coord - target) / sigma).reshape(-1, dims)
    if dims == 2:
        log_g = log_flow(state, 'flow', z)
    else:
        deep = weight[..., 2].reshape(-1) > 0
        log_g = torch.zeros(len(z))
        log_g[deep], log_g[~deep] = log_flow(state, 'flow3d', z[deep]), log_flow(state, 'flow2d', z[~deep, :2])
    flow_part = sigma.log() - log_g.reshape(coord.shape[:2])[..., None]
    q_part = (sigma * math.sqrt(2 * math.pi)).log() + (target - coord).abs() / (math.sqrt(2) * sigma)
    return ((flow_part + q_part) * weight).sum() / len(coord)
