"""LSP and LSPET: joints.mat written from synthetic truth comes back as that truth."""

from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest
from scipy.io import loadmat, savemat

from das_mm.datasets import DASDataset
from das_mm.datasets.converters import CONVERTERS
from das_mm.datasets.converters.conversion_runner import run_conversion
from das_mm.datasets.synthetic.layouts import LAYOUTS
from das_mm.errors import UserError

LSP, LSPET = CONVERTERS.get('lsp'), CONVERTERS.get('lspet')


@pytest.fixture(scope='module')
def archives(scenes, tmp_path_factory):
    root = tmp_path_factory.mktemp('leeds')
    for name in ('lsp', 'lspet'):
        LAYOUTS.get(name)().write(scenes, root / name, 'train')
    return root


@pytest.fixture
def copied(archives, tmp_path):
    return shutil.copytree(archives, tmp_path / 'copy')


@pytest.fixture(scope='module')
def people(scenes):
    """Whom the writers take: the person of whom most is seen."""
    return [max(scene.people, key=lambda person: person.area_px) for scene in scenes]


def _convert(converter):
    (job,) = converter.jobs()
    return converter.convert(job)


def _flat(image):
    (person,) = image['annotations']
    return np.array(person['keypoints']).reshape(-1, 3)


@pytest.mark.parametrize('split, rows', [('train', range(4)), ('test', range(4, 8))])
def test_lsp_equals_the_truth(archives, people, tmp_path, split, rows):
    """All joints are labelled; the third number is 1 where one is hidden."""
    report = run_conversion(LSP(archives / 'lsp', split), tmp_path / 'lsp.json')
    dataset = DASDataset(
        ann_file=str(report.out),
        data_prefix=dict(img=str(archives / 'lsp/images')),
        keypoint_set='lsp14',
        test_mode=True,
    )
    assert len(dataset) == 4
    for index, row in enumerate(rows):
        record, seen = dataset[index], people[row].seen('lsp14')
        assert record['img_path'].endswith(f'im{row + 1:04d}.jpg')
        np.testing.assert_allclose(record['keypoints'][0], people[row].px('lsp14'), atol=1e-3)
        np.testing.assert_array_equal(record['keypoints_flags'][0], np.where(seen == 2, 2, 1))
    assert any((person.seen('lsp14') < 2).any() for person in people)


def test_lspet_equals_the_truth(archives, people):
    """The third number is 1 where a joint is labelled: those that are seen."""
    part = _convert(LSPET(archives / 'lspet'))
    assert [image['file_name'] for image in part.images] == [f'im{row + 1:05d}.jpg' for row in range(8)]
    for image, person in zip(part.images, people):
        got, labelled = _flat(image), person.seen('lsp14') == 2
        np.testing.assert_array_equal(got[:, 2], np.where(labelled, 2, 0))
        np.testing.assert_allclose(got[labelled, :2], person.px('lsp14')[labelled], atol=1e-3)


def test_parts_of_lspet(copied):
    """Ten images and more are needed to see a tenth; numbers count, not places in the file."""
    root = copied / 'lspet'
    joints = loadmat(str(root / 'joints.mat'))['joints']
    savemat(str(root / 'joints.mat'), dict(joints=np.concatenate([joints] * 3, axis=2)[:, :, :21]))
    for number in range(9, 22):
        shutil.copy(root / 'images' / 'im00001.jpg', root / 'images' / f'im{number:05d}.jpg')
    names = {
        split: [int(image['file_name'][2:7]) for image in _convert(LSPET(root, split)).images]
        for split in ('train', 'train_rest', 'val_tenth')
    }
    assert names['val_tenth'] == [10, 20] and sorted(names['train_rest'] + [10, 20]) == names['train']


def test_the_two_are_not_taken_for_each_other(copied):
    with pytest.raises(UserError, match='the other of LSP and LSPET'):
        _convert(LSPET(copied / 'lsp'))
    with pytest.raises(UserError, match='the other of LSP and LSPET'):
        _convert(LSP(copied / 'lspet'))


def test_larger_images_are_counted_in_their_order(copied, people):
    """hr-lspet: png with gaps in their numbers, beside joints.mat."""
    root = copied / 'lspet'
    for path in sorted((root / 'images').iterdir()):
        number = int(path.stem[2:])
        cv2.imwrite(str(root / f'im{3 * number:05d}.png'), cv2.imread(str(path)))
    shutil.rmtree(root / 'images')
    part = _convert(LSPET(root))
    assert [image['file_name'] for image in part.images] == [f'im{3 * row + 3:05d}.png' for row in range(8)]
    labelled = people[7].seen('lsp14') == 2
    np.testing.assert_allclose(_flat(part.images[7])[labelled, :2], people[7].px('lsp14')[labelled], atol=1e-3)
    (root / 'im00006.png').unlink()
    with pytest.raises(UserError, match='7 images.*joints of 8'):
        _convert(LSPET(root))


def test_missing_images_and_people_without_joints(copied):
    root = copied / 'lspet'
    (root / 'images' / 'im00002.jpg').unlink()
    joints = loadmat(str(root / 'joints.mat'))['joints']
    joints[:, 2, 4] = 0
    savemat(str(root / 'joints.mat'), dict(joints=joints))
    part = _convert(LSPET(root))
    assert [int(image['file_name'][2:7]) for image in part.images] == [1, 3, 4, 6, 7, 8]
    assert part.counts == {'images missing': 1, 'images without joints': 1}


def test_damaged_files(copied):
    path = copied / 'lsp' / 'joints.mat'
    savemat(str(path), dict(joints=np.zeros((3, 13, 5))))
    with pytest.raises(UserError, match='not 3 × 14 × N'):
        _convert(LSP(copied / 'lsp'))
    path.write_bytes(path.read_bytes()[:150])
    with pytest.raises(UserError, match='no whole mat file'):
        _convert(LSP(copied / 'lsp'))
    path.unlink()
    with pytest.raises(UserError, match='annotation is not there'):
        LSP(copied / 'lsp').jobs()
