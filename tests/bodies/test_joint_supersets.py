"""Joint supersets and regressors: tables written down from the released code, stand-ins, files and what is wrong."""

import pickle

import numpy as np
import pytest

from das_mm.bodies.joint_regressors import REGRESSOR_ROWS, load_joint_regressor
from das_mm.bodies.joint_supersets import superset_matrix
from das_mm.bodies.landmarks import keypoint_matrix
from das_mm.bodies.mean_parameters import columns_6d, interleave_6d, load_mean_parameters
from das_mm.bodies.smpl_file import generated_arrays
from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS, convert_indices

# vertices of nose, right and left eye, right and left ear
FACE = [332, 6260, 2800, 4071, 583]
FEET = [3216, 3226, 3387, 6617, 6624, 6787]


@pytest.fixture(scope='module')
def body():
    return generated_arrays()


@pytest.fixture(scope='module')
def points(body):
    """(6890 + 24, 3): the rest pose."""
    return np.concatenate([body.v_template, body.J_regressor @ body.v_template])


def sparse_rows(num_rows, seed, width=6):
    rng = np.random.default_rng(seed)
    rows = np.zeros((num_rows, 6890))
    for row in rows:
        row[rng.choice(6890, width, replace=False)] = rng.dirichlet(np.ones(width))
    return rows


def test_supersets_of_the_released_code(body, tmp_path):
    extra = sparse_rows(9, 0)
    np.save(tmp_path / 'extra.npy', extra)
    fifty_four = np.zeros((54, 6914))
    fifty_four[np.arange(24), 6890 + np.arange(24)] = 1
    fifty_four[np.arange(24, 35), FACE + FEET] = 1
    fifty_four[45:, :6890] = extra
    gt24 = [8, 5, 45, 46, 4, 7, 21, 19, 17, 16, 18, 20, 47, 48, 49, 50, 51, 52, 53, 24, 26, 25, 28, 27]
    op25 = [24, 12, 17, 19, 21, 16, 18, 20, 0, 2, 5, 8, 1, 4, 7, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34]
    files = dict(extra=tmp_path / 'extra.npy')
    assert np.allclose(superset_matrix('gt24', body, files).toarray(), fifty_four[gt24])
    assert np.allclose(superset_matrix('openpose25', body, files).toarray(), fifty_four[op25])
    assert np.allclose(superset_matrix('spin49', body, files).toarray(), fifty_four[op25 + gt24])
    # GraphCMR's file: five rows of the face before the nine
    face = sparse_rows(5, 1, width=1)
    np.save(tmp_path / 'extra14.npy', np.concatenate([face, extra]))
    fifty_four[24:29, :6890] = face
    graphcmr = superset_matrix('gt24', body, dict(extra=tmp_path / 'extra14.npy'))
    assert np.allclose(graphcmr.toarray(), fifty_four[gt24])
    # ProHMR's 19 are regressed from the mesh
    j19 = sparse_rows(19, 2, width=300)
    (tmp_path / 'j19.pkl').write_bytes(pickle.dumps(j19.astype(np.float32), protocol=2))
    prohmr = superset_matrix('prohmr44', body, dict(j19=tmp_path / 'j19.pkl')).toarray()
    assert prohmr.shape == (44, 6914) and np.allclose(prohmr[25:, :6890], j19, atol=1e-6)
    # the joints that papers are measured by
    regressor = load_joint_regressor('h36m', None, body)
    rows = [6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10, 0, 7, 9]
    assert np.allclose(superset_matrix('j17', body).toarray()[:, :6890], regressor[rows])
    assert np.allclose(superset_matrix('j14', body).toarray()[:, :6890], regressor[rows[:14]])


def test_stand_ins_lie_where_their_names_say(body, points):
    for kind, (least, most) in dict(h36m=(3, 10), extra=(1, 10), j19=(1, 10)).items():
        matrix = load_joint_regressor(kind, None, body)
        assert np.allclose(matrix.sum(1), 1) and (matrix >= 0).all()
        counts = (matrix > 0).sum(1)
        assert least <= counts.min() and counts.max() <= most
        names = REGRESSOR_ROWS[kind]
        expected = keypoint_matrix(tuple(names)) @ points
        assert np.linalg.norm(matrix @ body.v_template - expected, axis=1).max() < 0.06  # m; LSP's hips lie outside
    j24 = superset_matrix('gt24', body) @ points
    j17 = superset_matrix('h36m17_left', body) @ points
    table = convert_indices('h36m17_left', 'gt24')
    assert np.linalg.norm((j24 - j17[table])[table >= 0], axis=1).max() < 0.03
    left = [name.startswith('left') for name in KEYPOINT_SETS['gt24'].keypoints]
    assert (j24[left, 0] > 0.02).all()


def test_rows_of_human36m_of_either_order(body, tmp_path):
    regressor = load_joint_regressor('h36m', None, body)
    swapped = regressor[list(KEYPOINT_SETS['h36m17_left'].flip_indices)]
    legs = [0, 4, 5, 6, 1, 2, 3, *range(7, 17)]
    for rows in (regressor, swapped, regressor[legs]):
        np.save(tmp_path / 'J.npy', rows)
        assert np.allclose(load_joint_regressor('h36m', tmp_path / 'J.npy', body), regressor)
    one_sided = regressor.copy()
    one_sided[4] = regressor[1]
    np.save(tmp_path / 'J.npy', one_sided)
    with pytest.raises(UserError, match='both sides'):
        load_joint_regressor('h36m', tmp_path / 'J.npy', body)


def test_files_that_do_not_fit(body, tmp_path):
    path, good = tmp_path / 'J.npy', sparse_rows(17, 0)
    for bad, told in (
        (good[:, :-1], '6889 vertices'),
        (good[:9], '9 rows, not 17'),
        (good * 2, 'sum to 1'),
        (good * np.nan, 'sum to 1'),
        (good.astype(int), 'no float array'),
    ):
        np.save(path, bad)
        with pytest.raises(UserError, match=f'(?s)J.npy.*regressors.h36m.*{told}'):
            load_joint_regressor('h36m', path, body)
    with pytest.raises(UserError, match='(?s)none.npy.*J_regressor_extra.npy'):
        load_joint_regressor('extra', tmp_path / 'none.npy', body)
    with pytest.raises(UserError, match='unknown regressor h37m'):
        load_joint_regressor('h37m', None, body)
    with pytest.raises(UserError, match="no joints of the set 'coco17'"):
        superset_matrix('coco17', body)


def test_no_stand_in_for_another_body(body):
    class Licensed:
        v_template, faces, source = body.v_template, body.faces[::-1], 'SMPL_NEUTRAL.pkl'

    with pytest.raises(UserError, match='(?s)SMPL_NEUTRAL.pkl.*give J_regressor_extra.npy'):
        superset_matrix('gt24', Licensed())
    assert superset_matrix('openpose25', Licensed()).shape == (25, 6914)  # needs none


def test_mean_parameters(tmp_path):
    mean = load_mean_parameters()
    assert mean.pose_interleaved[:12].tolist() == [1, 0, 0, -1, 0, 0, 1, 0, 0, 1, 0, 0]
    assert mean.cam.tolist() == pytest.approx([0.9, 0, 0]) and mean.pose.dtype == np.float32
    rng = np.random.default_rng(0)
    pose = rng.normal(size=144)  # float64 in the released file
    np.savez(tmp_path / 'm.npz', pose=pose, shape=np.ones(10), cam=[0.9, 0, 0])
    mean = load_mean_parameters(tmp_path / 'm.npz')
    assert np.allclose(mean.pose_interleaved, pose) and mean.pose_interleaved.dtype == np.float32
    block = pose[:6].reshape(3, 2)
    assert np.allclose(mean.pose[0], [*block[:, 0], *block[:, 1]])
    assert (interleave_6d(columns_6d(pose.reshape(24, 6))) == pose.reshape(24, 6)).all()
    np.savez(tmp_path / 'm.npz', pose=pose[:72], shape=np.ones(10), cam=[0.9, 0, 0])
    with pytest.raises(UserError, match='(?s)m.npz.*pose.*144'):
        load_mean_parameters(tmp_path / 'm.npz')
