"""The generated body: a closed surface of human measures in SMPL's format."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest
import trimesh
from scipy.spatial import cKDTree

from das_mm.bodies import (
    JOINT_NAMES,
    LANDMARKS,
    PART_NAMES,
    linear_blend_skinning,
    load_generated_body,
    write_smpl_file,
)
from das_mm.bodies.generated_body import TEMPLATE_FILE
from das_mm.bodies.shape_space import GENDER_BETAS
from das_mm.bodies.skeleton import mirror_name, rest_joints
from das_mm.bodies.skinning_weights import expand_weights
from das_mm.bodies.template.template_maker import finish
from das_mm.errors import UserError
from das_mm.structures.rotations import MIRROR_JOINTS


@pytest.fixture(scope='module')
def body():
    return load_generated_body()


@pytest.fixture(scope='module')
def mesh(body):
    return trimesh.Trimesh(body.v_template, body.faces, process=False)


def shaped(body, betas):
    return body.v_template + body.shapedirs @ np.asarray(betas, np.float32)


def unit(index, size):
    betas = np.zeros(10)
    betas[index] = size
    return betas


def test_format(body):
    shapes = dict(
        v_template=(6890, 3),
        faces=(13776, 3),
        shapedirs=(6890, 3, 10),
        posedirs=(6890, 3, 207),
        J_regressor=(24, 6890),
        weights=(6890, 24),
        kintree_table=(2, 24),
        parents=(24,),
        part_labels=(6890,),
        uv=(6890, 2),
    )
    for name, shape in shapes.items():
        assert getattr(body, name).shape == shape, name
        assert np.isfinite(getattr(body, name)).all(), name
    assert TEMPLATE_FILE.stat().st_size < 400_000
    assert load_generated_body() is body


def test_arrays_cannot_be_changed_by_accident(body):
    with pytest.raises(ValueError, match='read-only'):
        body.v_template[0] = 0


def test_surface_is_one_closed_genus_0_manifold(body, mesh):
    edges = np.sort(body.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    _, count = np.unique(edges, axis=0, return_counts=True)
    assert (count == 2).all()
    assert mesh.euler_number == 2 and mesh.body_count == 1
    assert mesh.is_winding_consistent and 0.05 < mesh.volume < 0.12  # positive: faces look outward
    assert (np.sort(np.unique(body.faces)) == np.arange(6890)).all()
    # each vertex has one ring of faces around it, no two fans meet in a point
    assert all(len(ring) == faces for ring, faces in zip(mesh.vertex_neighbors, mesh.vertex_degree))


def test_no_degenerate_triangle(mesh):
    assert mesh.area_faces.min() > 5e-6
    assert np.degrees(mesh.face_angles.min()) > 15


def test_surface_does_not_cut_itself_at_rest(mesh, body):
    # just outside a face one is outside the whole body
    start = mesh.triangles_center + 1e-4 * mesh.face_normals
    inside = mesh.contains(start[::7])
    assert not inside.any()


def test_mirror_symmetry(body):
    distance, partner = cKDTree(body.v_template).query(body.v_template * [-1, 1, 1])
    assert distance.max() < 2e-6
    assert np.abs(body.weights[partner][:, list(MIRROR_JOINTS)] - body.weights).max() < 0.012
    for direction in range(10):
        mirrored = body.shapedirs[partner, :, direction] * [-1, 1, 1]
        np.testing.assert_allclose(mirrored, body.shapedirs[:, :, direction], atol=5e-4)


def test_weights(body):
    assert ((body.weights > 0).sum(axis=1) <= 4).all() and (body.weights >= 0).all()
    np.testing.assert_allclose(body.weights.sum(axis=1), 1, atol=1e-6)
    trunk = [JOINT_NAMES.index(name) for name in ('pelvis', 'spine1', 'spine2', 'spine3', 'neck', 'head')]
    hand = np.abs(body.v_template[:, 0]) > 0.35
    assert body.weights[hand][:, trunk].max() == 0
    left = [i for i, name in enumerate(JOINT_NAMES) if name.startswith('left_')]
    far_right = body.v_template[:, 0] < -0.05
    assert body.weights[far_right][:, left].max() == 0


def test_weights_are_smooth(body):
    edges = np.sort(body.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    jump = np.abs(body.weights[edges[:, 0]] - body.weights[edges[:, 1]]).sum(axis=1)
    length = np.linalg.norm(body.v_template[edges[:, 0]] - body.v_template[edges[:, 1]], axis=1)
    # a share of one that passes within 3 cm is the sharpest crease (the fingers')
    assert (jump / length).max() < 2 / 0.012
    assert np.quantile(jump / length, 0.99) < 2 / 0.03


def test_regressor_gives_the_joints_for_every_shape(body):
    np.testing.assert_allclose(body.J_regressor.sum(axis=1), 1, atol=1e-9)
    assert (body.J_regressor >= 0).all()
    np.testing.assert_allclose(body.joints_template, rest_joints(), atol=4e-3)
    # longer legs put the knee lower under the hip by the same share
    hip, knee = (JOINT_NAMES.index(name) for name in ('left_hip', 'left_knee'))
    thigh = body.joints_template[hip, 1] - body.joints_template[knee, 1]
    longer = body.joints_template + body.joints_dirs[:, :, 2] * 2
    assert longer[hip, 1] - longer[knee, 1] == pytest.approx(thigh * 1.08, rel=0.01)


def test_human_proportions(body):
    stature = np.ptp(body.v_template[:, 1])
    assert 1.65 < stature < 1.75
    place = {name: body.v_template[next(iter(ids))] for name, ids in LANDMARKS.items()}
    head = place['head_top'][1] - place['jaw'][1]
    assert 7.0 < stature / head < 8.2
    assert 0.9 < np.ptp(body.v_template[:, 0]) / stature < 1.08  # span of the arms
    assert place['nose'][2] > 0.1 and place['left_heel'][2] < -0.05 < place['left_big_toe'][2]


@pytest.mark.parametrize('index', range(10))
@pytest.mark.parametrize('size', [-3, 3])
def test_shapes_stay_people(body, index, size):
    vertices = shaped(body, unit(index, size))
    mesh = trimesh.Trimesh(vertices, body.faces, process=False)
    assert 0.02 < mesh.volume < 0.14 and mesh.area_faces.min() > 5e-7
    rest_normals = trimesh.Trimesh(body.v_template, body.faces, process=False).face_normals
    assert (mesh.face_normals * rest_normals).sum(axis=1).min() > 0  # no face turns over


def test_first_betas_mean_stature_and_weight(body):
    tall, heavy = (shaped(body, unit(i, 2)) for i in (0, 1))
    assert np.ptp(tall[:, 1]) / np.ptp(body.v_template[:, 1]) == pytest.approx(1.104, abs=1e-3)
    volumes = [trimesh.Trimesh(v, body.faces, process=False).volume for v in (body.v_template, heavy)]
    assert volumes[1] > 1.2 * volumes[0]
    assert np.ptp(heavy[:, 1]) / np.ptp(body.v_template[:, 1]) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    'joint,turn',
    [
        ('left_elbow', (0, -1.7, 0)),
        ('left_knee', (1.9, 0, 0)),
        ('left_wrist', (0, 0, -1.0)),
        ('left_elbow', (1.2, 0, 0)),
        ('left_hip', (-1.6, 0, 0)),
        ('left_shoulder', (0, 0, -1.2)),
    ],
)
def test_pose_directions_keep_the_flesh(body, joint, turn):
    """Around a bent or twisted joint less volume is lost with the pose directions than without."""
    index = JOINT_NAMES.index(joint)
    pose = np.zeros((1, 23, 3))
    pose[0, index - 1] = turn
    zero = np.zeros((1, 3)), pose, np.zeros((1, 10)), np.zeros((1, 3))
    with_dirs = linear_blend_skinning(body, *zero)[0][0]
    plain = dataclasses.replace(body, posedirs=np.zeros_like(body.posedirs))
    without = linear_blend_skinning(plain, *zero)[0][0]
    volume = [trimesh.Trimesh(v, body.faces, process=False).volume for v in (body.v_template, with_dirs, without)]
    assert abs(volume[1] - volume[0]) < abs(volume[2] - volume[0])


def test_parts_are_where_they_belong(body):
    def centre(name):
        return body.v_template[body.part_labels == PART_NAMES.index(name)].mean(axis=0)

    assert set(np.unique(body.part_labels)) == set(range(len(PART_NAMES)))
    for name in PART_NAMES:
        if name.startswith('left_'):
            assert centre(name)[0] > 0.05
            np.testing.assert_allclose(centre(name), centre(mirror_name(name)) * [-1, 1, 1], atol=0.005)
    assert centre('hair')[1] > centre('face')[1] and centre('hair')[2] < centre('face')[2]
    heights = [
        centre(name)[1]
        for name in ('hair', 'neck', 'chest', 'abdomen', 'pelvis', 'left_thigh', 'left_shank', 'left_foot')
    ]
    assert heights == sorted(heights, reverse=True)
    assert body.uv.min() >= 0 and body.uv.max() <= 1


def test_stored_arrays_follow_from_the_stored_surface(body):
    """What ``template_maker`` derives from a surface is what stands in the file, as far as any processor gives it.

    On the midline left and right weigh the same but for the last bit, so which is listed first, and which vertices of
    a pair bear a regressor, depends on the processor: compared are the matrices and the joints, not the lists.
    """
    with np.load(TEMPLATE_FILE) as stored:
        again = finish(stored['vertices_um'] * 1e-6, stored['faces'].astype(np.int64))
        step = 1 / 255  # of the stored weights: one whose rounding stands on edge may go either way
        weights = expand_weights(again['weight_joints'], again['weight_values'])
        np.testing.assert_allclose(weights, body.weights, atol=1.01 * step)
        assert (np.abs(weights - body.weights) > 0.5 * step).mean() < 1e-4
        # a part follows from the largest weight, where that is the largest by more than such a step
        second, first = np.sort(body.weights, axis=1)[:, -2:].T
        clear = first - second > 2.01 * step
        np.testing.assert_array_equal(again['part_labels'][clear], body.part_labels[clear])
        assert clear.mean() > 0.95 and (again['part_labels'] == body.part_labels).mean() > 0.999
        regressor = np.zeros_like(body.J_regressor)
        regressor[again['regressor_joints'], again['regressor_vertices']] = again['regressor_values']
        np.testing.assert_allclose(regressor.sum(axis=1), 1, atol=1e-6)
        np.testing.assert_allclose(regressor @ body.v_template, body.joints_template, atol=1e-6)  # m
        np.testing.assert_allclose(np.einsum('jv,vcb->jcb', regressor, body.shapedirs), body.joints_dirs, atol=1e-4)


def test_smpl_file_needs_no_chumpy_and_reads_without_pickle(tmp_path, body):
    arrays = pickle.loads(write_smpl_file(tmp_path / 'smpl' / 'SMPL_NEUTRAL.pkl').read_bytes())
    assert {type(value).__module__.split('.')[0] for value in arrays.values()} <= {'numpy', 'scipy', 'builtins'}
    with np.load(write_smpl_file(tmp_path / 'body.npz'), allow_pickle=False) as stored:
        np.testing.assert_array_equal(stored['v_template'], body.v_template)
        np.testing.assert_array_equal(stored['f'], body.faces)
        assert stored['kintree_table'][0, 1:].tolist() == body.parents[1:].tolist()


def test_genders_differ_along_the_shape_directions(tmp_path, body):
    with np.load(write_smpl_file(tmp_path / 'SMPL_FEMALE.npz', gender='female')) as stored:
        np.testing.assert_allclose(stored['v_template'], shaped(body, GENDER_BETAS['female']), atol=1e-6)
        assert np.ptp(stored['v_template'][:, 1]) < np.ptp(body.v_template[:, 1])


@pytest.mark.parametrize('name,gender,field', [('body.obj', 'neutral', 'pkl'), ('body.pkl', 'other', 'gender')])
def test_bad_requests_say_what_to_do(tmp_path, name, gender, field):
    with pytest.raises(UserError, match=field):
        write_smpl_file(tmp_path / name, gender=gender)


def test_unwritable_place_is_reported(tmp_path):
    (tmp_path / 'file').write_text('in the way')
    with pytest.raises(UserError, match='cannot be written'):
        write_smpl_file(tmp_path / 'file' / 'body.pkl')
