"""PoseTrack18: a clip in its layout comes back as it was; identities, heads, regions, labels, and what is missing."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from das_mm.datasets.converters.conversion_runner import run_conversion
from das_mm.datasets.converters.posetrack18 import PoseTrack18Converter
from das_mm.datasets.datasets import DASDataset
from das_mm.datasets.synthetic.layouts.posetrack18 import PoseTrack18Layout
from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS

NAMES = KEYPOINT_SETS['posetrack17'].keypoints
FIRST = '000100_mpii_test'


@pytest.fixture(scope='module')
def two_videos(clip):
    """The clip, in whose sixth frame somebody is hardly seen, and its first frames as another video."""
    hidden = replace(clip[6], people=(replace(clip[6].people[0], is_valid=False), *clip[6].people[1:]))
    return [*clip[:6], hidden, *clip[7:], *(replace(scene, seq='other') for scene in clip[:4])]


@pytest.fixture
def written(two_videos, tmp_path):
    PoseTrack18Layout(labelled=6).write(two_videos, tmp_path / 'posetrack18', 'val')
    return tmp_path / 'posetrack18'


def convert(root, **options):
    report = run_conversion(PoseTrack18Converter(root, 'val', **options), root.parent / 'out.json')
    return report, json.loads(report.out.read_text())


def first_file(root):
    return root / 'annotations' / 'val' / f'{FIRST}.json'


def edit(file, change):
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


def test_a_clip_comes_back(two_videos, clip, written):
    report, content = convert(written)
    assert [image['id'] for image in content['images'][:2]] == [10001000000, 10001000001]
    assert content['info']['joints'] == 'posetrack17' and report.counts['sequences'] == 2
    by_image = {}
    for entry in content['annotations']:
        by_image.setdefault(entry['image_id'], []).append(entry)
    people = 0
    for number, image in enumerate(content['images'][: len(clip)]):
        scene, entries = two_videos[number], by_image.get(image['id'], [])
        assert image['file_name'] == f'images/val/{FIRST}/{number:06d}.jpg'
        assert (image['seq'], image['frame']) == (FIRST, number) and not image['has_3d']
        assert (image['width'], image['height']) == (scene.width, scene.height)  # not in the json: out of the image
        assert image['is_labeled'] == (5 <= number < 11 or number % 4 == 0)
        seen = [person for person in scene.people if person.is_valid] if image['is_labeled'] else []
        assert len(entries) == len(seen)
        for person, entry in zip(seen, entries):
            people += 1
            keypoints = np.reshape(entry['keypoints'], (-1, 3))
            labelled = (person.seen('posetrack17') == 2) & ~np.isin(NAMES, ['left_ear', 'right_ear'])
            assert (keypoints[:, 2] == 2 * labelled).all() and (keypoints[~labelled] == 0).all()
            assert np.allclose(keypoints[labelled, :2], person.px('posetrack17')[labelled], atol=1e-3)
            assert entry['track_id'] == person.track_id and 'keypoints_3d' not in entry
            x, y, w, h = entry['head_bbox']
            for name in ('head_top', 'head_bottom'):
                px, py = person.keypoints_px[name]
                assert x <= px <= x + w and y <= py <= y + h
    assert people > 8 and report.counts['labelled images'] == 9 + 4


def test_regions_to_ignore(two_videos, clip, written):
    _, content = convert(written)
    regions = [image.get('ignore_regions') for image in content['images'][: len(clip)]]
    labelled = [image['is_labeled'] for image in content['images']]
    hidden = [not all(person.is_valid for person in scene.people) for scene in two_videos]
    assert [bool(region) for region in regions] == [a and b for a, b in zip(hidden, labelled)][: len(clip)]
    x, y, w, h = np.rint(two_videos[6].people[0].bbox_xywh)
    assert regions[6][0] == [[x, y], [x + w, y], [x + w, y + h], [x, y + h]]


def test_the_dataset_class_reads_it(written, two_videos):
    report, content = convert(written)
    settings = dict(data_prefix=dict(img=str(written)))
    everything = DASDataset(str(report.out), 'posetrack17', test_mode=True, **settings)
    assert len(everything) == len(two_videos)
    record = everything.get_data_info(6)
    assert record['seq'] == FIRST and record['frame'] == 6 and record['is_labeled'] and not record['has_3d']
    assert record['ignore_regions'][0].shape == (4, 2) and record['head_bbox'].shape[1] == 4
    seen = [person for person in two_videos[6].people if person.is_valid]
    assert record['track_id'].tolist() == [person.track_id for person in seen]
    assert not record['keypoints_3d_valid'].any() and record['camera']['K'] is None
    assert len(DASDataset(str(report.out), 'posetrack17', **settings)) == report.counts['labelled images']
    assert len(DASDataset(str(report.out), 'poseval15', **settings)) == report.counts['labelled images']


def test_the_merged_file_gives_the_same(two_videos, written, tmp_path):
    _, single = convert(written)
    root = tmp_path / 'merged'
    PoseTrack18Layout(labelled=6, merged=True).write(two_videos, root, 'val')
    assert (root / 'annotations' / 'posetrack18_val.json').is_file()
    _, merged = convert(root)
    assert merged['images'] == single['images'] and merged['annotations'] == single['annotations']
    _, named = convert(root, annotations=root / 'annotations' / 'posetrack18_val.json', images=root)
    assert named['annotations'] == single['annotations']


def test_the_other_folder(written):
    _, usual = convert(written)
    (written / 'posetrack_data').mkdir()
    for name in ('annotations', 'images'):
        (written / name).rename(written / 'posetrack_data' / name)
    _, content = convert(written)
    assert content['annotations'] == usual['annotations']
    assert content['images'][0]['file_name'] == f'posetrack_data/images/val/{FIRST}/000000.jpg'


def test_training_labels_only_the_middle(clip, tmp_path):
    PoseTrack18Layout(labelled=4).write(clip, tmp_path, 'train')
    report = run_conversion(PoseTrack18Converter(tmp_path), tmp_path / 'out.json')
    content = json.loads(report.out.read_text())
    assert [image['frame'] for image in content['images'] if image['is_labeled']] == [6, 7, 8, 9]
    assert content['images'][0]['seq'] == '000100_mpii_train'


def test_what_may_be_missing(written):
    """A box, a box of the head, all keypoints; nobody is invented, and what cannot serve at all is dropped."""
    ids = []

    def change(content):
        first = [entry for entry in content['annotations'] if any(entry['keypoints'])][:3]
        first[0].pop('bbox', None)
        first[1].pop('bbox_head', None)
        boxed = dict(first[2], id=1, keypoints=[0] * 51, bbox=[-5, 5, 30, 20])
        content['annotations'] += [boxed, dict(boxed, id=2, bbox=None)]
        first[2]['keypoints'][9:12] = [30, 30, 1]  # an ear that somebody did label
        ids.extend(entry['id'] for entry in first)

    before, _ = convert(written)
    edit(first_file(written), change)
    report, content = convert(written)
    entries = {entry['id']: entry for entry in content['annotations']}
    box = np.array(entries[ids[0]]['bbox'])
    points = np.reshape(entries[ids[0]]['keypoints'], (-1, 3))
    points = points[points[:, 2] > 0, :2]
    assert (points >= box[:2] - 0.01).all() and (points <= box[:2] + box[2:] + 0.01).all() and box[2] > 0
    assert 'head_bbox' not in entries[ids[1]] and report.counts['people without a box of the head'] == 1
    assert entries[1]['bbox'] == [0, 5, 25, 20] and entries[1]['num_keypoints'] == 0  # cut to the image
    assert 2 not in entries and report.counts['people dropped: neither keypoints nor box'] == 1
    assert entries[ids[2]]['keypoints'][9:12] == [0, 0, 0]
    assert report.counts['people'] == before.counts['people'] + 1
    assert report.counts['people without labelled keypoints'] == before.counts['people without labelled keypoints'] + 1


def test_missing_images_are_counted(written):
    before, _ = convert(written)
    (written / 'images' / 'val' / FIRST / '000008.jpg').unlink()
    report, content = convert(written)
    assert report.counts['images missing'] == 1
    assert report.counts['images'] == before.counts['images'] - 1
    assert report.counts['people of missing images'] == before.counts['people'] - report.counts['people'] > 0


def test_nothing_there(tmp_path, written):
    with pytest.raises(UserError, match='(?s)annotations is not there.*posetrack18/'):
        convert(written, annotations=tmp_path / 'absent.json')
    (written / 'images').rename(written / 'pictures')
    with pytest.raises(UserError, match='folder of the images is not there'):
        convert(written)
    with pytest.raises(UserError, match='no split'):
        PoseTrack18Converter(written, 'test')


@pytest.mark.parametrize(
    'change, message',
    [
        (lambda content: content['annotations'][1]['keypoints'].pop(), r'\(id \d+\).keypoints: does not have'),
        (lambda content: content['annotations'][1].pop('track_id'), r'\(id \d+\).track_id: is missing'),
        (lambda content: content['annotations'][1].update(bbox_head=[1, 2]), 'bbox_head: does not have the shape 4'),
        (lambda content: content['images'][6]['ignore_regions_x'].append([1, 2]), 'regions to ignore do not fit'),
        (lambda content: content['images'][6]['ignore_regions_x'][0].append(1), 'regions to ignore do not fit'),
        (lambda content: content.pop('annotations'), 'annotations: is missing'),
        (lambda content: content['categories'][0]['keypoints'].reverse(), 'not those of PoseTrack 2018'),
    ],
)
def test_damaged_files(written, change, message):
    edit(first_file(written), change)
    with pytest.raises(UserError, match=message) as caught:
        convert(written)
    assert str(first_file(written)) in str(caught.value)


def test_a_damaged_image_and_a_cut_file(written):
    image = written / 'images' / 'val' / FIRST / '000003.jpg'
    image.write_bytes(b'no image')
    before = len(list(image.parent.iterdir()))
    report, content = convert(written)
    assert report.counts['images left out: they cannot be read'] == 1 and '000003.jpg' in report.notes[0]
    assert len([one for one in content['images'] if one['seq'] == FIRST]) == before - 1
    first_file(written).write_text(first_file(written).read_text()[:-40])
    with pytest.raises(UserError, match='no valid json, perhaps cut short'):
        convert(written)
