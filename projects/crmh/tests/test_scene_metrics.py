"""The published protocols on bodies whose joints are known, losses against plain sums, and the view from the side."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from das_mm.errors import UserError
from das_mm.structures.cameras import project
from projects.crmh.crmh.region_targets import RegionTargets
from projects.crmh.crmh.scene_metrics import H36M_OF_MUPOTS, CRMHMuPoTSMetric, CRMHPanopticMetric
from projects.crmh.crmh.side_views import from_the_side
from projects.crmh.crmh.smpl_branch_loss import PlacedBodies, SMPLBranchLoss
from tests.evaluation import protocol_scenes


def _people(turned=0.0):
    rng = np.random.default_rng(0)
    orient = np.tile([np.pi, 0, 0], (2, 1))
    orient[1] = [0, 0, np.pi] if turned else orient[1]  # upright too, and seen from behind
    return dict(
        scores=np.array([0.9, 0.8]),
        smpl_global_orient=orient,
        smpl_body_pose=0.2 * rng.normal(size=(2, 23, 3)),
        smpl_betas=np.zeros((2, 10)),
        smpl_transl_mm=np.array([[-500.0, 0, 3000], [700, 0, 4000]]),
    )


@pytest.fixture(scope='module')
def metrics():
    return CRMHMuPoTSMetric(), CRMHPanopticMetric()


def _sample(metric, people, truth):
    joints = metric.regressed(dict(pred_instances=truth))[:, list(H36M_OF_MUPOTS)]
    sample = protocol_scenes.make_sample(gt=joints, pred=joints, seq='TS1')
    predicted = dict(people, keypoints=np.zeros((2, 24, 2)), keypoints_3d=np.zeros((2, 24, 3)))  # others are not read
    return {**sample, 'pred_instances': predicted}


def test_mupots_is_judged_by_the_joints_of_the_meshes(metrics):
    metric = metrics[0]
    table = protocol_scenes.score(metric, _sample(metric, _people(), _people()))
    assert table['pck_rel'] == table['pck_abs'] == table['pck_rel_matched'] == 100 and table['num_matched'] == 2
    metric.reset() if hasattr(metric, 'reset') else metric.results.clear()
    table = protocol_scenes.score(metric, _sample(metric, _people(turned=1.0), _people()))
    assert 49 < table['pck_rel'] < 90  # left and right of one of the two have changed places


def test_panoptic_is_judged_by_the_nearest_pose(metrics):
    metric = metrics[1]
    sample = _sample(metric, _people(), _people())
    sample['pred_instances']['smpl_transl_mm'] = sample['pred_instances']['smpl_transl_mm'][::-1] + 900.0  # elsewhere
    metric.dataset_meta = dict(protocol_scenes.meta(), keypoint_set='mupots17')
    metric.process(None, [sample])
    table = metric.evaluate(1)
    assert table['crmh_panoptic/mpjpe_mm'] == pytest.approx(0, abs=1e-3)
    assert table['crmh_panoptic/num_without_prediction'] == 0
    metric.score_thr = 0.95
    metric.process(None, [sample])
    table = metric.evaluate(1)
    assert np.isnan(table['crmh_panoptic/mpjpe_mm']) and table['crmh_panoptic/num_without_prediction'] == 2


def _bodies_and_targets():
    torch.manual_seed(0)
    bodies = PlacedBodies(
        torch.randn(4, 24, 3, 3), torch.randn(4, 10), torch.randn(4, 5, 3), torch.randn(4, 24, 3), torch.randn(4, 3),
        50 + 20 * torch.randn(4, 24, 2),
    )  # fmt: skip
    confident = lambda *shape: (torch.rand(shape) > 0.3).float()
    targets = RegionTargets(
        torch.cat([50 + 20 * torch.randn(4, 24, 2), confident(4, 24, 1)], -1),
        torch.cat([torch.randn(4, 24, 3), confident(4, 24, 1)], -1),
        torch.randn(4, 24, 3, 3), torch.randn(4, 10), torch.tensor([True, False, True, False]), torch.randn(4, 5, 3),
    )  # fmt: skip
    targets.keypoints_3d[1] = 0  # one without labels in space counts in the number
    return bodies, targets, torch.tensor([[10.0, 20, 60, 90], [0, 0, 30, 30], [5, 5, 95, 40], [50, 40, 52, 90]])


@pytest.mark.parametrize('error, sides', (('l1', 'both'), ('l2', 'width')))
def test_the_terms_are_the_released_sums(error, sides):
    bodies, targets, boxes = _bodies_and_targets()
    found = SMPLBranchLoss(error, box_sides=sides)(bodies, targets, boxes, (128, 96))
    apart = (lambda x: x.abs()) if error == 'l1' else (lambda x: x**2)
    total_2d = total_3d = 0
    for row in range(4):
        x1, y1, x2, y2 = boxes[row].tolist()
        side = torch.tensor([x2 - x1, y2 - y1 if sides == 'both' else x2 - x1])
        for k in range(24):
            label = targets.keypoints_2d[row, k]
            total_2d += (label[2] * apart((bodies.keypoints_2d[row, k] - label[:2]) / side)).sum()
            points, labels = bodies.keypoints_3d[row], targets.keypoints_3d[row]
            own, theirs = points[k] - (points[2] + points[3]) / 2, labels[k, :3] - (labels[2, :3] + labels[3, :3]) / 2
            total_3d += (labels[k, 3] * apart(own - theirs)).sum()
    torch.testing.assert_close(found['loss_keypoints_2d'], 4 * total_2d / (4 * 24 * 2))
    torch.testing.assert_close(found['loss_keypoints_3d'], total_3d / (4 * 24 * 3))
    rows = [0, 2]
    for name, weight, kind in (('vertices', 1, torch.abs), ('betas', 0.01, torch.square)):
        expected = weight * kind(getattr(bodies, name)[rows] - getattr(targets, name)[rows]).mean()
        torch.testing.assert_close(found[f'loss_{name}'], expected)
    expected = (bodies.rotations[rows] - targets.rotations[rows]).square().mean()
    torch.testing.assert_close(found['loss_pose'], expected)


def test_an_unknown_error_is_told():
    with pytest.raises(UserError, match='box_sides'):
        SMPLBranchLoss(box_sides='height')


def test_the_side_shows_who_stands_behind():
    vertices = np.zeros((2, 3, 3))
    vertices[0, :, 2], vertices[1, :, 2] = 3000, 5000
    vertices[:, 1, 1], vertices[:, 2, 0] = -900, 400
    turned, K = from_the_side(vertices, (400, 300))
    seen = project(turned, K)
    assert (seen >= 0).all() and (seen < [400, 300]).all()
    assert (seen[1, :, 0] > seen[0, :, 0] + 50).all()  # who is farther stands on the right
    assert (seen[:, 1, 1] < seen[:, 0, 1]).all()  # and up stays up
