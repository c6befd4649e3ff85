"""Who is in front: quads by hand, a plain reference of the released form, and what must not be felt."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from das_mm.errors import UserError
from das_mm.models.losses import DepthOrderLoss
from das_mm.models.losses.depth_order_loss import SOMEBODY_ELSE, strided_camera
from das_mm.rendering.z_buffer import rasterize

_K = torch.tensor([[40.0, 0, 15.7], [0, 40.0, 11.7], [0, 0, 1]])
_HEIGHT, _WIDTH = 24, 32
_FACES = torch.tensor([[0, 1, 2], [0, 2, 3]])


def people(*places: tuple[float, float, float]) -> torch.Tensor:
    """(P, 4, 3) upright squares of 10 x 10 pixels about a column of the image at a depth: (left px, width px, z)."""
    quads = []
    for left, width, z in places:
        u = torch.tensor([left, left + width, left + width, left]) - 0.5
        v = torch.tensor([7.0, 7, 17, 17]) - 0.5
        quads.append(torch.stack([(u - _K[0, 2]) * z / 40, (v - _K[1, 2]) * z / 40, torch.full((4,), z)], 1))
    return torch.stack(quads).requires_grad_()


def columns(*spans: tuple[int, int]) -> torch.Tensor:
    """(P, H, W) masks of the rows 7 to 16."""
    masks = torch.zeros(len(spans), _HEIGHT, _WIDTH, dtype=torch.bool)
    for mask, (left, right) in zip(masks, spans):
        mask[7:17, left:right] = True
    return masks


def test_quads_in_wrong_order_pull_and_push_and_nothing_else():
    # the second stands in front, the image shows the first where both are: columns 10 to 14
    pair = people((5, 10, 3.0), (10, 10, 2.0))
    loss = DepthOrderLoss(loss_weight=100)(pair, _FACES, columns((5, 15), (15, 20)), _K)
    pixels = 5 * 10
    assert loss.item() == pytest.approx(100 * pixels * math.log1p(math.exp(1.0)) / (2 * _HEIGHT * _WIDTH), rel=1e-5)
    loss.backward()
    pull, push = pair.grad[0, :, 2].sum(), pair.grad[1, :, 2].sum()
    # at a pixel the depth of a plane that faces the camera is its z, so the gradients are the sigmoid's
    force = 100 * pixels / (1 + math.exp(-1.0)) / (2 * _HEIGHT * _WIDTH)
    assert pull.item() == pytest.approx(force, rel=1e-3) and push.item() == pytest.approx(-force, rel=1e-3)
    with torch.no_grad():
        pair -= 0.3 * pair.grad.sum(1, keepdim=True) * torch.tensor([0, 0, 1.0])
    assert pair[0, 0, 2] < 3 and pair[1, 0, 2] > 2


def test_right_order_background_and_agreement_are_not_felt():
    masks = columns((5, 15), (15, 20))
    loss = DepthOrderLoss()
    right = people((5, 10, 2.0), (10, 10, 3.0))
    assert loss(right, _FACES, masks, _K) == 0
    wrong = people((5, 10, 3.0), (10, 10, 2.0))
    # the image shows nobody where the two overlap
    assert loss(wrong, _FACES, columns((5, 10), (15, 20)), _K) == 0
    # it shows the first where only the second is drawn: no depth of the first to judge there
    assert loss(people((5, 4, 3.0), (10, 10, 2.0)), _FACES, masks, _K) == 0
    for quads in (right, wrong):
        quads.grad = None
        loss(quads, _FACES, columns((5, 10), (15, 20)), _K).backward()
        assert (quads.grad == 0).all()


def test_of_three_people_the_pair_of_each_pixel_is_judged():
    trio = people((5, 10, 3.0), (10, 10, 2.0), (10, 10, 2.5))
    loss = DepthOrderLoss()(trio, _FACES, columns((5, 15), (15, 20), (2, 4)), _K)
    # the third is in front of the first as well, but hidden: Eq. 5.4 judges the one in front alone
    assert loss.item() == pytest.approx(50 * math.log1p(math.exp(1.0)) / (3 * _HEIGHT * _WIDTH), rel=1e-5)
    loss.backward()
    assert (trio.grad[2] == 0).all() and trio.grad[0, :, 2].sum() > 0 > trio.grad[1, :, 2].sum()


def test_maps_of_rows_masks_and_strides_agree():
    trio = people((5, 10, 3.0), (10, 10, 2.0), (2, 20, 4.0))
    masks = columns((5, 15), (15, 20), (2, 5))
    rows = torch.where(masks.any(0), masks.int().argmax(0), -1)
    loss = DepthOrderLoss()
    assert loss(trio, _FACES, masks, _K) == loss(trio, _FACES, rows, _K) > 0
    both = masks.clone()
    both[1, 7:12, 10:15] = True  # claimed by two: nobody's
    assert loss(trio, _FACES, both, _K).item() == pytest.approx(loss(trio, _FACES, masks, _K).item() / 2)
    rows[rows == 0] = SOMEBODY_ELSE
    assert loss(trio, _FACES, rows, _K) == 0
    for stride in (2, 3):
        begin = (stride - 1) // 2
        small = rasterize(
            trio, _FACES, strided_camera(_K, stride, begin), *masks[0, begin::stride, begin::stride].shape
        )
        whole = rasterize(trio, _FACES, _K, _HEIGHT, _WIDTH)
        assert torch.equal(small.person_ids, whole.person_ids[begin::stride, begin::stride])
        coarse = DepthOrderLoss(stride=stride)(trio, _FACES, masks, _K)
        assert coarse.item() == pytest.approx(loss(trio, _FACES, masks, _K).item(), rel=0.5)


def released_loss(depth: np.ndarray, shown: np.ndarray) -> float:
    """The released form in loops: depth (P, H, W) with inf outside, shown (H, W)."""
    total = 0.0
    for y, x in zip(*np.nonzero((shown != -1) & np.isfinite(depth).all(0))):
        own = depth[shown[y, x], y, x] if shown[y, x] >= 0 else 0.0
        for person in range(len(depth)):
            if person != shown[y, x]:
                gap = own - depth[person, y, x]
                total += gap if gap > 10 else np.log1p(np.exp(gap))
    return total / depth.size


def test_the_released_form_is_its_plain_reference():
    trio = people((5, 12, 3.0), (8, 10, 2.0), (4, 18, 20.0))
    rows = torch.from_numpy(np.random.default_rng(0).integers(-2, 3, (_HEIGHT, _WIDTH)))
    depth = rasterize(trio, _FACES, _K, _HEIGHT, _WIDTH).depth.detach().double().numpy()
    loss = DepthOrderLoss(released=True)(trio, _FACES, rows, _K)
    assert loss.item() == pytest.approx(released_loss(depth, rows.numpy()), rel=1e-5) and loss > 0
    # it punishes the right order too; ours does not
    right, masks = people((5, 10, 2.0), (10, 10, 3.0)), columns((5, 15), (15, 20))
    assert DepthOrderLoss(released=True)(right, _FACES, masks, _K) > 0 == DepthOrderLoss()(right, _FACES, masks, _K)
    far = people((5, 10, 99.0), (10, 10, 0.2))
    assert DepthOrderLoss()(far, _FACES, masks, _K).isfinite()  # exp(98.8) is not


def test_images_that_cannot_be_judged_give_a_connected_zero():
    loss, masks = DepthOrderLoss(), columns((5, 15), (15, 20))
    pair = people((5, 10, 3.0), (10, 10, 2.0))
    cases = [
        (pair, None, _K),
        (pair, masks, None),
        (pair[:0], masks[:0], _K),
        (pair[:1], masks[:1], _K),
        (pair, torch.zeros_like(masks), _K),
        (pair, masks * torch.tensor([1, 0]).view(2, 1, 1), _K),  # one has no pixel
        (people((500, 10, 3.0), (510, 10, 2.0)), masks, _K),  # out of the image
    ]
    for quads, mask, camera in cases:
        quads = quads.detach().requires_grad_()
        value = loss(quads, _FACES, mask, camera)
        value.backward()
        assert value == 0 and (quads.grad == 0).all()
    astray = people((5, 10, 3.0), (10, 10, 2.0), (5, 10, 1.0)).detach()
    astray[2, 1, 0] = float('inf')
    astray.requires_grad_()
    value = loss(astray, _FACES, columns((5, 15), (15, 20), (2, 4)), _K)
    value.backward()
    assert value.item() == pytest.approx(loss(pair, _FACES, masks, _K).item()) and astray.grad.isfinite().all()


def test_bad_input_is_told():
    pair, masks = people((5, 10, 3.0), (10, 10, 2.0)), columns((5, 15), (15, 20))
    loss = DepthOrderLoss()
    for wrong in (masks[:1], masks.float().mean(0), masks[None], torch.full((4, 4), 2), torch.full((4, 4), -3)):
        with pytest.raises(UserError, match='person_masks'):
            loss(pair, _FACES, wrong, _K)
    assert loss(pair, _FACES, masks, _K, (_HEIGHT, _WIDTH)) > 0
    with pytest.raises(UserError, match='32x24 pixels, the image 64x48'):
        loss(pair, _FACES, masks, _K, (48, 64))
    with pytest.raises(UserError, match='camera_matrix'):
        loss(pair, _FACES, masks, _K[:2])
    with pytest.raises(UserError, match='faces'):
        loss(pair, _FACES + 1, masks, _K)
    with pytest.raises(UserError):
        DepthOrderLoss(stride=0)
