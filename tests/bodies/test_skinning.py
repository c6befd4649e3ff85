"""Skinning in numpy against smplx, and against what follows from the definition."""

from __future__ import annotations

import time

import numpy as np
import pytest

from das_mm.bodies import keypoints_from_body, linear_blend_skinning, load_generated_body, write_smpl_file
from das_mm.bodies.shape_space import GENDER_BETAS
from das_mm.structures.rotations import axis_angle_to_matrix


@pytest.fixture(scope='module')
def body():
    return load_generated_body()


def random_parameters(num, seed=0):
    rng = np.random.default_rng(seed)
    orient, pose = rng.normal(0, 1.5, (num, 3)), rng.normal(0, 0.5, (num, 23, 3))
    return orient, pose, rng.normal(0, 1.5, (num, 10)), rng.normal(0, 3, (num, 3))


def test_rest_pose_is_the_shaped_template(body):
    betas = np.random.default_rng(1).normal(size=(3, 10))
    vertices, joints = linear_blend_skinning(body, np.zeros((3, 3)), np.zeros((3, 23, 3)), betas, np.zeros((3, 3)))
    wanted = body.v_template + np.einsum('vcb,nb->nvc', body.shapedirs, betas)
    np.testing.assert_allclose(vertices, wanted, atol=2e-6)
    np.testing.assert_allclose(joints, np.einsum('jv,nvc->njc', body.J_regressor, wanted), atol=2e-6)


def test_global_orientation_turns_about_the_pelvis(body):
    orient, pose, betas, transl = random_parameters(2)
    upright, joints = linear_blend_skinning(body, 0 * orient, pose, betas, 0 * transl)
    turned, turned_joints = linear_blend_skinning(body, orient, pose, betas, transl)
    rotation = axis_angle_to_matrix(orient)
    pelvis = joints[:, :1]
    for got, before in ((turned, upright), (turned_joints, joints)):
        wanted = (before - pelvis) @ rotation.transpose(0, 2, 1) + pelvis + transl[:, None]
        np.testing.assert_allclose(got, wanted, atol=2e-5)


@pytest.mark.parametrize('gender', ['neutral', 'female'])
def test_smplx_gives_the_same(tmp_path, body, gender):
    """The file loads like the licensed one and both programs agree, on extreme poses, too."""
    smplx = pytest.importorskip('smplx')
    import torch

    path = write_smpl_file(tmp_path / 'smpl' / f'SMPL_{gender.upper()}.pkl', gender)
    model = smplx.create(str(tmp_path), model_type='smpl', gender=gender, batch_size=8)
    orient, pose, betas, transl = random_parameters(8)
    with torch.no_grad():
        output = model(
            **{
                name: torch.tensor(value, dtype=torch.float32)
                for name, value in (
                    ('global_orient', orient),
                    ('body_pose', pose.reshape(8, 69)),
                    ('betas', betas),
                    ('transl', transl),
                )
            }
        )
    vertices, joints = linear_blend_skinning(body, orient, pose, betas + GENDER_BETAS[gender], transl)
    assert path.exists() and np.array_equal(model.faces, body.faces)
    np.testing.assert_allclose(output.joints[:, :24].numpy() - transl[:, None], joints - transl[:, None], atol=1e-5)
    np.testing.assert_allclose(output.vertices.numpy(), vertices, atol=1e-5)
    # smplx picks nose, eyes, toes … by SMPL's vertex numbers: they are right here as well
    keypoints = keypoints_from_body(body, vertices, joints)
    picked = {24: 'nose', 25: 'right_eye', 26: 'left_eye', 28: 'left_ear', 29: 'left_big_toe', 34: 'right_heel'}
    for index, name in picked.items():
        np.testing.assert_allclose(output.joints[:, index].numpy(), keypoints[name], atol=1e-5)


def test_smplx_class_reads_the_file(tmp_path, body):
    smplx = pytest.importorskip('smplx')
    model = smplx.SMPL(model_path=str(write_smpl_file(tmp_path / 'any_name.pkl')))
    np.testing.assert_array_equal(model.v_template.numpy(), body.v_template)
    assert model.parents.tolist() == body.parents.tolist()


def test_nobody(body):
    vertices, joints = linear_blend_skinning(body, *random_parameters(0))
    assert vertices.shape == (0, 6890, 3) and joints.shape == (0, 24, 3)


def test_fewer_betas_mean_the_first_ones(body):
    orient, pose, betas, transl = random_parameters(1)
    short = linear_blend_skinning(body, orient, pose, betas[:, :4], transl)[0]
    betas[:, 4:] = 0
    np.testing.assert_allclose(short, linear_blend_skinning(body, orient, pose, betas, transl)[0], atol=1e-6)


def test_batch_does_not_matter(body):
    arrays = random_parameters(19)
    together = linear_blend_skinning(body, *arrays)[0]
    np.testing.assert_allclose(linear_blend_skinning(body, *(a[17:18] for a in arrays))[0][0], together[17], atol=2e-6)


@pytest.mark.parametrize('wrong', [0, 1, 2, 3])
def test_wrong_shapes_are_named(body, wrong):
    arrays = list(random_parameters(2))
    arrays[wrong] = np.zeros((3, 7))
    with pytest.raises(ValueError, match='must have shape'):
        linear_blend_skinning(body, *arrays)


@pytest.mark.timing
def test_fast_enough_for_drawing(body):
    arrays = random_parameters(32)
    linear_blend_skinning(body, *arrays)
    best = np.inf
    for _ in range(5):  # the fastest of five: other work on the machine is no fault of ours
        start = time.perf_counter()
        linear_blend_skinning(body, *arrays)
        best = min(best, time.perf_counter() - start)
    assert 32 / best > 50
