"""The loop: who wins, what is stored, what is taught, and where the fitting starts."""

from __future__ import annotations

import pytest
import torch

from das_mm.errors import UserError
from das_mm.fitting import AdamSchedule, FittingCamera, SMPLify
from das_mm.models.body_models import SMPLBody, superset_layer
from das_mm.structures.tensor_rotations import axis_angle_to_matrix
from projects.spin.spin.fit_supervision import Fits, FitSupervisor, better_fits, guarded_targets, stored_fits
from projects.spin.spin.fits_store import FitsStore, SampleKeys, SampleSet

_CROP = 64
_CAMERA = FittingCamera.crop(_CROP)
_PLACE = torch.tensor([[0.0, 0.3, 180.0]])


@pytest.fixture(scope='module')
def smplify():
    return SMPLify(superset_layer(SMPLBody(), 'spin49'), schedule=AdamSchedule(camera_steps=2, body_steps=4))


def _standing(count, seed=0, spread=0.1):
    torch.manual_seed(seed)
    pose = spread * torch.randn(count, 72)
    pose[:, :3] = torch.tensor([torch.pi, 0.0, 0.0])
    return pose


def _keypoints(smplify, pose, betas=None):
    """(B, 49, 3) of bodies at the usual place."""
    turns = axis_angle_to_matrix(pose.unflatten(1, (-1, 3)))
    betas = torch.zeros(len(pose), 10) if betas is None else betas
    points = smplify.points(turns[:, 0], turns[:, 1:], betas)
    return torch.cat([_CAMERA.project(points + _PLACE), torch.ones(len(pose), 49, 1)], dim=-1)


def _keys(count):
    return SampleKeys(['x'] * count, list(range(count)), torch.zeros(count), torch.zeros(count).bool())


def _truth(count, has_smpl=None):
    return torch.zeros(count, 72), torch.zeros(count, 10), torch.zeros(count).bool() if has_smpl is None else has_smpl


def test_a_fit_replaces_another_only_where_it_is_better_and_finite():
    old = Fits(torch.zeros(4, 72), torch.zeros(4, 10), torch.tensor([5.0, 5.0, torch.inf, 5.0]))
    new = Fits(torch.ones(4, 72), torch.ones(4, 10), torch.tensor([4.0, 6.0, 7.0, 1.0]))
    new.pose[3, 5] = torch.nan
    best, updated = better_fits(old, new)
    assert updated.tolist() == [True, False, True, False]
    assert best.quality.tolist() == [4, 5, 7, 5]
    assert best.pose[:, 0].tolist() == [1, 0, 1, 0] == best.betas[:, 0].tolist()


def test_targets_are_guarded_and_the_ground_truth_goes_before_them():
    fits = Fits(torch.ones(5, 72), torch.ones(5, 10), torch.tensor([99.0, 100.0, 1.0, 500.0, 1.0]))
    fits.betas[2, 4] = fits.betas[4, 4] = -3.1
    truth_betas = torch.full((5, 10), 4.0)  # of the truth any shape is believed
    has_smpl = torch.tensor([False, False, False, True, True])
    pose, betas, valid = guarded_targets(fits, torch.full((5, 72), 2.0), truth_betas, has_smpl, 100.0, 3.0)
    assert valid.tolist() == [True, False, True, True, True]
    assert pose[:, 0].tolist() == [1, 1, 1, 2, 2]
    assert betas[:, 0].tolist() == [1, 1, 0, 4, 4]
    assert fits.betas[2, 4] == pytest.approx(-3.1) and fits.betas[2, 0] == 1  # the guard edits the targets alone


def test_old_fits_are_scored_on_the_crop_of_today(smplify):
    """One stored row is good for the crop it explains and bad for another; without a fit a row is infinitely bad."""
    store = FitsStore([SampleSet('x', 3)])
    pose = _standing(2)
    store.fill('x', torch.cat([torch.cat([pose, torch.zeros(2, 10)], 1), torch.full((1, 82), torch.nan)]))
    keypoints = torch.cat([_keypoints(smplify, pose), torch.ones(1, 49, 3)])
    right = stored_fits(store, _keys(3), smplify, keypoints, _CAMERA)
    wrong = stored_fits(store, _keys(3), smplify, _keypoints(smplify, _standing(3, seed=5, spread=0.6)), _CAMERA)
    assert (right.quality[:2] < 0.05).all() and (wrong.quality[:2] > 1).all()
    assert right.quality[2] == torch.inf and right.pose[2].isfinite().all()


def _run(smplify, store, keypoints, start, truth=None, **options):
    count = len(keypoints)
    supervisor = FitSupervisor(smplify, _CROP, **options)
    return supervisor(store, _keys(count), start, keypoints, _truth(count) if truth is None else truth)


def test_the_loop_starts_from_the_prediction_and_nothing_flows_back(smplify):
    """The prediction is nearly right: a few steps keep it. From the mean pose they could not have come near."""
    pose = _standing(2, spread=0.5)
    keypoints = _keypoints(smplify, pose)
    keypoints[:, :25, 2] = 0.0  # annotations alone
    before = keypoints.clone()
    start = (pose.clone().requires_grad_(), torch.zeros(2, 10, requires_grad=True), _PLACE.expand(2, 3))
    store = FitsStore([SampleSet('x', 2)])
    found = _run(smplify, store, keypoints, start)
    assert not found.pose.requires_grad and not found.betas.requires_grad
    assert torch.equal(keypoints, before)  # confidences are copied, never edited
    assert found.updated.all() and found.valid.all() and (found.quality < 1).all()
    difference = axis_angle_to_matrix(found.pose.unflatten(1, (-1, 3))) - axis_angle_to_matrix(
        pose.unflatten(1, (-1, 3))
    )
    assert difference.abs().max() < 0.1
    torch.testing.assert_close(store.fits['x'][:, 3:72], found.pose[:, 3:])


def test_the_camera_stage_turns_the_root(smplify):
    pose = _standing(1)
    turned = pose.clone()
    turned[:, :3] += torch.tensor([0.0, 0.0, 0.2])
    start = (turned, torch.zeros(1, 10), _PLACE)
    only_camera = SMPLify(smplify.points, prior=smplify.prior, schedule=AdamSchedule(camera_steps=15, body_steps=0))
    found = _run(only_camera, FitsStore([SampleSet('x', 1)]), _keypoints(smplify, pose), start)
    angle = lambda one: (axis_angle_to_matrix(one[:, :3]) - axis_angle_to_matrix(pose[:, :3])).norm()
    assert angle(found.pose) < 0.6 * angle(turned)
    torch.testing.assert_close(found.pose[:, 3:], turned[:, 3:])


def test_winners_are_stored_as_they_are_before_any_guard(smplify):
    """Beyond the threshold and with improbable betas: stored and not taught."""
    betas = torch.full((1, 10), 3.5)
    keypoints = _keypoints(smplify, _standing(1), betas)
    store = FitsStore([SampleSet('x', 1)])
    found = _run(smplify, store, keypoints, (_standing(1), betas, _PLACE), max_quality=1e-9)
    assert found.updated.all() and not found.valid.any()
    assert not found.betas.any() and (store.fits['x'][:, 72:] > 3).any()


def test_what_cannot_be_fitted_is_counted_and_not_stored(smplify):
    pose = _standing(3)
    keypoints = _keypoints(smplify, pose)
    keypoints[0, :, 2] = 0.0
    start = (pose.clone(), torch.zeros(3, 10), _PLACE.expand(3, 3))
    start[0][1, 6] = torch.nan  # a network that has gone astray
    store = FitsStore([SampleSet('x', 3)])
    found = _run(smplify, store, keypoints, start)
    assert found.num_failed == 2 and found.updated.tolist() == [False, False, True] == found.valid.tolist()
    assert store.fits['x'].isfinite().all(1).tolist() == [False, False, True]
    assert found.pose.isfinite().all() and found.betas.isfinite().all()


def test_static_fits_stay_what_they_are(smplify):
    store = FitsStore([SampleSet('x', 1)])
    store.fill('x', torch.cat([_standing(1, seed=3), torch.zeros(1, 10)], dim=1))
    before = store.fits['x'].clone()
    pose = _standing(1)
    start = (pose, torch.zeros(1, 10), _PLACE)
    found = _run(smplify, store, _keypoints(smplify, pose), start, in_the_loop=False)
    assert torch.equal(store.fits['x'], before) and not found.updated.any()
    torch.testing.assert_close(found.pose[:, 3:], before[:, 3:72])


def test_a_model_without_a_store_says_what_to_add(smplify):
    with pytest.raises(UserError, match=r'custom_hooks(.|\n)*FitsStoreHook'):
        _run(smplify, None, torch.zeros(1, 49, 3), (torch.zeros(1, 72), torch.zeros(1, 10), _PLACE))
