"""What the losses between people take of two cores, and that a GPU says what a CPU says."""

from __future__ import annotations

import time

import pytest
import torch

from das_mm.models.body_models import SMPLBody
from das_mm.models.losses import DepthOrderLoss, InterpenetrationLoss

_K = torch.tensor([[1000.0, 0, 416], [0, 1000, 256], [0, 0, 1]])


@pytest.fixture(scope='module')
def scene() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Two people of 6,890 vertices who stand in each other, their faces, and masks in the wrong order."""
    body, turned = SMPLBody(), torch.diag(torch.tensor([1.0, -1, -1]))
    eye = torch.eye(3).expand(2, 23, 3, 3)
    vertices, _ = body(turned.expand(2, 3, 3), eye, torch.zeros(2, 10))
    masks = torch.zeros(2, 512, 832, dtype=torch.bool)
    masks[0, :, :440], masks[1, :, 440:] = True, True
    return vertices + torch.tensor([[0, 0, 4.1], [0.3, 0, 4.0]])[:, None], body.faces, masks


@pytest.mark.timing
def test_two_people_take_less_than_half_a_second(scene):
    """Of processor time. Measured: 0.05 s; listing the triangles that columns of the lattice may cross, and the lattice
    points that are read, bounds it, not the distances."""
    vertices, faces, masks = scene
    for loss, given, budget in ((InterpenetrationLoss(), (), 0.5), (DepthOrderLoss(), (masks, _K), 0.5)):
        seconds = []
        for _ in range(3):
            people, begin = vertices.clone().requires_grad_(), time.process_time()
            loss(people, faces, *given).backward()
            seconds.append(time.process_time() - begin)
        assert min(seconds) < budget


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
def test_a_gpu_says_what_a_cpu_says(scene):
    vertices, faces, masks = scene
    for loss, given in ((InterpenetrationLoss(), ()), (DepthOrderLoss(stride=2), (masks, _K))):
        gradients = []
        for device in ('cpu', 'cuda'):
            people = vertices.to(device).requires_grad_()
            value = loss(people, faces.to(device), *(one.to(device) for one in given))
            value.backward()
            gradients.append((value.detach().cpu(), people.grad.cpu()))
        (first, gradient), (second, other) = gradients
        assert first > 0 and second == pytest.approx(first, rel=1e-3)
        assert (gradient - other).norm() < 0.02 * gradient.norm()
