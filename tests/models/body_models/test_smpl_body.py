"""SMPLBody: smplx's skinning on every source of arrays, keypoints, mirrored and turned bodies."""

from __future__ import annotations

import copy
import doctest
import sys

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from torch.utils.flop_counter import FlopCounterMode

from das_mm.bodies import keypoints_from_body, linear_blend_skinning, load_generated_body, write_smpl_file
from das_mm.errors import UserError
from das_mm.models.body_models import smpl_body
from das_mm.models.body_models.protocol import BodyModelProtocol
from das_mm.models.body_models.smpl_body import SMPLBody
from das_mm.registry import MODELS
from das_mm.structures import KEYPOINT_SETS
from das_mm.structures.tensor_rotations import axis_angle_to_matrix, mirror_pose, move_translation
from tests.bodies.fake_smpl import smpl_arrays, write_downloaded


@pytest.fixture(scope='module')
def body():
    return SMPLBody()


def people(count, seed=0, dtype=torch.float32, size=0.4):
    """Axis-angle poses (count, 24, 3) and betas (count, 10)."""
    generator = torch.Generator().manual_seed(seed)
    return (
        size * torch.randn(count, 24, 3, generator=generator, dtype=torch.float64).to(dtype),
        torch.randn(count, 10, generator=generator, dtype=torch.float64).to(dtype),
    )


def posed(body, pose, betas):
    matrices = axis_angle_to_matrix(pose)
    return body(matrices[:, 0], matrices[:, 1:], betas)


def test_examples():
    outcome = doctest.testmod(smpl_body, extraglobs={'torch': torch})
    assert outcome.attempted and not outcome.failed


def test_agrees_with_the_skinning_in_numpy(body):
    pose, betas = people(3)
    vertices, joints = posed(body, pose, betas)
    expected = linear_blend_skinning(
        load_generated_body(), pose[:, 0].numpy(), pose[:, 1:].numpy(), betas.numpy(), np.zeros((3, 3))
    )
    assert np.abs(vertices.numpy() - expected[0]).max() < 2e-6 and np.abs(joints.numpy() - expected[1]).max() < 2e-6
    torch.testing.assert_close(body.rest_joints(betas)[:, 0], joints[:, 0], atol=1e-6, rtol=0)  # the root stays


def test_is_the_body_of_smplx(tmp_path):
    smplx = pytest.importorskip('smplx')
    path = write_smpl_file(tmp_path / 'smpl' / 'SMPL_MALE.pkl', 'male')
    theirs = smplx.SMPL(model_path=str(path), gender='male')
    pose, betas = people(2)
    expected = theirs(betas=betas, body_pose=pose[:, 1:].flatten(1), global_orient=pose[:, 0])
    vertices, joints = posed(SMPLBody(tmp_path / 'smpl', gender='male'), pose, betas)
    torch.testing.assert_close(vertices, expected.vertices, atol=2e-6, rtol=0)
    torch.testing.assert_close(joints, expected.joints[:, :24], atol=2e-6, rtol=0)


def test_downloaded_file_and_generated_body_are_one_interface(tmp_path, body):
    arrays = smpl_arrays(num_betas=20)
    path = write_downloaded(tmp_path / 'basicmodel_neutral_lbs_10_207_0_v1.1.0.pkl', shapedirs=arrays['shapedirs'])
    from_file = MODELS.build(dict(type='das_mm.SMPLBody', model_path=str(path)))
    pose, betas = people(2)
    torch.testing.assert_close(posed(from_file, pose, betas).vertices, posed(body, pose, betas).vertices)
    assert (from_file.version, from_file.source) == ('1.1.0', str(path)) and len(from_file.sha256) == 64
    assert (body.version, body.source) == ('generated', 'generated') and len(body.sha256) == 64
    for one in (body, from_file):
        assert isinstance(one, BodyModelProtocol)
        assert (one.num_vertices, one.num_betas, tuple(one.faces.shape)) == (6890, 10, (13776, 3))
    assert SMPLBody(path, num_betas=16).num_betas == 16
    with pytest.raises(UserError, match='21 betas'):
        SMPLBody(path, num_betas=21)


@pytest.mark.parametrize('num_betas', [0, 11])
def test_impossible_numbers_of_betas(num_betas):
    with pytest.raises(UserError, match='num_betas'):
        SMPLBody(num_betas=num_betas)


def test_wrong_inputs(body):
    pose, betas = people(2)
    layer = body.keypoint_layer(('nose',))
    for model in (body, layer):
        with pytest.raises(UserError, match='betas'):
            posed(model, pose, betas[:, :9])
        with pytest.raises(ValueError, match='rotations of shape'):
            posed(model, pose[:, :23], betas)
        with pytest.raises(ValueError, match='rotations of shape'):
            posed(model, pose[:1], betas)
    with pytest.raises(UserError, match='tail'):
        body.keypoint_layer(('nose', 'tail'))


def test_nobody_stays_in_the_graph(body):
    pose, betas = (values.requires_grad_() for values in people(0))
    vertices, joints = posed(body, pose, betas)
    keypoints = posed(body.keypoint_layer(('nose', 'left_hip')), pose, betas)
    assert (vertices.shape, joints.shape, keypoints.shape) == ((0, 6890, 3), (0, 24, 3), (0, 2, 3))
    (vertices.sum() + joints.sum() + keypoints.sum()).backward()
    assert pose.grad.shape == (0, 24, 3) and betas.grad.shape == (0, 10)


def test_what_is_not_finite_spoils_one_person(body):
    pose, betas = people(3)
    expected = posed(body, pose, betas)
    pose[1, 5] = torch.nan
    vertices, joints = posed(body, pose, betas)
    assert not vertices[1].isfinite().any()
    assert torch.equal(vertices[[0, 2]], expected.vertices[[0, 2]]) and torch.equal(
        joints[[0, 2]], expected.joints[[0, 2]]
    )


def test_checkpoints_hold_nothing_of_it(body):
    assert not body.state_dict() and not list(body.parameters())
    assert not body.keypoint_layer(('nose',)).state_dict()
    model = torch.nn.ModuleDict({'body': body})
    model.load_state_dict({})
    twin = copy.deepcopy(model)
    pose, betas = people(1)
    assert torch.equal(posed(twin['body'], pose, betas).vertices, posed(body, pose, betas).vertices)


def test_half_precision_around_it_changes_nothing(body):
    pose, betas = people(2)
    layer = body.keypoint_layer(('nose', 'left_wrist'))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        inside = posed(body, pose, betas).vertices, posed(layer, pose, betas)
    outside = posed(body, pose, betas).vertices, posed(layer, pose, betas)
    for one, other in zip(inside, outside):
        assert one.dtype == torch.float32
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize('name', ['lsp14', 'panoptic15', 'coco17', 'smpl24'])
def test_keypoint_layer_is_the_full_way(body, name):
    names = KEYPOINT_SETS[name].keypoints
    layer = body.keypoint_layer(names)
    inputs = [values.requires_grad_() for values in people(3)]
    weights = torch.randn(3, len(names), 3, generator=torch.Generator().manual_seed(5))
    found = []
    for keypoints in (body.keypoints(names, *posed(body, *inputs)), posed(layer, *inputs)):
        found.append((keypoints.detach(), *torch.autograd.grad((weights * keypoints).sum(), inputs)))
    assert (found[0][0] - found[1][0]).abs().max() < 1e-6
    for full, short in zip(found[0][1:], found[1][1:]):
        torch.testing.assert_close(full, short, atol=1e-5, rtol=1e-5)
    pose, betas = (values.detach().numpy() for values in inputs)
    vertices, joints = linear_blend_skinning(load_generated_body(), pose[:, 0], pose[:, 1:], betas, np.zeros((3, 3)))
    expected = keypoints_from_body(load_generated_body(), vertices, joints)
    assert np.abs(found[1][0].numpy() - np.stack([expected[key] for key in names], 1)).max() < 2e-6


def test_keypoint_layer_in_double_has_exact_gradients(body):
    layer = copy.deepcopy(body).double().keypoint_layer(('nose', 'left_wrist', 'right_big_toe'))
    pose, betas = people(1, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda p, b: posed(layer, p, b), (pose.requires_grad_(), betas.requires_grad_()))


def test_keypoint_layer_is_much_cheaper(body):
    """In multiplications, which are the same on every processor: seconds are not."""
    layer = body.keypoint_layer(KEYPOINT_SETS['panoptic15'].keypoints)
    pose, betas = people(40)

    def operations(model):
        with FlopCounterMode(display=False) as counted:
            posed(model, pose, betas)
        return counted.get_total_flops()

    assert 0 < operations(layer) < 0.01 * operations(body)


def test_mirrored_pose_gives_the_mirrored_mesh(body):
    pose, betas = people(2)
    translation = torch.tensor([[0.5, 0.1, 3.0], [-0.4, 0.0, 4.0]])
    pelvis, mirror = body.rest_joints(betas)[:, 0], torch.diag(torch.tensor([-1.0, 1, 1]))
    vertices = posed(body, pose, betas).vertices + translation[:, None]
    mirrored = posed(body, mirror_pose(pose), betas).vertices + move_translation(translation, pelvis, mirror)[:, None]
    template = load_generated_body().v_template
    distance, partner = cKDTree(template).query(template * [-1, 1, 1])
    assert distance.max() < 2e-6
    torch.testing.assert_close((vertices @ mirror)[:, partner], mirrored, atol=1e-5, rtol=0)
    joints = posed(body, pose, betas).joints + translation[:, None]
    moved = move_translation(translation, pelvis, mirror)[:, None]
    mirrored_joints = posed(body, mirror_pose(pose), betas).joints + moved
    exchanged = list(KEYPOINT_SETS['smpl24'].flip_indices)
    torch.testing.assert_close((joints @ mirror)[:, exchanged], mirrored_joints, atol=1e-5, rtol=0)


def test_turned_scene_is_the_body_with_a_turned_root(body):
    pose, betas = people(1)
    translation, rotation = torch.tensor([[0.5, 0.1, 3.0]]), axis_angle_to_matrix(torch.tensor([0.0, 0.0, 0.4]))
    matrices = axis_angle_to_matrix(pose)
    vertices = body(matrices[:, 0], matrices[:, 1:], betas).vertices + translation
    moved = move_translation(translation, body.rest_joints(betas)[:, 0], rotation)
    turned = body(rotation @ matrices[:, 0], matrices[:, 1:], betas).vertices + moved
    torch.testing.assert_close(turned, vertices @ rotation.T, atol=1e-5, rtol=0)


def regressor_file(path, names, swap=False):
    """Each row the mean of the vertices nearest to the landmark of that name, as a dense regressor has it."""
    body = load_generated_body()
    points = keypoints_from_body(body, body.v_template[None], body.joints_template[None])
    rows = np.zeros((len(names), 6890))
    for row, name in zip(rows, names):
        point = points[name][0]
        row[cKDTree(body.v_template).query(point, k=30)[1]] = 1 / 30
    np.save(path, rows)
    return path


@pytest.mark.parametrize('order', ['h36m17', 'h36m17_left'])
def test_joints_by_the_regressor_of_human36m(tmp_path, body, order):
    names = KEYPOINT_SETS[order].keypoints
    path = regressor_file(tmp_path / 'J_regressor_h36m.npy', names)
    with_file = SMPLBody(regressors={'h36m': path})
    wanted = with_file.evaluation_names('lsp14')
    assert wanted == (
        'h36m/right_ankle',
        'h36m/right_knee',
        'h36m/right_hip',
        'h36m/left_hip',
        'h36m/left_knee',
        'h36m/left_ankle',
        'h36m/right_wrist',
        'h36m/right_elbow',
        'h36m/right_shoulder',
        'h36m/left_shoulder',
        'h36m/left_elbow',
        'h36m/left_wrist',
        'h36m/neck',
        'h36m/head_h36m',
    )
    pose, betas = people(2)
    vertices, joints = posed(with_file, pose, betas)
    matrix = torch.tensor(np.load(path), dtype=torch.float32)
    rows = [names.index(name.removeprefix('h36m/')) for name in wanted]
    torch.testing.assert_close(with_file.keypoints(wanted, vertices, joints), (matrix @ vertices)[:, rows])
    torch.testing.assert_close(
        posed(with_file.keypoint_layer(wanted), pose, betas), (matrix @ vertices)[:, rows], atol=1e-6, rtol=0
    )
    assert with_file.evaluation_names('coco17') == KEYPOINT_SETS['coco17'].keypoints  # it has no eyes
    assert body.evaluation_names('lsp14') == KEYPOINT_SETS['lsp14'].keypoints


def test_extra_regressor_and_its_errors(tmp_path, body):
    names = ('right_hip', 'left_hip', 'neck', 'head_top', 'pelvis', 'thorax', 'spine', 'jaw', 'head')
    path = regressor_file(tmp_path / 'J_regressor_extra.npy', names)
    with_file = SMPLBody(regressors={'extra': path})
    assert 'extra/head_top' in with_file.keypoint_names
    assert posed(with_file.keypoint_layer(('extra/jaw', 'nose')), *people(1)).shape == (1, 2, 3)
    with pytest.raises(UserError, match='extra/jaw'):
        body.keypoint_layer(('extra/jaw',))
    with pytest.raises(UserError, match='unknown regressor'):
        SMPLBody(regressors={'h37m': path})
    one_sided = np.load(regressor_file(tmp_path / 'h36m.npy', KEYPOINT_SETS['h36m17'].keypoints))
    one_sided[1:4] = one_sided[4:7]
    np.save(tmp_path / 'h36m.npy', one_sided)
    with pytest.raises(UserError, match='both sides'):
        SMPLBody(regressors={'h36m': tmp_path / 'h36m.npy'})


def test_without_smplx(monkeypatch):
    monkeypatch.setitem(sys.modules, 'smplx.lbs', None)  # what an absent package looks like to an import
    with pytest.raises(UserError, match=r'das_mm\[mesh\]'):
        SMPLBody()
