"""MuPoTS-3D: layout written from a synthetic clip, converted, compared with the clip's truth."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from das_mm.datasets import DASDataset
from das_mm.datasets.converters.conversion_runner import run_conversion
from das_mm.datasets.converters.mupots import MuPoTSConverter
from das_mm.datasets.converters.mupots_files import estimate_intrinsics, read_mats
from das_mm.datasets.synthetic.layouts.mupots import MuPoTSLayout
from das_mm.errors import UserError


@pytest.fixture
def written(clip, tmp_path) -> Path:
    MuPoTSLayout().write(clip, tmp_path / 'mupots', 'test')
    return tmp_path / 'mupots'


@pytest.fixture
def sequence(written) -> Path:
    return written / 'MultiPersonTestSet' / 'TS1'


def converted(root):
    report = run_conversion(MuPoTSConverter(root), root / 'out.json')
    return report, json.loads(report.out.read_text())


def by_frame(content):
    frames = {image['id']: image['frame'] for image in content['images']}
    people = {frame: [] for frame in frames.values()}
    for annotation in content['annotations']:
        people[frames[annotation['image_id']]].append(annotation)
    return people


def truth_of(clip):
    """Frame -> people in the order of the file's columns: by identity."""
    return {row: sorted(scene.people, key=lambda person: person.track_id) for row, scene in enumerate(clip)}


def test_equals_the_truth_of_the_clip(clip, written):
    report, content = converted(written)
    dataset = DASDataset(ann_file=str(report.out), data_root=str(written), keypoint_set='mupots17', test_mode=True)
    assert len(dataset) == len(clip) and report.counts['sequences'] == 1 and report.counts['sequences missing'] == 19
    people, truth = by_frame(content), truth_of(clip)
    assert sum(map(len, truth.values())) >= len(clip) // 2
    for row, scene in enumerate(clip):
        record = dataset.get_data_info(row)
        assert (record['seq'], record['frame']) == ('TS1', row)
        assert record['img_path'].endswith(f'MultiPersonTestSet/TS1/img_{row:06d}.jpg')
        np.testing.assert_allclose(record['camera']['K'], scene.K)
        assert len(record['bbox']) == len(truth[row])
        for n, person in enumerate(truth[row]):
            mm, px, seen = (getattr(person, name)('mupots17') for name in ('mm', 'px', 'seen'))
            np.testing.assert_allclose(record['keypoints_3d'][n], mm, atol=0.02)
            np.testing.assert_allclose(record['keypoints'][n], px, atol=0.02)
            np.testing.assert_array_equal(record['keypoints_flags'][n], np.where(seen == 2, 2, 1))
            assert record['is_valid'][n] == person.is_valid
            entry = people[row][n]
            assert entry['occluded'] == (seen < 2).astype(int).tolist()
            univ = np.array(entry['keypoints_3d_univ'])
            ratio = univ[14, 2] / mm[14, 2]  # scaled about the camera centre: the same rays
            np.testing.assert_allclose(univ, ratio * mm, atol=0.02)
            leg = np.linalg.norm(univ[8] - univ[9]) + np.linalg.norm(univ[9] - univ[10])
            assert leg == pytest.approx(850, abs=0.1)


def test_people_absent_from_a_frame_are_left_out(clip, tmp_path):
    clip = [replace(scene, people=scene.people[row % 2 :]) for row, scene in enumerate(clip)]
    MuPoTSLayout().write(clip, tmp_path, 'test')
    sequence = tmp_path / 'MultiPersonTestSet' / 'TS1'
    cells = scipy.io.loadmat(sequence / 'annot.mat')['annotations']
    assert cells.shape == (len(clip), len({person.track_id for scene in clip for person in scene.people}))
    frames = read_mats(sequence / 'annot.mat', sequence / 'occlusion.mat')
    for row, people in truth_of(clip).items():
        absent = cells.shape[1] - len(people)
        assert [person.points[14, 2] for person in frames[row]].count(0.0) == absent
        present = [person.points[14, 2] for person in frames[row] if person.points[14, 2] > 0]
        np.testing.assert_allclose(present, [person.mm('mupots17')[14, 2] for person in people])
    assert converted(tmp_path)[0].counts['people'] == sum(len(scene.people) for scene in clip) < 3 * len(clip)


def test_not_valid_people_are_marked(clip, written, sequence):
    mat = scipy.io.loadmat(sequence / 'annot.mat')
    row = next(row for row, scene in enumerate(clip) if scene.people)
    for cell in mat['annotations'][row]:
        cell['isValidFrame'][0, 0] = np.zeros((1, 1), np.uint8)
    scipy.io.savemat(sequence / 'annot.mat', {'annotations': mat['annotations']})
    report, content = converted(written)
    assert [entry['is_valid'] for entry in by_frame(content)[row]] == [False] * len(clip[row].people)
    assert report.counts['people that are not valid'] >= len(clip[row].people)


def test_without_json_intrinsics_are_estimated(clip, tmp_path):
    MuPoTSLayout(with_json=False).write(clip, tmp_path, 'test')
    report, content = converted(tmp_path)
    np.testing.assert_allclose(content['images'][0]['cam_param']['K'], clip[0].K, atol=0.01)
    assert (content['images'][0]['width'], content['images'][0]['height']) == (192, 128)
    assert any('least squares' in note for note in report.notes)


def test_least_squares_by_hand():
    """Two points on each axis: u = 1000 x/z + 320, v = 900 y/z + 240."""
    points = np.array([[0, 0, 2000.0], [200, 100, 1000], [-100, 50, 2000], [0, 0, -5]])
    keypoints = np.array([[320, 240.0], [520, 330], [270, 262.5], [9e9, 9e9]])  # the last is behind the camera
    K, off_px = estimate_intrinsics(keypoints, points, Path('TS1'))
    np.testing.assert_allclose(K, [[1000, 0, 320], [0, 900, 240], [0, 0, 1]], atol=1e-6)
    assert off_px < 1e-6
    with pytest.raises(UserError, match='too few'):
        estimate_intrinsics(keypoints[:2], points[:2], Path('TS1'))


def test_without_mats_the_json_serves(clip, written, sequence):
    (sequence / 'annot.mat').unlink()
    report, content = converted(written)
    assert any('no annot.mat' in note for note in report.notes)
    assert not any('keypoints_3d_univ' in entry for entry in content['annotations'])
    for row, people in truth_of(clip).items():
        for entry, person in zip(by_frame(content)[row], people):
            np.testing.assert_allclose(entry['keypoints_3d'], person.mm('mupots17'), atol=0.01)
            assert entry['is_valid'] == person.is_valid
    (written / 'MuPoTS-3D.json').unlink()
    with pytest.raises(UserError, match='annot.mat'):
        converted(written)


def test_the_test_set_itself_may_be_the_root(clip, written, sequence):
    _, content = converted(sequence.parent)
    assert content['images'][3]['file_name'] == 'TS1/img_000003.jpg'


def test_scenes_of_many_cameras_become_one_camera(scenes, tmp_path):
    """Written from unrelated scenes, a sequence still has one camera, and its keypoints are that camera's."""
    MuPoTSLayout().write(scenes, tmp_path, 'test')
    _, content = converted(tmp_path)
    assert len({json.dumps(image['cam_param']) for image in content['images']}) == 1
    assert not np.allclose(scenes[0].K, scenes[1].K)
    K, person = scenes[0].K, truth_of(scenes)[1][0]
    seen = person.mm('mupots17') @ K.T
    entry = by_frame(content)[1][0]
    np.testing.assert_allclose(np.reshape(entry['keypoints'], (17, 3))[:, :2], seen[:, :2] / seen[:, 2:], atol=0.01)


def test_missing_images_are_counted(clip, written, sequence):
    (sequence / 'img_000002.jpg').unlink()
    (sequence / 'occlusion.mat').unlink()
    report, content = converted(written)
    assert report.counts['images missing'] == 1 and len(content['images']) == len(clip) - 1
    assert any('no occlusion.mat' in note for note in report.notes)
    assert not any('occluded' in entry for entry in content['annotations'])


def _shift_intrinsics(sequence):
    path = sequence.parent.parent / 'MuPoTS-3D.json'
    content = json.loads(path.read_text())
    for image in content['images']:
        image['intrinsic'][0] *= 2
    path.write_text(json.dumps(content))


def _metres(sequence):
    mat = scipy.io.loadmat(sequence / 'annot.mat')
    for cell in mat['annotations'].flat:
        cell['annot3'][0, 0] = cell['annot3'][0, 0] / 1000
    scipy.io.savemat(sequence / 'annot.mat', {'annotations': mat['annotations']})


def _too_few_joints(sequence):
    mat = scipy.io.loadmat(sequence / 'annot.mat')
    cell = mat['annotations'][0, 0]
    cell['annot3'][0, 0] = cell['annot3'][0, 0][:, :16]
    scipy.io.savemat(sequence / 'annot.mat', {'annotations': mat['annotations']})


def _other_occlusion(sequence):
    labels = scipy.io.loadmat(sequence / 'occlusion.mat')['occlusion_labels']
    scipy.io.savemat(sequence / 'occlusion.mat', {'occlusion_labels': labels[1:]})


@pytest.mark.parametrize(
    'damage, told',
    [
        (_shift_intrinsics, 'wrong camera'),
        (_metres, 'wrong units'),
        (_other_occlusion, 'occlusion_labels: has cells'),
        (_too_few_joints, r'annotations\{1,1\}.annot3: has the shape \(3, 16\)'),
        (
            lambda sequence: (sequence / 'annot.mat').write_bytes((sequence / 'annot.mat').read_bytes()[:500]),
            'annot.mat: ',
        ),
        (
            lambda sequence: scipy.io.savemat(sequence / 'annot.mat', {'x': 1}),
            'annotations: the file has no such variable',
        ),
    ],
)
def test_damage_is_told(written, sequence, damage, told):
    damage(sequence)
    with pytest.raises(UserError, match=told):
        converted(written)


def test_too_many_clips_do_not_fit(clip, tmp_path):
    with pytest.raises(UserError, match='20 sequences'):
        MuPoTSLayout().write([replace(clip[0], seq=str(number)) for number in range(21)], tmp_path, 'test')


def test_nothing_there(tmp_path):
    with pytest.raises(UserError, match='nothing to convert'):
        converted(tmp_path)
