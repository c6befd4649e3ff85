"""Joint orders, mirrors and mapping tables against tables written down from the papers' and benchmarks' own code."""

import itertools

import numpy as np
import pytest
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from das_mm.errors import UserError
from das_mm.structures import (
    KEYPOINT_SETS,
    convert_indices,
    convert_keypoints,
    derived_indices,
    get_keypoint_set,
    mirrored_name,
    root_of,
    superset_indices,
    to_mmpose_metainfo,
)
from tests.toy import random_pose_mm

FLIPS = dict(
    coco17=[0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15],
    panoptic15=[0, 1, 2, 9, 10, 11, 12, 13, 14, 3, 4, 5, 6, 7, 8],
    panoptic15_mpi=[0, 1, 2, 9, 10, 11, 12, 13, 14, 3, 4, 5, 6, 7, 8],
    panoptic19=[0, 1, 2, 9, 10, 11, 12, 13, 14, 3, 4, 5, 6, 7, 8, 17, 18, 15, 16],
    mupots17=[0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 14, 15, 16],
    muco21=[0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 14, 15, 16, 18, 17, 20, 19],
    h36m17=[0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13],
    h36m17_left=[0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13],
    lsp14=[5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13],
    poseval15=[5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13, 14],
    mpii16=[5, 4, 3, 2, 1, 0, 6, 7, 8, 9, 15, 14, 13, 12, 11, 10],
    crowdpose14=[1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 12, 13],
    posetrack17=[0, 1, 2, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15],
    coco18=[0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16],
    openpose25=[0, 1, 5, 6, 7, 2, 3, 4, 8, 12, 13, 14, 9, 10, 11, 16, 15, 18, 17, 22, 23, 24, 19, 20, 21],
    j24=[5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13, 14, 15, 16, 17, 18, 19, 21, 20, 23, 22],
    j14=[5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13],
    j17=[5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13, 14, 15, 16],
    j17_top=[5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13, 14, 15, 16],
    smpl24=[0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22],
)
FLIPS['gt24'] = FLIPS['j24']
FLIPS['h36m18'] = [*FLIPS['h36m17'], 17]
FLIPS['spin49'] = FLIPS['openpose25'] + [25 + i for i in FLIPS['j24']]
FLIPS['prohmr44'] = FLIPS['openpose25'] + [25 + i for i in FLIPS['j24'][:19]]

# (from, to, table): to[i] = from[table[i]], -1 absent
TABLES = [
    ('coco17', 'panoptic15', [-1, 0, -1, 5, 7, 9, 11, 13, 15, 6, 8, 10, 12, 14, 16]),
    ('coco17', 'muco21', [-1, -1, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, -1, -1, -1, -1, -1, -1, -1]),
    ('coco17', 'lsp14', [16, 14, 12, 11, 13, 15, 10, 8, 6, 5, 7, 9, -1, -1]),
    ('coco17', 'j24', [16, 14, 12, 11, 13, 15, 10, 8, 6, 5, 7, 9, -1, -1, -1, -1, -1, -1, -1, 0, 1, 2, 3, 4]),
    ('coco17', 'posetrack17', [0, -1, -1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]),
    ('panoptic19', 'coco17', [1, 15, 17, 16, 18, 3, 9, 4, 10, 5, 11, 6, 12, 7, 13, 8, 14]),
    ('mupots17', 'panoptic15_mpi', [1, 0, 14, 5, 6, 7, 11, 12, 13, 2, 3, 4, 8, 9, 10]),
    ('panoptic15_mpi', 'mupots17', [1, 0, 9, 10, 11, 3, 4, 5, 12, 13, 14, 6, 7, 8, 2, -1, -1]),
    ('h36m17', 'panoptic15', [8, 9, 0, 11, 12, 13, 4, 5, 6, 14, 15, 16, 1, 2, 3]),
    ('h36m17', 'panoptic15_mpi', [8, 10, 0, 11, 12, 13, 4, 5, 6, 14, 15, 16, 1, 2, 3]),
    ('h36m17', 'mupots17', [10, 8, 14, 15, 16, 11, 12, 13, 1, 2, 3, 4, 5, 6, 0, 7, 9]),
    ('h36m17_left', 'mupots17', [10, 8, 14, 15, 16, 11, 12, 13, 4, 5, 6, 1, 2, 3, 0, 7, 9]),
    ('mupots17', 'h36m17', [14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4]),
    ('h36m17_left', 'h36m17', [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]),
    ('h36m17', 'h36m17_left', [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]),
    ('h36m17_left', 'lsp14', [6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10]),
    ('h36m17', 'lsp14', [3, 2, 1, 4, 5, 6, 16, 15, 14, 11, 12, 13, 8, 10]),
    ('mupots17', 'lsp14', [10, 9, 8, 11, 12, 13, 4, 3, 2, 5, 6, 7, 1, 0]),
    ('mpii16', 'lsp14', [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 8, 9]),
    ('mpii16', 'coco17', [-1, -1, -1, -1, -1, 13, 12, 14, 11, 15, 10, 3, 2, 4, 1, 5, 0]),
    ('mpii16', 'panoptic15_mpi', [8, 9, 6, 13, 14, 15, 3, 4, 5, 12, 11, 10, 2, 1, 0]),
    ('lsp14', 'coco17', [-1, -1, -1, -1, -1, 9, 8, 10, 7, 11, 6, 3, 2, 4, 1, 5, 0]),
    ('lsp14', 'mupots17', [13, 12, 8, 7, 6, 9, 10, 11, 2, 1, 0, 3, 4, 5, -1, -1, -1]),
    ('crowdpose14', 'coco17', [-1, -1, -1, -1, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
    ('crowdpose14', 'lsp14', [11, 9, 7, 6, 8, 10, 5, 3, 1, 0, 2, 4, 13, 12]),
    ('crowdpose14', 'mupots17', [12, 13, 1, 3, 5, 0, 2, 4, 7, 9, 11, 6, 8, 10, -1, -1, -1]),
    ('posetrack17', 'poseval15', [16, 14, 12, 11, 13, 15, 10, 8, 6, 5, 7, 9, 1, 0, 2]),
    ('coco18', 'coco17', [0, 15, 14, 17, 16, 5, 2, 6, 3, 7, 4, 11, 8, 12, 9, 13, 10]),
    ('coco18', 'lsp14', [10, 9, 8, 11, 12, 13, 4, 3, 2, 5, 6, 7, 1, -1]),
    ('openpose25', 'coco17', [0, 16, 15, 18, 17, 5, 2, 6, 3, 7, 4, 12, 9, 13, 10, 14, 11]),
    # the SPIN evaluation takes the H36M head (18) of J24 for LSP's head top; by name it is J24's own head top (13)
    ('j24', 'lsp14', list(range(14))),
    ('gt24', 'j14', [*range(13), 18]),
    ('gt24', 'j17', [*range(13), 18, 14, 16, 17]),
    ('prohmr44', 'j17_top', [*range(25, 40), 41, 42]),
    ('h36m17_left', 'j14', [6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10]),
    ('h36m17_left', 'j17', [6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10, 0, 7, 9]),
    ('gt24', 'spin49', [-1] * 25 + [*range(24)]),
    ('prohmr44', 'spin49', [*range(44)] + [-1] * 5),
]

# (from, J24 index of each source joint)
SCATTERS_TO_J24 = [
    ('h36m17_left', [14, 3, 4, 5, 2, 1, 0, 16, 12, 17, 18, 9, 10, 11, 8, 7, 6]),
    ('mpii16', [0, 1, 2, 3, 4, 5, 14, 15, 12, 13, 6, 7, 8, 9, 10, 11]),
]

OFFICIAL_COCO_SIGMAS = [
    0.026,
    0.025,
    0.025,
    0.035,
    0.035,
    0.079,
    0.079,
    0.072,
    0.072,
    0.062,
    0.062,
    0.107,
    0.107,
    0.087,
    0.087,
    0.089,
    0.089,
]
SMPL_PARENTS = [-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21]


@pytest.mark.parametrize('name', KEYPOINT_SETS)
def test_mirror(name):
    kset = KEYPOINT_SETS[name]
    assert list(kset.flip_indices) == FLIPS[name]
    flip = np.array(kset.flip_indices)
    assert (flip[flip] == np.arange(kset.num_keypoints)).all()
    assert all(kset.keypoints[j] == mirrored_name(kset.keypoints[i]) != kset.keypoints[i] for i, j in kset.flip_pairs)


@pytest.mark.parametrize('src, dst, table', TABLES, ids=lambda v: v if isinstance(v, str) else '')
def test_published_tables(src, dst, table):
    assert convert_indices(src, dst).tolist() == table


def test_detections_fill_their_part_of_a_superset():
    assert superset_indices('openpose25', 'spin49').tolist() == [*range(25)] + [-1] * 24
    assert superset_indices('openpose25', 'prohmr44').tolist() == [*range(25)] + [-1] * 19
    assert (convert_indices('openpose25', 'spin49')[:25] == -1).all()  # not what a data set labels


@pytest.mark.parametrize('src, scatter', SCATTERS_TO_J24)
def test_published_scatters(src, scatter):
    gather = convert_indices(src, 'j24')
    assert {j: i for j, i in enumerate(gather) if i >= 0} == {j: i for i, j in enumerate(scatter)}


def test_left_stays_left_and_conversion_commutes_with_mirror():
    for src, dst in itertools.product(KEYPOINT_SETS.values(), repeat=2):
        table = convert_indices(src, dst)
        for i, j in enumerate(table):
            assert j < 0 or side_of(dst.keypoints[i]) == side_of(src.keypoints[j]), (src.name, dst.name, i)
        mirrored = np.where(table >= 0, np.array(src.flip_indices)[table], -1)
        assert (table[list(dst.flip_indices)] == mirrored).all(), (src.name, dst.name)


def side_of(keypoint):
    return next((side for side in ('left', 'right') if keypoint.startswith(side)), 'middle')


@pytest.mark.parametrize('name', KEYPOINT_SETS)
def test_set_is_sound(name):
    kset = KEYPOINT_SETS[name]
    assert len(set(kset.keypoints)) == len(kset.sigmas) == kset.num_keypoints
    linked = {i for link in kset.links for i in link}
    assert linked == set(range(kset.num_keypoints)) or name == 'posetrack17'  # its ears are never labelled
    assert all(a != b for a, b in kset.links)
    assert convert_indices(name, name).tolist() == list(range(kset.num_keypoints))
    # a bone's mirror image is a bone
    flip = kset.flip_indices
    bones = {frozenset(link) for link in kset.links}
    assert all(frozenset((flip[a], flip[b])) in bones for a, b in kset.links)


def test_known_numbers():
    assert list(KEYPOINT_SETS['coco17'].sigmas) == OFFICIAL_COCO_SIGMAS
    assert KEYPOINT_SETS['panoptic15'].keypoints[:3] == ('neck', 'nose', 'mid_hip')
    assert KEYPOINT_SETS['panoptic15'].root_index == 2 and KEYPOINT_SETS['muco21'].root_index == 14
    parents = {b: a for a, b in KEYPOINT_SETS['smpl24'].links}
    assert [parents.get(i, -1) for i in range(24)] == SMPL_PARENTS
    assert KEYPOINT_SETS['mupots17'].keypoints == KEYPOINT_SETS['muco21'].keypoints[:17]


def test_coco_to_panoptic_derives_the_hip_only():
    rng = np.random.default_rng(0)
    keypoints, flags = rng.uniform(0, 100, (3, 17, 2)), np.full((3, 17), 2)
    flags[1, 11], flags[2, 12] = 1, 0  # hidden left hip; unlabelled right hip
    out, out_flags = convert_keypoints(keypoints, flags, 'coco17', 'panoptic15')
    assert np.allclose(out[0, 2], keypoints[0, 11:13].mean(axis=0))
    assert out_flags[:, 2].tolist() == [2, 1, 0] and (out[2, 2] == 0).all()
    assert (out_flags[:, 0] == 0).all() and (out[:, 0] == 0).all()
    assert (out[:, 1] == keypoints[:, 0]).all()
    out, out_flags = convert_keypoints(keypoints, flags, 'coco17', 'panoptic15', derive=('mid_hip', 'neck'))
    assert np.allclose(out[:, 0], keypoints[:, 5:7].mean(axis=1)) and (out_flags[:, 0] == 2).all()
    assert derived_indices('coco17', 'panoptic15') == [2] and derived_indices('coco17', 'muco21') == [14]
    assert derived_indices('mupots17', 'panoptic15') == []
    assert flags[0].tolist() == [2] * 17  # the input is left alone


def test_conversion_refuses_another_set():
    with pytest.raises(ValueError, match='coco17 has 17 keypoints'):
        convert_keypoints(np.zeros((2, 15, 2)), np.ones((2, 15)), 'coco17', 'panoptic15')


def test_root():
    points, flags = np.arange(2 * 17 * 3, dtype=float).reshape(2, 17, 3), np.full((2, 17), 2)
    flags[1, 11] = 0
    root, root_flags = root_of(points, flags, 'coco17')
    assert (root[0] == points[0, 11:13].mean(axis=0)).all() and root_flags.tolist() == [2, 0]
    root, root_flags = root_of(points[:, :15], flags[:, :15], 'panoptic15')
    assert (root == points[:, 2]).all()


def test_unknown_set_is_told():
    with pytest.raises(UserError, match='(?s)file.json: info.joints: unknown keypoint set .coco18x.*panoptic15'):
        get_keypoint_set('coco18x', file='file.json', field='info.joints')


@pytest.mark.parametrize('name', KEYPOINT_SETS)
def test_mmpose_reads_the_metainfo(name):
    kset = KEYPOINT_SETS[name]
    parsed = parse_pose_metainfo(to_mmpose_metainfo(name))
    assert parsed['flip_indices'] == list(kset.flip_indices)
    assert [tuple(link) for link in parsed['skeleton_links']] == list(kset.links)
    assert parsed['keypoint_id2name'] == dict(enumerate(kset.keypoints))
    assert np.allclose(parsed['sigmas'], kset.sigmas) and len(parsed['dataset_keypoint_weights']) == kset.num_keypoints
    assert len(parsed['upper_body_ids']) + len(parsed['lower_body_ids']) == kset.num_keypoints


def test_coco_metainfo_is_that_of_mmpose():
    theirs = parse_pose_metainfo(dict(from_file='configs/_base_/datasets/coco.py'))
    ours = parse_pose_metainfo(to_mmpose_metainfo('coco17'))
    for key in ('keypoint_id2name', 'flip_indices', 'upper_body_ids'):
        assert ours[key] == theirs[key]
    assert np.allclose(ours['sigmas'], theirs['sigmas'])


def test_the_toy_bodies_have_their_left_on_the_left():
    """Chirality: (up × front) points to the person's left."""
    for seed in range(5):
        body = random_pose_mm(np.random.default_rng(seed))
        up, front = body['neck'] - body['mid_hip'], body['nose'] - body['neck']
        for part in ('shoulder', 'hip', 'eye'):
            assert np.dot(np.cross(up, front), body[f'left_{part}'] - body[f'right_{part}']) > 0
