"""MPII: the mat file written from synthetic truth, and a json, come back as that truth."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from das_mm.datasets import DASDataset
from das_mm.datasets.converters import CONVERTERS
from das_mm.datasets.converters.conversion_runner import run_conversion
from das_mm.datasets.synthetic.layouts import LAYOUTS
from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS

Converter = CONVERTERS.get('mpii')
SET = KEYPOINT_SETS['mpii16']
MAT = 'mpii_human_pose_v1_u12_1.mat'
HEAD = [SET.index('upper_neck'), SET.index('head_top')]


@pytest.fixture(scope='module')
def archive(scenes, tmp_path_factory):
    root = tmp_path_factory.mktemp('mpii')
    LAYOUTS.get('mpii')().write(scenes, root, 'trainval')
    return root


@pytest.fixture
def copied(archive, tmp_path):
    return shutil.copytree(archive, tmp_path / 'copy')


def _convert(converter):
    (job,) = converter.jobs()
    return converter.convert(job)


def _truth(person):
    """Flags of the file: absent where out of the image; of neck and head top nobody said whether they are hidden."""
    seen = person.seen('mpii16')
    return np.where((seen == 1) & ~np.isin(np.arange(16), HEAD), 1, np.where(seen > 0, 2, 0))


def test_people_equal_the_truth(archive, scenes, tmp_path):
    report = run_conversion(Converter(archive), tmp_path / 'mpii.json')
    assert report.counts['images'] == len(scenes)
    dataset = DASDataset(
        ann_file=str(report.out), data_prefix=dict(img=str(archive / 'images')), keypoint_set='mpii16', test_mode=True
    )
    for record, scene in zip((dataset[index] for index in range(len(dataset))), scenes):
        assert len(record['bbox']) == len(scene.people)
        for row, person in enumerate(scene.people):
            flags, px = _truth(person), person.px('mpii16')
            np.testing.assert_array_equal(record['keypoints_flags'][row], flags)
            np.testing.assert_allclose(record['keypoints'][row][flags > 0], px[flags > 0], atol=1e-3)  # 1-based undone
            low, high = px[flags > 0].min(0), px[flags > 0].max(0)
            pad = (high - low) / 8  # 25 % more in all
            box = np.clip([low - pad, high + pad], 0, [scene.width, scene.height]).ravel()
            np.testing.assert_allclose(record['bbox'][row], box, atol=2e-3)
            neck, top = px[HEAD]
            x, y, w, h = record['head_bbox'][row]
            np.testing.assert_allclose([x + w / 2, y + h / 2], (neck + top) / 2, atol=1e-3)
            np.testing.assert_allclose([w, h], np.linalg.norm(neck - top), atol=1e-3)


def _edit(root, change):
    """Changes the struct RELEASE of the mat file."""
    release = loadmat(str(root / MAT))['RELEASE']
    change(release[0, 0])
    savemat(str(root / MAT), dict(RELEASE=release))


def test_only_training_images(copied, scenes):
    def change(release):
        release['img_train'][0, [0, 3]] = 0

    _edit(copied, change)
    names = [image['file_name'] for image in _convert(Converter(copied)).images]
    assert names == [f'{number + 1:09d}.jpg' for number in range(len(scenes)) if number not in (0, 3)]


def test_people_without_joints_become_ignored_boxes(copied, scenes):
    """The second person of image 2 and everybody of image 3 lose their joints; image 4 has nobody at all."""

    def change(release):
        annolist = release['annolist'][0]
        annolist[1]['annorect'][0, 1]['annopoints'] = np.zeros((0, 0))
        for rect in annolist[2]['annorect'][0]:
            rect['annopoints'] = np.zeros((0, 0))
        annolist[3]['annorect'] = np.zeros((0, 0))

    _edit(copied, change)
    part = _convert(Converter(copied))
    assert len(part.images) == len(scenes) - 2 and part.counts['images without joints'] == 2
    assert part.counts['people without joints (ignored boxes)'] == 1
    kept, ignored = part.images[1]['annotations']
    assert (kept['iscrowd'], ignored['iscrowd'], ignored['num_keypoints']) == (0, 1, 0)
    x, y, width, height = scenes[1].people[1].bbox_xywh
    corners = np.array([x + width / 2, y + height / 2]) + np.array([[-0.5], [0.5]]) * height  # 200 px times the scale
    corners = np.clip(corners, 0, [scenes[1].width, scenes[1].height])
    np.testing.assert_allclose(ignored['bbox'], [*corners[0], *(corners[1] - corners[0])], atol=2e-3)


def test_json_of_mmpose(copied, scenes):
    rows = []
    for number, scene in enumerate(scenes[:3]):
        for person in scene.people:
            known = person.seen('mpii16') > 0
            rows.append(
                dict(
                    image=f'{number + 1:09d}.jpg',
                    center=[1, 1],
                    scale=1.0,
                    joints_vis=known.astype(int).tolist(),
                    joints=np.where(known[:, None], person.px('mpii16') + 1, -1).tolist(),
                )
            )
    (copied / 'annot').mkdir()
    path = copied / 'annot' / 'valid.json'
    path.write_text(json.dumps(rows))
    part = _convert(Converter(copied, 'valid'))
    assert [len(image['annotations']) for image in part.images] == [len(scene.people) for scene in scenes[:3]]
    for image, scene in zip(part.images, scenes):
        for entry, person in zip(image['annotations'], scene.people):
            got, known = np.array(entry['keypoints']).reshape(-1, 3), person.seen('mpii16') > 0
            np.testing.assert_array_equal(got[:, 2], 2 * known)
            np.testing.assert_allclose(got[known, :2], person.px('mpii16')[known], atol=1e-3)
    for damage, match in (
        (json.dumps(rows)[:-20], 'valid json'),
        ('{}', 'not a list'),
        ('[{"image": "a.jpg"}]', r'\[0\]'),
    ):
        path.write_text(damage)
        with pytest.raises(UserError, match=match):
            _convert(Converter(copied, 'valid'))


def test_missing_images_are_counted(copied, scenes):
    (copied / 'images' / '000000003.jpg').unlink()
    part = _convert(Converter(copied))
    assert len(part.images) == len(scenes) - 1 and part.counts['images missing'] == 1


def test_damaged_files(copied):
    (copied / MAT).write_bytes((copied / MAT).read_bytes()[:3000])
    with pytest.raises(UserError, match='no whole mat file'):
        _convert(Converter(copied))
    savemat(str(copied / MAT), dict(RELEASE=dict(annolist=[1, 2], img_train=[1, 1])))
    with pytest.raises(UserError, match='not laid out'):
        _convert(Converter(copied))
    savemat(str(copied / MAT), dict(other=1))
    with pytest.raises(UserError, match='RELEASE'):
        _convert(Converter(copied))
    (copied / MAT).unlink()
    with pytest.raises(UserError, match='annotation file is not there'):
        Converter(copied).jobs()


def test_the_mat_knows_one_split(copied):
    with pytest.raises(UserError, match="does not know the split 'valid'"):
        Converter(copied, 'valid', annotations=copied / MAT).jobs()
