"""The estimator: from the network input back into the image and its camera space; toy training end to end."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmengine.structures import InstanceData

from das_mm.config_files import config_path
from das_mm.errors import UserError
from das_mm.models.pose_estimators import DAS
from das_mm.registry import MODELS
from das_mm.structures import KEYPOINT_SETS, default_intrinsics, project
from das_mm.structures.camera_space import to_camera_space
from tests.models.heads.samples import make_sample, small_head
from tests.toy_das import write_toy_config

K = np.array([[900.0, 0, 400], [0, 1000, 300], [0, 0, 1]])


class Passing(torch.nn.Module):
    """Stands for a DAS without its network: only the way out is tested here."""

    add_pred_to_datasample, _to_camera = DAS.add_pred_to_datasample, DAS._to_camera

    def __init__(self, **test_cfg):
        super().__init__()
        self.test_cfg, self.head = test_cfg, small_head()


def network_output(keypoints_px, keypoints_mm, K, warp, root=2):
    """What a perfect network would say of (n, K, 2) and (n, K, 3) on an input warped by ``warp``."""
    scale = np.sqrt(np.linalg.det(warp[:, :2]))
    warped = keypoints_px @ warp[:, :2].T + warp[:, 2]
    focal = np.sqrt(K[0, 0] * K[1, 1]) * scale
    as_tensor = lambda one: torch.as_tensor(one, dtype=torch.float32)
    return InstanceData(
        scores=torch.linspace(0.9, 0.5, len(keypoints_px)),
        keypoints_px=as_tensor(warped),
        roots_px=as_tensor(warped[:, root]),
        root_depths_norm=as_tensor(keypoints_mm[:, root, 2] / focal),
        relative_depths_mm=as_tensor(keypoints_mm[..., 2] - keypoints_mm[:, root, None, 2]),
        keypoints_sigma=torch.ones(*keypoints_px.shape[:2], 3),
    )


@pytest.fixture
def people_mm():
    rng = np.random.default_rng(0)
    return np.array([[0, 0, 4000.0], [-800, 200, 6000]])[:, None] + rng.normal(0, 300, (2, 5, 3))


def test_back_to_the_original_image_and_its_camera(people_mm):
    warp = np.array([[0.5, 0, 12.0], [0, 0.5, -7]])
    sample = make_sample(0)
    sample.set_metainfo(dict(warp_mat=warp, ori_shape=(600, 800), camera=dict(K=K, source='annotation')))
    keypoints = project(people_mm, K)
    [out] = Passing().add_pred_to_datasample([network_output(keypoints, people_mm, K, warp)], None, [sample])
    found = out.pred_instances
    np.testing.assert_allclose(found.keypoints, keypoints, atol=1e-3)
    np.testing.assert_allclose(found.keypoints_3d, people_mm, atol=0.05)
    np.testing.assert_allclose(found.root_depths_mm, people_mm[:, 2, 2], rtol=1e-5)
    np.testing.assert_allclose(found.keypoints_sigma[0, 0], [2, 2, 1])  # px of the image, mm
    assert out.metainfo['camera']['source'] == 'annotation'
    assert all(isinstance(value, np.ndarray) for value in found.values())


def test_other_camera_without_the_network(people_mm):
    """Solving again for another K: depths scale with the focal length, the projection stays."""
    keypoints = project(people_mm, K)
    relative = people_mm[..., 2] - people_mm[:, 2, None, 2]
    again, root_depths = to_camera_space(keypoints, people_mm[:, 2, 2] / np.sqrt(9e5), relative, K * [[2], [2], [1]])
    np.testing.assert_allclose(root_depths, 2 * people_mm[:, 2, 2])
    np.testing.assert_allclose(project(again, K * [[2], [2], [1]]), keypoints, atol=1e-6)


def test_distortion_is_undone(people_mm):
    dist = np.array([-0.2, 0.05, 1e-3, -1e-3, 0.01])
    keypoints = project(people_mm, K, dist)
    sample = make_sample(0)
    eye = np.eye(3)[:2]
    sample.set_metainfo(dict(warp_mat=eye, ori_shape=(600, 800), camera=dict(K=K, dist=dist, source='user')))
    [out] = Passing().add_pred_to_datasample([network_output(keypoints, people_mm, K, eye)], None, [sample])
    np.testing.assert_allclose(out.pred_instances.keypoints_3d, people_mm, atol=0.5)


def test_unknown_camera_is_said(people_mm):
    sample = make_sample(0)
    output = network_output(project(people_mm, K), people_mm, K, np.eye(3)[:2])
    [out] = Passing(default_fov_deg=60.0).add_pred_to_datasample([output], None, [sample])
    assert out.metainfo['camera']['source'] == 'default_fov' and out.metainfo['camera']['fov_deg'] == 60
    np.testing.assert_allclose(out.metainfo['camera']['K'], default_intrinsics(160, 128, 60.0))


def test_mirrored_input_is_refused(people_mm):
    sample = make_sample(0)
    sample.set_metainfo(dict(flip=True))
    output = network_output(project(people_mm, K), people_mm, K, np.eye(3)[:2])
    with pytest.raises(ValueError, match='mirrored'):
        Passing().add_pred_to_datasample([output], None, [sample])


def test_nobody_found():
    empty = {
        name: value[:0]
        for name, value in network_output(np.zeros((1, 5, 2)), np.ones((1, 5, 3)), K, np.eye(3)[:2]).items()
    }
    [out] = Passing().add_pred_to_datasample([InstanceData(**empty)], None, [make_sample(0)])
    assert out.pred_instances.keypoints_3d.shape == (0, 5, 3) and out.pred_instances.bboxes.shape == (0, 4)


def test_unreadable_image_has_nobody(people_mm):
    """The dataset puts a blank image in the place of one that it cannot read."""
    sample = make_sample(0)
    sample.set_metainfo(dict(image_fault='truncated'))
    output = network_output(project(people_mm, K), people_mm, K, np.eye(3)[:2])
    [out] = Passing().add_pred_to_datasample([output], None, [sample])
    assert len(out.pred_instances) == 0


@pytest.mark.parametrize('keypoint_set', ['panoptic15', 'coco17'])
def test_toy_training_and_evaluation(tmp_path, keypoint_set):
    """3D people, 2D-only people and images without people in one training; both metrics take what comes out."""
    config = Config.fromfile(write_toy_config(tmp_path, epochs=3, keypoint_set=keypoint_set, mixed=True))
    runner = Runner.from_cfg(config)
    before = {name: value.clone() for name, value in runner.model.state_dict().items()}
    runner.train()
    scalars = list(runner.message_hub.get_scalar('train/loss').data[0])
    assert len(scalars) == 9 and np.isfinite(scalars).all() and np.mean(scalars[-3:]) < np.mean(scalars[:3])
    changed = [name for name, value in runner.model.state_dict().items() if not torch.equal(value, before[name])]
    assert {name.split('.')[0] for name in changed} == {'backbone', 'neck', 'head'}
    metrics = runner.val_loop.run()
    assert {'pose3d/mpjpe_mm', 'pose3d/recall', 'coco/AP'} <= set(metrics)
    assert KEYPOINT_SETS[keypoint_set].num_keypoints == config.model.head.num_keypoints


def test_the_auxiliary_head_teaches_and_is_not_missed():
    """Its loss comes with the others; weights with and without it load in models with and without it."""
    cfg = Config.fromfile(config_path('_base_/models/das_tiny.py')).model
    auxiliary = dict(type='KeypointHeatmapHead', num_keypoints=15, in_channels=64, stride=16)
    with DefaultScope.overwrite_default_scope('das_mm'):
        plain, taught = (MODELS.build(dict(cfg, train_cfg=given)) for given in (None, dict(auxiliary_head=auxiliary)))
    samples = [make_sample(2, seed=1, num_keypoints=15)]
    images = torch.zeros(1, 3, 128, 160)
    losses = [set(model.loss(images, samples)) for model in (plain, taught)]
    assert losses[1] - losses[0] == {'loss_heatmap'}
    assert not any(name.startswith('auxiliary_head') for name in plain.state_dict())
    own = {name: value.clone() for name, value in taught.auxiliary_head.state_dict().items()}
    taught.load_state_dict(plain.state_dict())  # strict: nothing is missing
    assert all(torch.equal(value, own[name]) for name, value in taught.auxiliary_head.state_dict().items())
    weights = {name: value + 1 for name, value in taught.state_dict().items()}
    plain.load_state_dict(weights)  # strict: nothing is left over
    assert torch.equal(plain.backbone.conv1.weight, weights['backbone.conv1.weight'])
    taught.load_state_dict(weights)
    assert torch.equal(taught.auxiliary_head.branch.out.bias, own['branch.out.bias'] + 1)
    del weights['auxiliary_head.branch.out.bias']
    with pytest.raises(RuntimeError, match='auxiliary_head.branch.out.bias'):
        taught.load_state_dict(weights)  # half a head is a damaged file


def model_with_mesh(**train_cfg):
    """The tiny model with a branch of meshes, on which alone ``train_only`` may work."""
    cfg = Config.fromfile(config_path('mesh/das-mesh_tiny-l2_1xb8-12e_synthetic-448x256.py')).model
    with DefaultScope.overwrite_default_scope('das_mm'):
        return MODELS.build(dict(cfg, train_cfg=train_cfg))


def test_a_branch_learns_alone_on_a_network_that_stays():
    model = model_with_mesh(train_only=['head.branches.mesh']).train()
    learns = {name for name, value in model.named_parameters() if value.requires_grad}
    assert learns == {name for name, _ in model.named_parameters() if name.startswith('head.branches.mesh.')}
    assert model.training and model.head.branches['mesh'].tower.training
    assert not any(part.training for name, part in model.named_modules() if name and 'branches.mesh' not in name)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    samples = [make_sample(2, seed=1, num_keypoints=15)]
    labels = samples[0].gt_instance_labels
    labels.set_field(torch.zeros(2, 15, 3), 'keypoints_3d_mm')
    labels.set_field(torch.zeros(2, 15), 'keypoints_3d_weights')
    labels.set_field(torch.eye(3).repeat(2, 24, 1, 1), 'smpl_pose_matrices')
    labels.set_field(torch.ones(2, 10), 'smpl_betas')
    labels.set_field(torch.ones(2), 'smpl_weights')
    losses = model.loss(torch.rand(1, 3, 128, 160), samples)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.1)
    sum(value for name, value in losses.items() if name.startswith('loss')).backward()
    optimizer.step()
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert 'head.branches.mesh.branch.out.weight' in changed  # and neither weights nor statistics of the others
    assert all(name.startswith('head.branches.mesh.') for name in changed)
    assert not model.eval().head.branches['mesh'].training


def test_a_part_that_is_none_is_told_with_those_that_are():
    with pytest.raises(UserError, match='no part') as caught:
        model_with_mesh(train_only=['head.branches.body'])
    assert 'head.branches.mesh' in caught.value.remedy
