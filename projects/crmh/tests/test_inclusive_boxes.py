"""Boxes in whole pixels, as mmdetection 1 counted them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from das_mm.errors import UserError
from projects.crmh.crmh.fixed_size_preprocessor import FixedSizePreprocessor
from projects.crmh.crmh.inclusive_boxes import InclusiveBoxCoder, InclusiveOverlaps
from projects.crmh.crmh.panoptic_pairing import mean_error, pelvis_centred_errors
from projects.crmh.crmh.smpl_roi_head import SMPLRoIHead


def test_what_is_coded_is_decoded():
    boxes = torch.tensor([[10.0, 20, 39, 79], [0, 0, 9, 9]])
    truth = torch.tensor([[14.0, 15, 60, 90], [3, 2, 7, 30]])
    coder = InclusiveBoxCoder(target_stds=[0.1, 0.1, 0.2, 0.2])
    torch.testing.assert_close(coder.decode(boxes, coder.encode(boxes, truth)), truth)
    assert coder.decode(boxes, coder.encode(boxes, truth), (50, 40))[0].tolist() == [14, 15, 39, 49]
    # no shift at all: the very box, not one that is half a pixel off
    assert torch.equal(coder.decode(boxes, torch.zeros(2, 4)), boxes)


def test_overlaps_count_the_ends():
    one, other = torch.tensor([[0.0, 0, 9, 9]]), torch.tensor([[5.0, 0, 14, 9], [10.0, 0, 19, 9]])
    assert InclusiveOverlaps()(one, other)[0].tolist() == pytest.approx([50 / 150, 0])


def test_an_image_that_does_not_fit_is_told():
    preprocessor = FixedSizePreprocessor((64, 32), mean=[0.0] * 3, std=[1.0] * 3)
    done = preprocessor(dict(inputs=[torch.full((3, 20, 40), 7, dtype=torch.uint8)], data_samples=None))
    assert done['inputs'].shape == (1, 3, 32, 64)
    assert (done['inputs'][..., :20, :40] == 7).all() and done['inputs'].sum() == 3 * 20 * 40 * 7
    with pytest.raises(UserError, match='does not fit 64x32'):
        preprocessor(dict(inputs=[torch.zeros(3, 40, 40, dtype=torch.uint8)], data_samples=None))


def test_own_training_begins_at_the_mean_body():
    head = SMPLRoIHead(in_channels=4, num_convs=1, conv_channels=4, hidden_channels=4).eval()
    torch.nn.init.zeros_(head.dec.weight)
    torch.nn.init.zeros_(head.dec.bias)
    bodies = head(torch.randn(3, 4, 14, 14))  # a batch of three, at which a careless cross product is wrong
    upright = torch.diag(torch.tensor([1.0, -1, -1]))  # half a turn about x
    assert torch.equal(bodies.rotations[:, 0], upright.expand(3, 3, 3))
    assert torch.equal(bodies.rotations[:, 1:], torch.eye(3).expand(3, 23, 3, 3))
    assert bodies.camera.tolist() == [pytest.approx([0.9, 0, 0])] * 3 and not bodies.betas.any()


def test_the_pairing_on_panoptic():
    """One prediction may serve several, wherever it stands; an unknown joint is no error and decides nothing."""
    rng = np.random.default_rng(1)
    found = rng.normal(size=(2, 17, 3))
    truth = np.stack([found[1] + 40, found[1] - 7, found[0] + 1])
    truth[0, 4] += [0, 0.3, 0.4]
    truth[2, 9] += 500
    known = np.ones((3, 17), bool)
    known[2, 9] = False
    errors = pelvis_centred_errors(truth, known, found)
    expected = np.zeros((3, 17))
    expected[0, 4] = 0.5
    np.testing.assert_allclose(errors, expected, atol=1e-9)
    assert mean_error([errors, np.full((1, 17), 2.0)]) == pytest.approx((0.5 / 17 + 2) / 4)
    assert np.isnan(mean_error([pelvis_centred_errors(truth, known, found[:0])]))
