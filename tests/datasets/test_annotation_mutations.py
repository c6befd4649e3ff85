"""What the check passes, training reads; what it does not pass, training refuses in words: of damaged files too."""

from __future__ import annotations

import json
from contextlib import suppress

import numpy as np
import pytest

from das_mm.datasets.checks import check_annotation_file
from das_mm.datasets.datasets import DASDataset
from das_mm.errors import UserError
from das_mm.tools.data import print_report
from tests.datasets.mutations import damaged_bytes, dump, mutations
from tests.datasets.test_annotation_file import FAULTS, remove, set_in
from tests.toy import write_toy_dataset

NAN = float('nan')


@pytest.fixture(scope='module')
def toy(tmp_path_factory):
    """Two images with two people each and every optional field, and the folder of the images."""
    root = tmp_path_factory.mktemp('toy')
    with open(write_toy_dataset(root, num_images=2, people=(2, 2), image_size=(64, 48))) as stream:
        content = json.load(stream)
    np.savez(
        root / 'smpl.npz',
        betas=np.zeros((4, 10)),
        body_pose=np.zeros((4, 23, 3)),
        global_orient=np.zeros((4, 3)),
        transl=np.ones((4, 3)),
    )
    content['info'] |= dict(dataset='toy', smpl_file='smpl.npz')
    for row, image in enumerate(content['images']):
        image |= dict(seq='a', view='1', frame=row, has_3d=True, is_labeled=True, crowd_index=0.5, activity=1)
        image |= dict(ignore_regions=[[[0, 0], [5, 0], [5, 5]]])
        image['cam_param']['dist'] = [0.1, 0, 0, 0, 0]
    for row, person in enumerate(content['annotations']):
        person |= dict(track_id=row, is_valid=True, smpl=row, occluded=[0] * 15, head_bbox=[1, 1, 4, 4])
        person |= dict(keypoints_3d_univ=person['keypoints_3d'], area=50.0)
    return root, content


def refusal(file):
    """What training says of a file; None where it reads it and its samples."""
    try:
        dataset = DASDataset(ann_file=str(file), data_prefix=dict(img=str(file.parent / 'images')), pipeline=[])
    except UserError as error:
        return None if error.remedy and _not_of_the_file(error) else error
    for row in range(len(dataset)):
        record = dataset.get_data_info(row)
        for key in ('bbox', 'keypoints', 'keypoints_3d', 'area'):
            assert np.isfinite(record[key]).all(), key
        assert (record['bbox'][:, 2:] >= record['bbox'][:, :2]).all() and (record['area'] >= 0).all()
        assert set(record['keypoints_flags'].ravel().tolist()) <= {0, 1, 2}
    return None


def _not_of_the_file(error):
    """Whether the file was read, and what is missing are its images or people who can be learnt."""
    return error.field == 'filter_cfg' or 'images do not exist' in error.problem


def agree(file, words, printed=True):
    """The check and a training say the same of a file; what they say."""
    said = refusal(file)
    try:
        report = check_annotation_file(file, images=file.parent / 'images')
    except UserError as error:
        assert said is not None and error.remedy and str(file) in str(error), words
        return said
    if printed:
        print_report(report)
    json.dumps(report.as_dict())
    assert bool(report.faults) == (said is not None), (words, said, report.faults)
    assert all(finding.kind.problem and finding.kind.meaning for finding in report.faults), words
    if said is not None:
        assert said.remedy and (said.field or 'json' in said.problem), (words, said)
    return said


def test_a_few_hundred_damaged_files(toy, capsys):
    root, content = toy
    file = root / 'damaged.json'
    refused = 0
    for number, (words, damaged) in enumerate(mutations(content, 400, seed=1)):
        file.write_text(dump(damaged))
        refused += agree(file, words, printed=number % 10 == 0) is not None
    assert 120 < refused < 360  # both kinds are met


def test_a_few_hundred_files_of_damaged_bytes(toy, capsys):
    root, content = toy
    file = root / 'damaged.json'
    for words, damaged in damaged_bytes(dump(content).encode(), 200, seed=2):
        file.write_bytes(damaged)
        agree(file, words, printed=False)


KINDS = [
    # edit, field and problem that both tell; None: both read it
    (set_in('info', value='text'), 'info', 'is no object'),
    (set_in('info', value=None), 'info.joints', 'nothing says'),
    (set_in('info', 'joints', value=['panoptic15']), 'info.joints', 'is no text'),
    (set_in('info', 'dataset', value=[1]), 'info.dataset', 'is no text'),
    (set_in('info', 'smpl_file', value='absent.npz'), 'info.smpl_file', 'does not exist'),
    (set_in('info', 'smpl_file', value=5), 'info.smpl_file', 'is no text'),
    (set_in('annotations', 1, 'smpl', value=99), 'annotations[].smpl', 'refers to row 99'),
    (set_in('images', 0, 'id', value=2**63), 'images.id', 'is not a whole number of at most 64 bits'),
    (set_in('images', 0, 'id', value='1'), 'images.id', 'is not a whole number of at most 64 bits'),
    (set_in('annotations', 0, 'id', value=10**400), 'annotations.id', 'is not a whole number of at most 64 bits'),
    (
        set_in('annotations', 0, 'image_id', value='1'),
        'annotations.image_id',
        'is not a whole number of at most 64 bits',
    ),
    (set_in('annotations', 0, 'bbox', 0, value=10**400), 'annotations.bbox', 'is not a regular list of numbers'),
    (set_in('annotations', 0, 'bbox', 0, value=1e308), 'annotations.bbox', 'beyond all images'),
    (set_in('annotations', 0, 'keypoints', 0, value=1e308), 'annotations.keypoints', 'beyond all images'),
    (set_in('annotations', 0, 'keypoints', 2, value=0.87), 'annotations.keypoints', 'flag that is not 0, 1 or 2'),
    (set_in('annotations', 0, 'keypoints', 2, value=-1), 'annotations.keypoints', 'flag that is not 0, 1 or 2'),
    (set_in('annotations', 0, 'keypoints_3d', 0, 0, value=1e308), 'annotations.keypoints_3d', 'beyond all measure'),
    (
        set_in('annotations', 0, 'keypoints_3d_valid', 0, value=0.87),
        'annotations.keypoints_3d_valid',
        'neither true nor',
    ),
    (set_in('annotations', 0, 'occluded', 0, value=7), 'annotations.occluded', 'neither true nor false'),
    (set_in('annotations', 0, 'head_bbox', 2, value=-4), 'annotations.head_bbox', 'negative width or height'),
    (set_in('annotations', 0, 'area', value=-1), 'annotations.area', 'is no area'),
    (set_in('annotations', 0, 'area', value=NAN), 'annotations.area', 'is no area'),
    (set_in('annotations', 0, 'area', value='50'), 'annotations.area', 'is no number'),
    (set_in('annotations', 0, 'area', value=None), None, None),
    (remove('annotations', 0, 'area'), None, None),
    (set_in('annotations', 0, 'iscrowd', value=None), None, None),
    (set_in('annotations', 0, 'iscrowd', value=True), None, None),
    (set_in('annotations', 0, 'iscrowd', value=0.5), 'annotations.iscrowd', 'neither true nor false'),
    (set_in('annotations', 0, 'is_valid', value='no'), 'annotations.is_valid', 'is no number'),
    (set_in('annotations', 0, 'is_valid', value=None), None, None),
    (set_in('annotations', 0, 'track_id', value=None), None, None),
    (set_in('annotations', 0, 'root_depth', value=NAN), 'annotations.root_depth', 'not in front'),
    (set_in('annotations', 0, 'root_depth', value=None), None, None),
    (set_in('images', 0, 'has_3d', value='x'), 'images.has_3d', 'is no number'),
    (set_in('images', 0, 'has_3d', value=None), None, None),
    (set_in('images', 0, 'is_labeled', value=[]), 'images.is_labeled', 'of one number'),
    (set_in('images', 0, 'width', value='64'), 'images.width', 'is no number'),
    (set_in('images', 0, 'width', value=64.5), 'images.width', 'positive whole number'),
    (set_in('images', 0, 'width', value=None), 'images.width', 'positive whole number'),
    (set_in('images', 0, 'seq', value=['a']), 'images.seq', 'is no text'),
    (set_in('images', 0, 'seq', value=None), None, None),
    (set_in('images', 0, 'seq', value=5), None, None),
    (set_in('images', 0, 'frame', value=None), None, None),
    (set_in('images', 0, 'activity', value=40000), 'images.activity', 'number of an activity'),
    (set_in('images', 0, 'crowd_index', value=1.5), 'images.crowd_index', 'between 0 and 1'),
    (set_in('images', 0, 'ignore_regions', value=5), 'images.ignore_regions', 'holds no polygon'),
    (set_in('images', 0, 'ignore_regions', 0, 0, 0, value=1e300), 'images.ignore_regions', 'holds no polygon'),
    (set_in('images', 0, 'cam_param', 'K', 0, 0, value=10**400), 'images.cam_param.K', 'is no camera matrix'),
    (set_in('images', 0, 'cam_param', 'K', 0, 0, value='600'), 'images.cam_param.K', 'is no camera matrix'),
    (set_in('images', 0, 'cam_param', 'T', 0, value='5'), 'images.cam_param.T', 'is not 3 finite numbers'),
    (set_in('images', 0, 'cam_param', value=[]), 'images.cam_param', 'has no K'),
    (set_in('images', 0, 'file_name', value=''), 'images.file_name', 'is no text'),
    (set_in('images', 0, 'file_name', value='\ud800.png'), 'images.file_name', 'is no text'),
    (set_in('images', 0, 'file_name', value='a\0.png'), 'images.file_name', 'is no text'),
    (set_in('categories', value=5), None, None),  # not looked at where info.joints tells the set
]


@pytest.mark.parametrize('edit, field, problem', KINDS, ids=[f'{n} {kind[1]}' for n, kind in enumerate(KINDS)])
def test_one_rule_a_kind(toy, edit, field, problem):
    root, content = toy
    content, file = json.loads(json.dumps(content)), root / 'edited.json'
    edit(content)
    file.write_text(json.dumps(content))
    said = agree(file, problem)
    faults = check_annotation_file(file).faults
    if field is None:
        assert said is None and not faults
        return
    assert problem in said.problem
    assert any(finding.kind.field == field and problem in finding.kind.problem for finding in faults), faults
    assert all(finding.kind.remedy for finding in faults)


def test_null_is_as_good_as_absent(toy):
    root, content = toy
    content, file = json.loads(json.dumps(content)), root / 'edited.json'
    for person in content['annotations']:
        person |= dict(iscrowd=None, is_valid=None, track_id=None, area=None, smpl=None)
    for image in content['images']:
        image |= dict(seq=None, view=None, frame=None, has_3d=None, is_labeled=None, activity=None)
    file.write_text(json.dumps(content))
    dataset = DASDataset(ann_file=str(file), data_prefix=dict(img=str(root / 'images')))
    record = dataset.get_data_info(0)
    assert not record['iscrowd'].any() and record['is_valid'].all() and (record['track_id'] == -1).all()
    assert (record['seq'], record['view'], record['frame'], record['activity']) == ('', '', -1, None)
    assert record['has_3d'] and record['is_labeled']
    x, y, w, h = content['annotations'][0]['bbox']
    assert record['area'][0] == pytest.approx(w * h, rel=1e-5)


@pytest.mark.parametrize('mark', [b'\xef\xbb\xbf', b''])
def test_a_byte_order_mark_is_passed_over(toy, mark):
    root, content = toy
    file = root / 'bom.json'
    file.write_bytes(mark + json.dumps(content).encode())
    assert agree(file, 'bom') is None


def test_names_that_lead_out_of_the_folder(toy):
    root, content = toy
    content, file = json.loads(json.dumps(content)), root / 'edited.json'
    for name in ('../x.png', '/etc/x.png', 'C:\\x.png', 'a/../../x.png', '..\\x.png'):
        content['images'][0]['file_name'] = name
        file.write_text(json.dumps(content))
        found = [finding for finding in check_annotation_file(file).warnings if 'leads out' in finding.kind.problem]
        assert found[0].examples == [f'image id 1, {name}'] and found[0].kind.field == 'images.file_name'
    content['images'][0]['file_name'] = 'a/..b.png'
    file.write_text(json.dumps(content))
    assert not [finding for finding in check_annotation_file(file).warnings if 'leads out' in finding.kind.problem]


def test_the_listed_faults_agree_too(toy):
    root, content = toy
    plain, file = json.dumps(content), root / 'edited.json'
    for edit, message in FAULTS:
        damaged = json.loads(plain)
        with suppress(IndexError):  # they are for a file of three images
            edit(damaged)
            file.write_text(json.dumps(damaged))
            agree(file, message)
