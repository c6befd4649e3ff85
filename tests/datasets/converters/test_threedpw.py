"""3DPW: written as its archive, converted, and the truth is back: joints, meshes, cameras, flags; damage is told."""

from __future__ import annotations

import json
import os
import pickle
import shutil

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from das_mm.bodies import linear_blend_skinning, load_generated_body
from das_mm.bodies.shape_space import GENDER_BETAS
from das_mm.datasets.converters.base import Part
from das_mm.datasets.converters.conversion_runner import run_conversion
from das_mm.datasets.converters.threedpw import ThreeDPWConverter
from das_mm.datasets.datasets import read_annotation_file
from das_mm.datasets.synthetic.layouts.threedpw import ThreeDPWLayout
from das_mm.errors import UserError
from das_mm.structures import project


@pytest.fixture(scope='module')
def archive(clip, tmp_path_factory):
    root = tmp_path_factory.mktemp('3DPW')
    ThreeDPWLayout().write(clip, root, 'validation')
    return root


@pytest.fixture(scope='module')
def converted(archive, tmp_path_factory):
    out = tmp_path_factory.mktemp('out') / '3dpw_validation.json'
    report = run_conversion(ThreeDPWConverter(archive, 'validation'), out)
    with np.load(report.smpl, allow_pickle=False) as stored:
        return report, json.loads(out.read_text()), {name: stored[name] for name in stored.files}


def stored_pickle(archive):
    (path,) = archive.glob('sequenceFiles/*/*.pkl')
    return path, pickle.loads(path.read_bytes())


def true_body(person):
    """Vertices (V, 3) and joints (24, 3) of a scene's person, mm."""
    vertices, joints = linear_blend_skinning(
        load_generated_body(), *(person.smpl[name][None] for name in ('global_orient', 'body_pose', 'betas', 'transl'))
    )
    return 1000.0 * vertices[0], 1000.0 * joints[0]


def annotations_by_person(content, clip):
    """(annotation, person) of everybody, matched by image and by place."""
    for image in content['images']:
        for annotation in (a for a in content['annotations'] if a['image_id'] == image['id']):
            points = np.array(annotation['keypoints_3d'])
            yield (
                annotation,
                min(clip[image['frame']].people, key=lambda person: np.abs(person.mm('smpl24') - points).max()),
            )


def test_images_cameras_and_people_are_those_of_the_scenes(converted, clip):
    report, content, _ = converted
    assert content['info']['joints'] == 'smpl24' and content['info']['units'] == 'mm'
    assert [image['frame'] for image in content['images']] == list(range(16))
    for image, scene in zip(content['images'], clip):
        assert image['file_name'] == f'imageFiles/synthetic_validation_00/image_{scene.frame:05d}.jpg'
        assert (image['width'], image['height']) == (192, 128)
        np.testing.assert_allclose(image['cam_param']['K'], scene.K)
        np.testing.assert_allclose(image['cam_param']['R'], scene.R, atol=1e-9)
        np.testing.assert_allclose(image['cam_param']['T'], scene.T_mm, atol=1e-6)
    tracks = {}
    for annotation, person in annotations_by_person(content, clip):
        joints = true_body(person)[1]
        stored = np.array(annotation['keypoints_3d'])
        np.testing.assert_allclose(stored, joints, atol=0.01)
        np.testing.assert_allclose(stored, person.mm('smpl24'), atol=0.01)
        keypoints = np.array(annotation['keypoints']).reshape(24, 3)
        np.testing.assert_allclose(keypoints[:, :2], person.px('smpl24'), atol=0.01)
        places = project(joints, clip[0].K)
        np.testing.assert_allclose(keypoints[:, :2], places, atol=0.01)
        inside = ((places >= -0.5) & (places < [191.5, 127.5])).all(1)
        assert (keypoints[:, 2] == np.where(inside, 2, 1)).all()
        assert annotation['is_valid'] == person.is_valid
        assert tracks.setdefault(annotation['track_id'], person.track_id) == person.track_id
    with_joint_inside = sum((person.px('smpl24') >= 0).all(1).any() for scene in clip for person in scene.people)
    assert len(content['annotations']) >= 0.9 * with_joint_inside and len(tracks) > 1
    assert report.counts['people with SMPL'] == report.counts['people'] == len(content['annotations'])
    read_annotation_file(str(report.out))


def test_meshes_are_those_of_the_scenes(converted, clip):
    """Parameters of a man's or a woman's body, in the camera frame, give the truth's vertices."""
    report, content, smpl = converted
    assert content['info']['smpl_file'] == report.smpl.name == '3dpw_validation_smpl.npz'
    assert [annotation['smpl'] for annotation in content['annotations']] == list(range(len(smpl['transl'])))
    body = load_generated_body()
    assert set(smpl['gender']) <= {'m', 'f'}
    for annotation, person in annotations_by_person(content, clip):
        row = annotation['smpl']
        neutral = smpl['betas'][row] + GENDER_BETAS[{'m': 'male', 'f': 'female'}[str(smpl['gender'][row])]]
        got, joints = linear_blend_skinning(
            body,
            smpl['global_orient'][row][None],
            smpl['body_pose'][row][None],
            neutral[None],
            smpl['transl'][row][None],
        )
        assert np.abs(1000 * got[0] - true_body(person)[0]).max() < 0.1
        np.testing.assert_allclose(1000 * joints[0], annotation['keypoints_3d'], atol=0.1)
        np.testing.assert_allclose(smpl['keypoints3d'][row, :, :3], joints[0], atol=1e-4)
    images = np.array([image['file_name'] for image in content['images']])
    for (first, last), name in zip(smpl['frame_range'], images):
        assert (smpl['image_path'][first:last] == name).all()
    assert smpl['frame_range'][-1, 1] == len(smpl['transl']) and smpl['has_smpl'].all()


def first_part(root, split='validation', **options) -> Part:
    converter = ThreeDPWConverter(root, split, **options)
    return converter.convert(converter.jobs()[0])


@pytest.fixture
def copy(archive, tmp_path):
    shutil.copytree(archive, tmp_path / '3DPW')
    return tmp_path / '3DPW'


def rewrite(root, **changes):
    path, content = stored_pickle(root)
    path.write_bytes(pickle.dumps({**content, **changes}, protocol=2))


def test_another_world_gives_the_same_camera_truth(archive, copy):
    """World turned and moved, cameras turned and moved back."""
    _, content = stored_pickle(copy)
    turn, move = Rotation.from_rotvec([0.3, -1.2, 2.0]), np.array([5.0, -2.0, 7.0])
    Q = turn.as_matrix()
    poses, trans, joints = ([array.copy() for array in content[key]] for key in ('poses', 'trans', 'jointPositions'))
    for row in range(len(poses)):
        pelvis = joints[row][:, :3] - trans[row]
        poses[row][:, :3] = (turn * Rotation.from_rotvec(poses[row][:, :3])).as_rotvec()
        trans[row] = (trans[row] + pelvis) @ Q.T + move - pelvis
        joints[row] = (joints[row].reshape(-1, 24, 3) @ Q.T + move).reshape(-1, 72)
    camera = content['cam_poses'].copy()
    camera[:, :3, :3] = camera[:, :3, :3] @ Q.T
    camera[:, :3, 3] -= camera[:, :3, :3] @ move
    rewrite(copy, poses=poses, trans=trans, jointPositions=joints, cam_poses=camera)
    for one, other in zip(first_part(archive).images, first_part(copy).images):
        for a, b in zip(one['annotations'], other['annotations']):
            np.testing.assert_allclose(a['keypoints_3d'], b['keypoints_3d'], atol=0.01)
            np.testing.assert_allclose(a['smpl']['transl'], b['smpl']['transl'], atol=1e-5)
            turns = [Rotation.from_rotvec(p['smpl']['global_orient']) for p in (a, b)]
            assert (turns[0].inv() * turns[1]).magnitude() < 1e-5


def test_who_is_valid(copy):
    _, content = stored_pickle(copy)
    valid = [np.ones(16, int) for _ in content['poses']]
    valid[0][3] = 0
    detections = [np.ones((16, 3, 18)) for _ in content['poses']]
    detections[1][5, 2, 6:] = 0.1
    rewrite(copy, campose_valid=valid, poses2d=detections)
    flags = {
        least: {
            (image['frame'], person['track_id']): person['is_valid']
            for image in part.images
            for person in image['annotations']
        }
        for least, part in ((least, first_part(copy, least_joints=least)) for least in (0, 7))
    }
    assert [key for key, is_valid in flags[0].items() if not is_valid] == [(3, 0)]
    assert [key for key, is_valid in flags[7].items() if not is_valid] == [(3, 0), (5, 1)]


def test_people_behind_the_camera_and_broken_numbers(copy):
    """Nobody is seen from behind; a person without finite parameters keeps what can be said."""
    _, content = stored_pickle(copy)
    joints, poses = [array.copy() for array in content['jointPositions']], [a.copy() for a in content['poses']]
    R, t = content['cam_poses'][2, :3, :3], content['cam_poses'][2, :3, 3]
    seen = joints[0][2].reshape(24, 3) @ R.T + t
    joints[0][2] = (([1, 1, -1] * seen - t) @ R).ravel()  # mirrored in the camera's plane
    poses[1][4, 20] = np.nan
    rewrite(copy, jointPositions=joints, poses=poses)
    part = first_part(copy)
    assert 0 not in [person['track_id'] for person in part.images[2]['annotations']]
    (person,) = (person for person in part.images[4]['annotations'] if person['track_id'] == 1)
    assert 'smpl' not in person and all(person['keypoints_3d_valid'])
    assert part.counts['people dropped from SMPL: numbers not finite'] == 1
    assert 'differ by up to' in part.notes[0]  # the pelvis of person 0 moved alone


def test_long_betas_are_cut_and_frames_without_images_are_told(copy):
    _, content = stored_pickle(copy)
    rewrite(copy, betas=[np.append(betas, np.zeros(290)) for betas in content['betas']])
    for number in (4, 15):
        next(copy.glob(f'imageFiles/*/image_{number:05d}.jpg')).unlink()
    part = first_part(copy)
    assert [image['frame'] for image in part.images] == [0, 1, 2, 3, *range(5, 15)]
    assert '14 images for 16 frames' in part.notes[0]
    assert len(part.images[0]['annotations'][0]['smpl']['betas']) == 10


@pytest.mark.parametrize(
    'changes, words',
    [
        (dict(poses=None), r'poses: it is no list'),
        (dict(poses=[np.zeros((16, 63))]), r'poses\[0\]: its shape is'),
        (dict(jointPositions=[]), r'jointPositions: it holds no array'),
        (dict(cam_intrinsics=np.zeros((3, 3))), 'intrinsics'),
        (dict(cam_poses=np.zeros((16, 4, 4))), 'no rotations'),
        (dict(genders=['x', 'x', 'x']), r'genders\[0\]'),
        (dict(betas=[['a'], ['b'], ['c']]), r'betas\[0\]'),
    ],
)
def test_fields_that_are_wrong(copy, changes, words):
    rewrite(copy, **changes)
    with pytest.raises(UserError, match=words):
        first_part(copy)


class RunsCode:
    def __reduce__(self):
        return os.mkdir, ('hacked',)


def test_files_that_are_wrong(copy, monkeypatch):
    path, content = stored_pickle(copy)
    monkeypatch.chdir(copy)
    without_trans = {key: content[key] for key in content if key != 'trans'}
    for damage, words in (
        (path.read_bytes()[:-2000], 'no whole pickle'),
        (pickle.dumps([1]), 'holds a list'),
        (pickle.dumps({**content, 'sequence': RunsCode()}), 'harmless'),
        (pickle.dumps(without_trans), 'trans: it is missing'),
    ):
        path.write_bytes(damage)
        with pytest.raises(UserError, match=words):
            first_part(copy)
    assert not (copy / 'hacked').exists()
    path.write_bytes(pickle.dumps(content, protocol=2))
    shutil.rmtree(copy / 'imageFiles')
    with pytest.raises(UserError, match='imageFiles'):
        first_part(copy)
    with pytest.raises(UserError, match='sequenceFiles'):
        ThreeDPWConverter(copy, 'test').jobs()
    with pytest.raises(UserError, match="no split 'val'"):
        ThreeDPWConverter(copy, 'val')
