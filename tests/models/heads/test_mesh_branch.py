"""The mesh branch: what it learns from, mixtures of labels, where meshes stand in the camera."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData

from das_mm.errors import UserError
from das_mm.models.heads import PointOutputs
from das_mm.models.heads.branches.coherence_losses import shown_rows
from das_mm.models.heads.branches.mesh_branch import NUM_PARAMETERS
from das_mm.models.heads.scene_people import InputCamera, ScenePeople, best_points
from das_mm.models.losses.depth_order_loss import NOBODY, SOMEBODY_ELSE
from das_mm.models.task_modules import PersonLabels
from das_mm.registry import MODELS
from das_mm.structures import project
from das_mm.structures.tensor_rotations import axis_angle_to_matrix, matrix_to_rotation_6d

from .samples import WH, make_sample, small_feats, small_head

K_PX = np.array([[500.0, 0, 223.5], [0, 500, 127.5], [0, 0, 1]])
RLE = dict(
    loss_pose=dict(type='das_mm.RLELoss', flow=dict(type='RealNVP', dims=6), loss_weight=8.0),
    loss_shape=dict(type='das_mm.RLELoss', flow=dict(type='RealNVP', dims=10), loss_weight=0.6),
)
COHERENCE = dict(
    loss_interpenetration=dict(type='das_mm.InterpenetrationLoss', resolution=16),
    loss_depth_order=dict(type='das_mm.DepthOrderLoss', stride=2, loss_weight=100.0),
)
PRIOR = dict(loss_prior=dict(type='das_mm.SMPLifyPrior'))


def make_branch(**changes):
    torch.manual_seed(0)
    config = dict(
        type='das_mm.MeshBranch',
        in_channels=16,
        feat_channels=16,
        stacked_convs=1,
        norm_cfg=dict(type='GN', num_groups=4),
    )
    return MODELS.build({**config, **changes})


def random_pose(count: int, seed: int = 0) -> torch.Tensor:
    """(count, 24, 3, 3): standing before the camera, turned and bent a little; hands at rest."""
    generator = torch.Generator().manual_seed(seed)
    axis_angle = 0.4 * torch.randn(count, 24, 3, generator=generator)
    axis_angle[:, 22:] = 0
    matrices = axis_angle_to_matrix(axis_angle)
    matrices[:, 0] = torch.diag(torch.tensor([1.0, -1, -1])) @ matrices[:, 0]
    return matrices


def body_at(branch, matrices, betas, root_mm):
    """(N, K, 3) keypoints in the camera, mm, of bodies whose roots stand at (N, 3)."""
    return 1000 * branch.relative_keypoints(matrices, betas) + root_mm[:, None]


def make_labels(branch, count=3, seed=0, smpl=True, with_3d=True):
    """People 6 m away, labelled as asked; the camera frame is that of the network input."""
    generator = torch.Generator().manual_seed(seed)
    matrices, betas = random_pose(count, seed), torch.randn(count, 10, generator=generator)
    root = torch.stack(
        [2000 * torch.rand(count, generator=generator) - 1000, torch.zeros(count), torch.full((count,), 6000.0)], 1
    )
    points = body_at(branch, matrices, betas, root)
    seen = torch.as_tensor(project(points.numpy().astype(float), K_PX), dtype=torch.float32)
    K = points.shape[1]
    known = lambda yes: torch.full((count, K), float(yes))
    fields = dict(
        bboxes=torch.cat([seen.amin(1), seen.amax(1)], 1),
        keypoints=seen,
        keypoints_weights=known(True),
        keypoints_3d_mm=points,
        keypoints_3d_weights=known(with_3d),
        smpl_pose_matrices=matrices,
        smpl_betas=betas,
        smpl_weights=torch.full((count,), float(smpl)),
    )
    labels = PersonLabels(torch.zeros(count, dtype=torch.long), fields)
    return labels, root


def perfect(branch, labels, root_mm, points_px, strides):
    """The raw numbers (N, 145 + scales) that describe the labelled people exactly."""
    pose = matrix_to_rotation_6d(labels.smpl_pose_matrices[:, :22]) - branch.start_6d
    scale = K_PX[0, 0] * 1000 / root_mm[:, 2]  # px a metre, all of the body at the depth of its root
    root_px = torch.as_tensor(project(root_mm.numpy().astype(float), K_PX), dtype=torch.float32)
    camera = torch.cat([(scale / strides / 4).log()[:, None], (root_px - points_px) / strides[:, None]], 1)
    raw = torch.cat([camera, pose.flatten(1), labels.smpl_betas], 1)
    return torch.cat([raw, raw.new_zeros(len(raw), branch.out_channels - NUM_PARAMETERS)], 1)


def loss_of(branch, raw, labels, points_px, strides):
    person = torch.arange(len(labels))
    return branch.loss(raw, labels, person, points_px, strides, torch.tensor(float(max(1, len(labels)))))


def points_for(count):
    return torch.rand(count, 2, generator=torch.Generator().manual_seed(9)) * 200, torch.full((count,), 16.0)


def test_145_numbers_and_as_many_scales_as_are_learnt():
    assert make_branch().out_channels == NUM_PARAMETERS == 3 + 22 * 6 + 10 == 145
    assert make_branch(**RLE).out_channels == 145 + 22 * 6 + 10


def test_the_truth_has_no_loss():
    branch = make_branch()
    labels, root = make_labels(branch)
    points_px, strides = points_for(3)
    losses = loss_of(branch, perfect(branch, labels, root, points_px, strides), labels, points_px, strides)
    for name in ('loss_mesh_3d', 'loss_mesh_pose', 'loss_mesh_shape'):
        assert losses[name] == pytest.approx(0, abs=1e-3), name
    # a weak perspective does not see that hands are nearer than the root: a few of some 100 px remain
    assert losses['loss_mesh_2d'] / 40 * 256 < 4


def test_every_term_pulls_towards_the_truth():
    branch = make_branch()
    labels, root = make_labels(branch)
    points_px, strides = points_for(3)
    raw = torch.zeros(3, branch.out_channels, requires_grad=True)
    optimizer = torch.optim.Adam([raw], lr=0.05)
    first = None
    for _ in range(150):
        losses = loss_of(branch, raw, labels, points_px, strides)
        first = first or {name: value.item() for name, value in losses.items()}
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
    for name, value in losses.items():
        assert value.item() < 0.25 * first[name], name


@pytest.mark.parametrize(
    'kind, zero',
    [
        (dict(smpl=False, with_3d=True), ('loss_mesh_pose', 'loss_mesh_shape')),
        (dict(smpl=True, with_3d=False), ('loss_mesh_3d',)),
        (dict(smpl=False, with_3d=False), ('loss_mesh_pose', 'loss_mesh_shape', 'loss_mesh_3d')),
    ],
)
@pytest.mark.parametrize('options', [{}, RLE], ids=['L2', 'RLE'])
def test_what_is_not_labelled_is_not_learnt(kind, zero, options):
    branch = make_branch(**options, **PRIOR)
    labels, _ = make_labels(branch, **kind)
    if not kind['smpl']:
        labels.fields['smpl_betas'] = labels.smpl_betas * np.nan  # anything may stand there
    points_px, strides = points_for(3)
    raw = (0.1 * torch.randn(3, branch.out_channels)).requires_grad_()
    losses = loss_of(branch, raw, labels, points_px, strides)
    assert {name for name, value in losses.items() if value == 0} == set(zero)
    sum(losses.values()).backward()
    assert raw.grad.isfinite().all() and raw.grad.abs().sum() > 0


def test_a_batch_may_mix_everything_and_nobody():
    branch = make_branch(**RLE, **PRIOR)
    kinds = [dict(smpl=a, with_3d=b) for a in (True, False) for b in (True, False)]
    parts = [make_labels(branch, 2, seed, **kind)[0] for seed, kind in enumerate(kinds)]
    fields = {name: torch.cat([part.fields[name] for part in parts]) for name in parts[0].fields}
    labels = PersonLabels(torch.zeros(8, dtype=torch.long), fields)
    points_px, strides = points_for(8)
    raw = (0.1 * torch.randn(8, branch.out_channels)).requires_grad_()
    losses = loss_of(branch, raw, labels, points_px, strides)
    assert all(value.isfinite() for value in losses.values())
    # each sum counts those who are labelled and is divided by all: 3D of half the people is half of the sum of theirs
    with_3d = PersonLabels(
        torch.zeros(4, dtype=torch.long), {name: value[[0, 1, 4, 5]] for name, value in fields.items()}
    )
    alone = loss_of(branch, raw[[0, 1, 4, 5]], with_3d, points_px[[0, 1, 4, 5]], strides[:4])
    assert losses['loss_mesh_3d'].item() == pytest.approx(alone['loss_mesh_3d'].item() / 2, rel=1e-5)
    empty = PersonLabels(torch.zeros(0, dtype=torch.long), {name: value[:0] for name, value in fields.items()})
    none = loss_of(branch, raw[:0], empty, points_px[:0], strides[:0])
    assert set(none) == set(losses) and all(value == 0 for value in none.values())


@pytest.mark.parametrize('placement', ['root', 'camera'])
def test_projected_meshes_lie_on_the_person(placement):
    """The image of the mesh through the true camera, in an original image twice the size of the network input."""
    branch = make_branch(placement=placement, with_vertices=True)
    labels, root = make_labels(branch)
    points_px, strides = points_for(3)
    decoded = branch.decode(perfect(branch, labels, root, points_px, strides), points_px, strides)
    warp = np.array([[0.5, 0, -0.25], [0, 0.5, -0.25]])  # original px to input px
    K = np.array([[1000.0, 0, 447.5], [0, 1000, 255.5], [0, 0, 1]])
    instances = InstanceData(roots_px=project(root.numpy(), K), root_depths_mm=root[:, 2].numpy())
    fields = branch.to_camera(
        {name: value.numpy() for name, value in decoded.items()}, instances, dict(K=K, dist=None), warp
    )
    truth = branch.body(labels.smpl_pose_matrices[:, 0], labels.smpl_pose_matrices[:, 1:], labels.smpl_betas)
    keypoints = branch.body.keypoints(
        branch.keypoint_set.keypoints,
        torch.from_numpy(fields['vertices']),
        1000 * truth.joints + torch.from_numpy(fields['smpl_transl_mm'])[:, None],
    )
    seen = project(keypoints.numpy().astype(float), K)
    np.testing.assert_allclose(seen, 2 * labels.keypoints.numpy() + 0.5, atol=0.1)
    np.testing.assert_allclose(keypoints.numpy(), labels.keypoints_3d_mm.numpy(), atol=1.0)
    moved = fields['smpl_root_mm'] + fields['smpl_transl_mm']
    np.testing.assert_allclose(moved, root.numpy(), atol=1.0)


def test_a_turned_input_is_turned_back():
    branch = make_branch(with_vertices=True)
    labels, root = make_labels(branch)
    points_px, strides = points_for(3)
    fields = {
        name: value.numpy()
        for name, value in branch.decode(perfect(branch, labels, root, points_px, strides), points_px, strides).items()
    }
    angle = 0.3
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = K_PX[:2, 2]
    warp = np.concatenate([turn, (centre - turn @ centre)[:, None]], 1)  # original to input, about the principal point
    turned_back = root.numpy().astype(float)
    turned_back[:, :2] = turned_back[:, :2] @ turn  # the original camera's frame
    instances = InstanceData(roots_px=project(turned_back, K_PX), root_depths_mm=turned_back[:, 2])
    upright = branch.to_camera(fields, instances, dict(K=K_PX), warp)
    plain = branch.to_camera(
        fields,
        InstanceData(roots_px=project(root.numpy(), K_PX), root_depths_mm=root[:, 2].numpy()),
        dict(K=K_PX),
        np.eye(3)[:2],
    )
    expected = plain['vertices'].astype(float)
    expected[..., :2] = expected[..., :2] @ turn
    np.testing.assert_allclose(upright['vertices'], expected, atol=0.5)


def scene_of(branch, labels, root, points_px, strides, instance_map=None) -> ScenePeople:
    """The labelled people of one image, found exactly."""
    outputs = PointOutputs(
        centerness=torch.zeros(len(labels)),
        root=torch.zeros(len(labels), 3),
        pose=[],
        sigma=None,
        points_px=points_px,
        strides=strides,
        image=torch.zeros(len(labels), dtype=torch.long),
    )
    camera = InputCamera(torch.tensor(K_PX).float(), None)
    return ScenePeople(
        outputs=outputs,
        roots_px=torch.as_tensor(project(root.numpy().astype(float), K_PX)).float().requires_grad_(),
        root_depths_norm=(root[:, 2] / K_PX[0, 0]).requires_grad_(),
        row=torch.arange(len(labels)),
        cameras=[camera],
        instance_maps=[instance_map],
    )


@pytest.mark.parametrize('placement', ['root', 'camera'])
def test_losses_on_scenes_see_the_meshes_where_inference_puts_them(placement):
    branch = make_branch(placement=placement, with_vertices=True, sigma_floor=0.1)
    labels, root = make_labels(branch)
    points_px, strides = points_for(3)
    raw = perfect(branch, labels, root, points_px, strides)
    fields = {name: value.numpy() for name, value in branch.decode(raw, points_px, strides).items()}
    instances = InstanceData(roots_px=project(root.numpy(), K_PX), root_depths_mm=root[:, 2].numpy())
    placed = branch.to_camera(fields, instances, dict(K=K_PX), np.eye(3)[:2])['vertices']
    seen = branch.vertices_in_camera(raw, scene_of(branch, labels, root, points_px, strides))
    np.testing.assert_allclose(1000 * seen.detach().numpy(), placed, atol=1.0)
    assert not branch.judges_scenes and list(branch.state_dict()) == list(make_branch(**COHERENCE).state_dict())


def test_people_in_each_other_and_in_wrong_order_are_told_so():
    branch = make_branch(**COHERENCE)
    labels, root = make_labels(branch, 3)
    root = torch.tensor([[0.0, 0, 6000], [100, 0, 6100], [1500, 0, 6000]])
    points_px, strides = points_for(3)
    raw = perfect(branch, labels, root, points_px, strides).requires_grad_()
    shown = torch.zeros(256, 448, dtype=torch.long)
    shown[:, 200:260] = 2  # the second is seen where the first is in front
    shown[:, 300:] = 1
    scene = scene_of(branch, labels, root, points_px, strides, shown)
    losses = branch.scene_loss(raw, scene)
    assert set(losses) == {'loss_mesh_interpenetration', 'loss_mesh_depth_order'}
    assert losses['loss_mesh_interpenetration'] > 0.1 and losses['loss_mesh_depth_order'] > 0.1
    inputs = (raw, scene.root_depths_norm, scene.roots_px)
    pose, depth, _ = torch.autograd.grad(losses['loss_mesh_depth_order'], inputs, retain_graph=True)
    assert depth[0] < 0 < depth[1] and depth[2] == 0 and (pose[:2, 3:].abs().sum(1) > 0).all()
    pose, depth, place = torch.autograd.grad(losses['loss_mesh_interpenetration'], inputs)
    assert (place[:2, 0] != 0).all() and (pose[:2, 3:].abs().sum(1) > 0).all()
    assert (place[2] == 0).all() and depth[2] == 0 and (pose[2] == 0).all()
    half = make_branch(**COHERENCE, loss_weight=0.5)
    assert half.scene_loss(raw, scene)['loss_mesh_depth_order'].item() == pytest.approx(
        losses['loss_mesh_depth_order'].item() / 2
    )
    scene.instance_maps[0] = None
    assert branch.scene_loss(raw, scene)['loss_mesh_depth_order'] == 0


def test_pixels_of_people_without_a_mesh_are_somebody_elses():
    shown = shown_rows(torch.tensor([[0, 1, 2, 4]]), torch.tensor([3, 0, 9]))
    assert shown.tolist() == [[NOBODY, 1, SOMEBODY_ELSE, 0]]


def test_the_best_point_of_each_person_is_taken():
    person, scores = torch.tensor([4, 2, 4, 2, 7]), torch.tensor([0.1, 0.5, 0.9, 0.5, 0.2])
    assert best_points(person, scores).tolist() == [1, 2, 4]
    assert best_points(person[:0], scores[:0]).tolist() == []


@pytest.mark.parametrize('people', [(3, 2), (0, 0)], ids=str)
def test_the_head_gives_the_branch_its_scenes(people):
    branch = dict(type='das_mm.MeshBranch', in_channels=16, feat_channels=16, stacked_convs=1, **COHERENCE)
    head = small_head(num_keypoints=15, branches=dict(mesh=dict(branch, norm_cfg=dict(type='GN', num_groups=4))))
    samples = [make_sample(count, seed, num_keypoints=15) for seed, count in enumerate(people)]
    for sample, count in zip(samples, people):
        known = dict(
            keypoints_3d_mm=torch.zeros(count, 15, 3),
            keypoints_3d_weights=torch.zeros(count, 15),
            smpl_pose_matrices=torch.eye(3).expand(count, 24, 3, 3),
            smpl_betas=torch.zeros(count, 10),
            smpl_weights=torch.zeros(count),
        )
        for name, column in known.items():
            sample.gt_instance_labels.set_field(column, name)
        sample.gt_fields = PixelData(instance_map=torch.randint(0, count + 1, (1, *WH[::-1])).byte())
    samples[1].set_metainfo(dict(input_K=np.array([[150.0, 0, 80], [0, 150, 64], [0, 0, 1]])))
    losses = head.loss(small_feats(), samples)
    assert {'loss_mesh_interpenetration', 'loss_mesh_depth_order'} <= set(losses)
    assert all(value.isfinite() for value in losses.values())
    sum(value for name, value in losses.items() if 'loss' in name).backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in head.parameters())
    samples[1].gt_fields = PixelData(instance_map=samples[1].gt_fields.instance_map[:, ::2])
    with pytest.raises(UserError, match='instance_map: its masks have the shape'):
        head.loss(small_feats(), samples)


def test_wrong_placement_is_told():
    with pytest.raises(ValueError, match="'root' or 'camera'"):
        make_branch(placement='floor')


def test_a_joint_that_never_turns_keeps_its_scale():
    """Without a floor its likelihood grows without end, and its gradients drown all others."""
    branch = make_branch(**RLE, sigma_floor=0.05)
    raw = torch.zeros(3, branch.out_channels)
    raw[:, NUM_PARAMETERS:] = -50.0
    parts = branch.split(raw)
    assert parts['sigma_pose'].min() == pytest.approx(0.05) and parts['sigma_shape'].min() == pytest.approx(0.05)
    raw[:, NUM_PARAMETERS:] = 50.0
    assert branch.split(raw)['sigma_pose'].max() == pytest.approx(1.0)


def test_one_weight_for_all_terms():
    labels, _ = make_labels(make_branch())
    raw, (points_px, strides) = torch.zeros(3, NUM_PARAMETERS), points_for(3)
    plain, half = (
        loss_of(make_branch(loss_weight=weight, **PRIOR), raw, labels, points_px, strides) for weight in (1.0, 0.5)
    )
    assert {name: value.item() for name, value in half.items()} == pytest.approx(
        {name: 0.5 * value.item() for name, value in plain.items()}
    )


@pytest.mark.parametrize('options, counts', [({}, True), (RLE, False)], ids=['L2', 'RLE'])
def test_joints_at_rest_were_never_fitted(options, counts):
    """An exact identity is no observation: a likelihood leaves it out, a distance may hold the joint there."""
    branch = make_branch(**options)
    labels, _ = make_labels(branch)
    labels.fields['smpl_pose_matrices'][:, 20:22] = torch.eye(3)  # the wrists
    points_px, strides = points_for(3)
    raw = (0.1 * torch.randn(3, branch.out_channels)).requires_grad_()
    loss_of(branch, raw, labels, points_px, strides)['loss_mesh_pose'].backward()
    wrists = raw.grad[:, 3 + 6 * 20 : 3 + 6 * 22]
    assert (wrists.abs().sum() > 0) == counts and raw.grad[:, 3 : 3 + 6 * 20].abs().sum() > 0
