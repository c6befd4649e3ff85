"""CMU Panoptic: layout written from synthetic scenes, converted, compared with the scenes' truth."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from das_mm.datasets import DASDataset
from das_mm.datasets.converters import panoptic
from das_mm.datasets.converters.conversion_runner import run_conversion
from das_mm.datasets.converters.panoptic import PanopticConverter
from das_mm.datasets.converters.panoptic_files import HDCamera, greatest_square_radius
from das_mm.datasets.synthetic.layouts.panoptic import PanopticLayout, hd_views
from das_mm.errors import UserError

HAGGLING, MAFIA = '160224_haggling1', '160224_mafia1'  # four of the eight scenes each
FIRST = 153


@pytest.fixture(scope='module')
def written(scenes, tmp_path_factory) -> Path:
    """The training split of the layout; not to be changed."""
    root = tmp_path_factory.mktemp('panoptic')
    PanopticLayout().write(scenes, root, 'train')
    return root


@pytest.fixture
def small(scenes, tmp_path) -> Path:
    """A sequence of four scenes, to be damaged."""
    PanopticLayout().write(scenes[:4], tmp_path, 'train')
    return tmp_path


def converted(tmp_path, root, name='out.json', **options):
    report = run_conversion(PanopticConverter(root, **options), tmp_path / name)
    return report, json.loads(report.out.read_text())


def seq_and_frame(number):
    """Where the n-th of eight scenes was written."""
    return (HAGGLING, MAFIA)[number // 4], FIRST + 1 + number % 4


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def body_file(root, frame, seq=HAGGLING, folder='hdPose3d_stage1_coco19'):
    return root / seq / folder / f'body3DScene_{frame:08d}.json'


def test_equals_the_truth_of_the_scenes(scenes, written, tmp_path):
    run_conversion(PanopticConverter(written, frames='all', keep_incomplete=True), tmp_path / 'out.json')
    dataset = DASDataset(ann_file=str(tmp_path / 'out.json'), data_root=str(written), keypoint_set='panoptic15')
    records = {
        (record['seq'], record['view'], record['frame']): record
        for record in map(dataset.get_data_info, range(len(dataset)))
    }
    views = hd_views((192, 128))
    compared = 0
    for number, scene in enumerate(scenes):
        seq, frame = seq_and_frame(number)
        for camera, view in views.items():
            record = records.get((seq, camera, frame))
            if record is None:  # nobody in this view
                continue
            np.testing.assert_allclose(record['camera']['K'], view.K)
            np.testing.assert_allclose(record['camera']['dist'], view.dist)
            by_track = {person.track_id: person for person in scene.people}
            confidence = {
                body['id']: np.reshape(body['joints19'], (19, 4))[:15, 3]
                for body in json.loads(body_file(written, frame, seq).read_text())['bodies']
            }
            for i, track in enumerate(record['track_id']):
                truth_mm = by_track[track].mm('panoptic15') @ view.turn.T
                truth_px = cv2.projectPoints(truth_mm, np.zeros(3), np.zeros(3), view.K, view.dist)[0][:, 0]
                valid = record['keypoints_3d_valid'][i]
                np.testing.assert_array_equal(valid, confidence[track] > 0.1)
                np.testing.assert_allclose(record['keypoints_3d'][i][valid], truth_mm[valid], atol=0.02)
                np.testing.assert_allclose(record['keypoints'][i][valid], truth_px[valid], atol=0.02)
                inside = ((truth_px > -0.5) & (truth_px < [191.5, 127.5])).all(1)
                np.testing.assert_array_equal(record['keypoints_flags'][i], np.where(valid, np.where(inside, 2, 1), 0))
                if valid[2]:
                    assert record['root_depth_mm'][i] == pytest.approx(truth_mm[2, 2], abs=0.02)
                compared += 1
    assert compared >= 16 and any((c['keypoints_flags'] == 0).any() for c in records.values())


def test_pictures_show_the_joints_where_they_are_projected(scenes, written):
    """The written pictures are distorted as the calibration says: colours at the joints are those of the scene."""

    def colours(image, points):
        points = points.astype(np.float32)
        return cv2.remap(image, points[:, 0], points[:, 1], cv2.INTER_LINEAR)[:, 0]

    differences = {0: [], 4: []}
    for number, scene in enumerate(scenes):
        seq, frame = seq_and_frame(number)
        for camera, view in hd_views((192, 128)).items():
            image = cv2.imread(str(written / seq / 'hdImgs' / camera / f'{camera}_{frame:08d}.jpg'))
            for person in scene.people:
                there, here = person.px('panoptic15'), view.px(person, 'panoptic15')
                seen = (person.seen('panoptic15') == 2) & ((here > 6) & (here < [185, 121])).all(1)
                for shift, found in differences.items():
                    found.extend(
                        np.abs(
                            colours(image, here[seen] + shift).astype(int) - colours(scene.image(), there[seen])
                        ).mean(1)
                    )
    assert np.median(differences[0]) < 12 < 30 < np.median(differences[4])


def test_training_protocol_takes_every_second_body_file(written, tmp_path):
    report, content = converted(tmp_path, written, keep_incomplete=True)
    # of 153 … 157 the rule takes 153, 155 and 157; 153 shows nobody
    for camera in ('00_16', '00_30'):
        for seq in (HAGGLING, MAFIA):
            frames = [image['frame'] for image in content['images'] if (image['seq'], image['view']) == (seq, camera)]
            assert set(frames) <= {155, 157} and frames == sorted(frames)
    assert report.counts['frames without people'] == 4  # one of each sequence and camera
    assert report.counts['sequences missing'] == 4 and any('160224_mafia2' in note for note in report.notes)
    assert PanopticConverter(written).expected()['sequences'] == '12'
    assert content['info']['joint_sets'] == {HAGGLING: 'coco19', MAFIA: 'coco19'}
    assert content['info']['joints'] == 'panoptic15' and content['info']['units'] == 'mm'


def test_test_protocol_spreads_evenly_over_usable_frames(scenes, tmp_path, monkeypatch):
    """haggling and mafia have two sequences of two cameras: 12 // 2 // 2 = 3 images each; the other activities 6."""
    monkeypatch.setattr(panoptic, 'TEST_IMAGES_PER_ACTIVITY', 12)
    PanopticLayout().write([scenes[0]] * 36, tmp_path, 'test')  # six frames a sequence
    (tmp_path / '160422_haggling1/hdImgs/00_16/00_16_00000155.jpg').unlink()
    report, content = converted(tmp_path, tmp_path, split='test')
    frames = {(seq, camera): [] for seq in panoptic.SEQUENCES['test'] for camera in panoptic.CAMERAS}
    for image in content['images']:
        frames[image['seq'], image['view']].append(image['frame'])
    # 154 156 157 158 159 are left: linspace(0, 4, 3) = 0, 2, 4
    assert frames['160422_haggling1', '00_16'] == [154, 157, 159]
    assert frames['160226_haggling1', '00_30'] == [154, 156, 159]  # linspace(0, 5, 3) = 0, 2.5, 5, cut to whole numbers
    assert frames['160906_pizza1', '00_30'] == [154, 155, 156, 157, 158, 159]
    assert report.counts['images missing'] == 1
    for activity in ('haggling', 'mafia', 'ultimatum', 'pizza'):
        assert report.counts[f'images of {activity}'] == 12


def test_protocol_numbers(tmp_path):
    (tmp_path / 'any').mkdir()
    converter = PanopticConverter(tmp_path, split='test')
    assert converter.expected()['images'] == '9600' and converter.expected()['images of pizza'] == '2400'
    assert [converter.test_images(seq) for seq in ('160226_haggling1', '160906_pizza1')] == [600, 1200]
    assert not converter.jobs()  # nothing there


@pytest.mark.parametrize(
    'options, frames',
    [(dict(frames='all'), [154, 155, 156, 157]), (dict(frames='3'), [156]), (dict(frames=2), [155, 157])],
)
def test_frames_and_cameras_by_options(written, tmp_path, options, frames):
    _, content = converted(tmp_path, written, sequences=[MAFIA], cameras=['00_30'], keep_incomplete=True, **options)
    assert {image['file_name'] for image in content['images']} == {
        f'{MAFIA}/hdImgs/00_30/00_30_{frame:08d}.jpg' for frame in frames
    }
    assert PanopticConverter(written, sequences=[MAFIA]).expected() == {}


def test_frame_list(written, tmp_path):
    listing = tmp_path / 'frames.txt'
    listing.write_text(f'# chosen\n{MAFIA} 00_16 156\n{HAGGLING} 00_30 154  # and one more\n{MAFIA} 00_16 9\n')
    report, content = converted(tmp_path, written, frame_list=listing, keep_incomplete=True)
    taken = {(image['seq'], image['view'], image['frame']) for image in content['images']}
    assert taken == {(MAFIA, '00_16', 156), (HAGGLING, '00_30', 154)}
    assert report.counts['listed frames without body file'] == 1


def test_joint_sets(scenes, tmp_path):
    for name, old in (('mixed', (MAFIA,)), ('old', 'all')):
        PanopticLayout(mpi15=old, image_ending='png').write(scenes, tmp_path / name, 'train')
    options = dict(frames='all', keep_incomplete=True)
    report, mixed = converted(tmp_path, tmp_path / 'mixed', **options)
    labelled = {
        seq: [
            a['keypoints_3d_valid'][1] for a in mixed['annotations'] if mixed['images'][a['image_id'] - 1]['seq'] == seq
        ]
        for seq in (HAGGLING, MAFIA)
    }
    assert mixed['info']['joints'] == 'panoptic15' and any(labelled[HAGGLING]) and not any(labelled[MAFIA])
    assert {i['joint_set'] for i in mixed['images'] if i['seq'] == MAFIA} == {'mpi15'}
    assert [note for note in report.notes if MAFIA in note and 'nose' in note]
    report, old = converted(tmp_path, tmp_path / 'old', **options)
    assert old['info']['joints'] == 'panoptic15_mpi' and not [n for n in report.notes if 'labelled' in n]
    heads = {(person.track_id, round(person.mm('panoptic15_mpi')[1, 2])) for person in scenes[0].people}
    image = next(i for i in old['images'] if (i['seq'], i['view'], i['frame']) == (HAGGLING, '00_16', 154))
    found = {
        (a['track_id'], round(a['keypoints_3d'][1][2]))
        for a in old['annotations']
        if a['image_id'] == image['id'] and a['keypoints_3d_valid'][1]
    }
    assert found and found <= heads
    report, wide = converted(tmp_path, tmp_path / 'mixed', joints='panoptic19', **options)
    eyes = [any(a['keypoints_3d_valid'][15:]) for a in wide['annotations']]
    seqs = [wide['images'][a['image_id'] - 1]['seq'] for a in wide['annotations']]
    assert any(eye for eye, seq in zip(eyes, seqs) if seq == HAGGLING)
    assert not any(eye for eye, seq in zip(eyes, seqs) if seq == MAFIA)


def test_people_who_are_dropped(small, tmp_path):
    """Two joints and the nose are too few; in training the whole image goes with such a person."""

    def strip(content):
        joints = np.reshape(content['bodies'][0]['joints19'], (19, 4))
        joints[3:, 3] = -1
        joints[:3, 3] = 0.9  # neck, nose, mid-hip
        content['bodies'] = [{'id': 99, 'joints19': joints.ravel().tolist()}, *content['bodies'][:1]]
        content['bodies'][1] = {**content['bodies'][1], 'id': 1}

    edit(body_file(small, 155), strip)
    where = dict(sequences=[HAGGLING], cameras=['00_16'])
    report, content = converted(tmp_path, small, **where)
    assert 155 not in [image['frame'] for image in content['images']]
    assert report.counts['people dropped: fewer than 3 joints'] == 1
    assert report.counts['images dropped: somebody was dropped'] >= 1
    _, content = converted(tmp_path, small, 'fewer.json', frames='all', min_joints=2, keep_incomplete=True, **where)
    assert 99 in [a['track_id'] for a in content['annotations']]
    _, content = converted(tmp_path, small, 'test.json', split='test', **where)
    tracks = {
        i['frame']: [a['track_id'] for a in content['annotations'] if a['image_id'] == i['id']]
        for i in content['images']
    }
    assert 99 not in sum(tracks.values(), [])


def test_box_of_the_released_converter(tmp_path):
    """K = 1000 px, camera at the origin, people 2 m away: 1 cm is 5 px. Joints from (800, 300) to (900, 700) px:
    15 % of 100 px aside; coco19: 30 % of 400 px up and 15 % down; mpi15: 2 % and 7 %. The nose does not count."""
    seq = tmp_path / HAGGLING
    (seq / 'hdImgs' / '00_16').mkdir(parents=True)
    cv2.imwrite(str(seq / 'hdImgs/00_16/00_16_00000000.jpg'), np.zeros((1080, 1920, 3), np.uint8))
    camera = dict(
        name='00_16',
        type='hd',
        resolution=[1920, 1080],
        panel=0,
        node=16,
        distCoef=[0] * 5,
        K=[[1000, 0, 960], [0, 1000, 540], [0, 0, 1]],
        R=np.eye(3).tolist(),
        t=[[0], [0], [0]],
    )
    (seq / f'calibration_{HAGGLING}.json').write_text(json.dumps(dict(cameras=[camera])))
    for key, folder, box in (
        ('joints15', 'hdPose3d_stage1', [785, 292, 131, 437]),
        ('joints19', 'hdPose3d_stage1_coco19', [785, 180, 131, 581]),
    ):
        rows = np.zeros((int(key[-2:]), 4))
        rows[:, 3] = -1
        for joint, (u, v) in {0: (800, 300), 2: (850, 500), 8: (900, 700), 14: (900, 690)}.items():
            rows[joint] = (u - 960) / 5, (v - 540) / 5, 200, 0.9
        if key == 'joints19':
            rows[1] = (0 - 960) / 5, (0 - 540) / 5, 200, 0.9
        (seq / folder).mkdir()
        (seq / folder / 'body3DScene_00000000.json').write_text(
            json.dumps(dict(bodies=[{'id': 3, key: rows.ravel().tolist()}]))
        )
        part = PanopticConverter(tmp_path, cameras=['00_16'])
        part = part.convert(part.jobs()[0])
        (person,) = part.images[0]['annotations']
        np.testing.assert_allclose(person['bbox'], box, atol=1e-3)
        assert person['root_depth'] == 2000 and person['keypoints'][6:9] == [850, 500, 2]


def test_lens_is_that_of_opencv_and_ends_where_it_turns_back():
    view = hd_views((1920, 1080))['00_16']
    camera = HDCamera(view.K, view.dist, np.eye(3), np.zeros(3), view.size)
    points = np.random.default_rng(0).uniform([-1500, -900, 2500], [1500, 900, 6000], (50, 3))
    keypoints, holds = camera.see(points)
    truth = cv2.projectPoints(points, np.zeros(3), np.zeros(3), view.K, view.dist)[0][:, 0]
    np.testing.assert_allclose(keypoints, truth, atol=1e-6)
    assert holds.all()
    # r (1 - 0.5 r²) turns back at r² = 1 / 1.5; at r = 1.4 it is back at 0.03, in the middle of the picture
    barrel = HDCamera(view.K, np.array([-0.5, 0, 0, 0, 0]), np.eye(3), np.zeros(3), view.size)
    assert greatest_square_radius(barrel.dist) == pytest.approx(2 / 3)
    _, holds = barrel.see(np.array([[1400.0, 0, 1000], [700, 0, 1000], [0, 0, -1000]]))
    assert holds.tolist() == [False, True, False]
    assert greatest_square_radius(np.zeros(5)) == np.inf


@pytest.mark.parametrize(
    't_factor, body_factor, told',
    [(0.01, 0.01, 'wrong units'), (10, 10, 'wrong units'), (-1, 1, 'not one image is left')],
)
def test_slips_of_units_and_signs_are_noticed(small, tmp_path, t_factor, body_factor, told):
    def scale_t(content):
        for camera in content['cameras']:
            camera['t'] = (t_factor * np.array(camera['t'])).tolist()

    def scale_bodies(content):
        for body in content['bodies']:
            rows = np.reshape(body['joints19'], (19, 4)) * [body_factor, body_factor, body_factor, 1]
            body['joints19'] = rows.ravel().tolist()

    edit(small / HAGGLING / f'calibration_{HAGGLING}.json', scale_t)
    for frame in range(FIRST, FIRST + 5):
        edit(body_file(small, frame), scale_bodies)
    with pytest.raises(UserError, match=told):
        converted(tmp_path, small, frames='all', keep_incomplete=True)


def _drop_camera(root):
    edit(root / HAGGLING / f'calibration_{HAGGLING}.json', lambda c: c['cameras'].pop(2))


def _bend_rotation(root):
    edit(root / HAGGLING / f'calibration_{HAGGLING}.json', lambda c: c['cameras'][2]['R'][0].__setitem__(0, 2.0))


def _cut_calibration(root):
    path = root / HAGGLING / f'calibration_{HAGGLING}.json'
    path.write_text(path.read_text()[:-40])


def _cut_joints(root):
    edit(body_file(root, 155), lambda c: c['bodies'][0]['joints19'].pop())


def _shrink_images(root):
    for path in (root / HAGGLING / 'hdImgs' / '00_16').iterdir():
        cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path)), (96, 64)))


@pytest.mark.parametrize(
    'damage, told',
    [
        (_drop_camera, 'no HD camera .00_16.'),
        (_bend_rotation, 'is no rotation'),
        (_cut_calibration, 'cut short'),
        (_shrink_images, 'full size'),
        (lambda root: (root / HAGGLING / f'calibration_{HAGGLING}.json').unlink(), 'calibration is not there'),
    ],
)
def test_damage_is_told_with_its_file(small, tmp_path, damage, told):
    damage(small)
    with pytest.raises(UserError, match=told) as error:
        converted(tmp_path, small)
    assert HAGGLING in str(error.value)


def _nan_body(root):
    edit(body_file(root, 155), lambda c: c['bodies'][0]['joints19'].__setitem__(0, float('nan')))


def _far_body(root):
    edit(body_file(root, 155), lambda c: c['bodies'][0]['joints19'].__setitem__(0, 1e300))


@pytest.mark.parametrize(
    'damage, told',
    [
        (_cut_joints, 'joints19: is not 19x4'),
        (_nan_body, 'joints19: is not 19x4 finite numbers'),
        (_far_body, 'beyond all measure'),
        (lambda root: body_file(root, 155).write_text('[]'), 'bodies: is missing'),
    ],
)
def test_frames_with_damaged_bodies_are_left_out_and_counted(small, tmp_path, damage, told):
    whole, _ = converted(tmp_path, small, frames='all', keep_incomplete=True)
    damage(small)
    report, content = converted(tmp_path, small, frames='all', keep_incomplete=True)
    assert report.counts['body files that are damaged'] == 2  # for each camera
    assert report.counts['images'] == whole.counts['images'] - 2
    assert 155 not in {image['frame'] for image in content['images']}
    assert any('body3DScene_00000155' in note and told in note for note in report.notes)


def test_without_images(small, tmp_path):
    """Annotations alone: the same entries, sizes from the calibration, names as the extraction gives them."""
    _, whole = converted(tmp_path, small, frames='all', keep_incomplete=True)
    shutil.rmtree(small / HAGGLING / 'hdImgs')
    report, content = converted(tmp_path, small, frames='all', keep_incomplete=True, without_images=True)
    assert report.counts['images missing'] == 0
    there = {(image['view'], image['frame']): image for image in content['images']}
    for image in whole['images']:
        same = there[image['view'], image['frame']]
        assert {**same, 'id': 0} == {**image, 'id': 0}


def test_a_byte_order_mark_in_a_list_of_frames(small, tmp_path):
    listed = tmp_path / 'frames.txt'
    listed.write_bytes(b'\xef\xbb\xbf' + f'{HAGGLING} 00_16 {FIRST + 1}\n'.encode())
    _, content = converted(tmp_path, small, frame_list=listed, keep_incomplete=True)
    assert {image['seq'] for image in content['images']} == {HAGGLING}


def test_unreadable_body_files_are_counted(small, tmp_path):
    body_file(small, 155).write_text('{"bodies": [')
    report, _ = converted(tmp_path, small, keep_incomplete=True)
    assert report.counts['body files that are no json'] == 2  # for each camera
    assert any('body3DScene_00000155' in note for note in report.notes)


@pytest.mark.parametrize(
    'options, told',
    [
        (dict(sequences=['170101_nothing']), 'no body files'),
        (dict(frames='some'), 'is no rule'),
        (dict(frame_list='absent.txt'), 'cannot be read'),
        (dict(joints='coco17'), 'no set'),
        (dict(split='val'), 'no split'),
    ],
)
def test_impossible_options(written, options, told):
    with pytest.raises(UserError, match=told):
        PanopticConverter(written, **options)


def test_bad_line_of_a_frame_list(written, tmp_path):
    (tmp_path / 'list.txt').write_text(f'{MAFIA} 00_16 155\n{MAFIA} 155\n')
    with pytest.raises(UserError, match='line 2'):
        PanopticConverter(written, frame_list=tmp_path / 'list.txt')


def test_nothing_there(tmp_path):
    with pytest.raises(UserError, match='nothing to convert'):
        converted(tmp_path, tmp_path)
