"""Keypoints of whatever detector come out of its file as they went in."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.inference.keypoint_boxes import KeypointBoxes
from das_mm.inference.keypoint_files import read_keypoints
from das_mm.inference.lifted_people import whole_skeleton
from das_mm.inference.person_boxes import DetectedPeople
from das_mm.inference.predictor import InputImage, Prediction
from das_mm.structures import KEYPOINT_SETS
from das_mm.structures.detected_keypoints import DetectedKeypoints
from das_mm.structures.people import People

PLACES = np.arange(34, dtype=float).reshape(17, 2)
SCORES = np.linspace(0.2, 1, 17)
ROWS = np.concatenate([PLACES, SCORES[:, None]], axis=1)
_MMPOSE = dict(keypoints=PLACES.tolist(), keypoint_scores=SCORES.tolist(), bbox=[[0, 0, 9, 9]], bbox_score=0.7)

FILES = {
    'mmpose': [_MMPOSE],
    'mmpose_video': [dict(frame_id=3, instances=[_MMPOSE])],
    'mmpose_demo': dict(meta_info=dict(dataset_name='coco'), instance_info=[_MMPOSE]),
    'openpose': dict(people=[dict(pose_keypoints_2d=ROWS.ravel().tolist())]),
    'coco_results': [dict(image_id=7, keypoints=ROWS.ravel().tolist(), score=0.7)],
    'coco_annotations': dict(
        images=[dict(id=7, file_name='seven.jpg')],
        annotations=[
            dict(image_id=7, keypoints=ROWS.ravel().tolist(), num_keypoints=17),
            dict(image_id=7, iscrowd=1, keypoints=[0] * 51),
        ],
    ),
    'table': {'photo.jpg': [ROWS.tolist()]},
}


def write(folder, content, name='found.json'):
    path = folder / name
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize('kind', FILES)
def test_what_detectors_write(tmp_path, kind):
    (person,) = read_keypoints(write(tmp_path, FILES[kind]))
    assert person.keypoints.keypoint_set == 'coco17'
    np.testing.assert_allclose(person.keypoints.places_px, PLACES)
    np.testing.assert_allclose(person.keypoints.confidence, SCORES)
    images = dict(coco_results='7', coco_annotations='seven.jpg', table='photo.jpg')
    assert person.image == images.get(kind, 'found')
    assert person.frame == (3 if kind == 'mmpose_video' else None)


def test_names_and_options_say_which_keypoints(tmp_path):
    names = {name: row for row, name in enumerate(KEYPOINT_SETS['h36m17'].keypoints)}
    named = dict(meta_info=dict(dataset_name='mine', keypoint_name2id=names), instance_info=[_MMPOSE])
    assert read_keypoints(write(tmp_path, named))[0].keypoints.keypoint_set == 'h36m17'
    (person,) = read_keypoints(write(tmp_path, FILES['table']), 'j17')
    assert person.keypoints.keypoint_set == 'j17'


def test_who_has_no_visible_keypoint_is_counted(tmp_path, caplog):
    unseen = ROWS * [1, 1, 0]
    broken = ROWS.copy()
    broken[:, 0] = np.nan
    path = write(tmp_path, {'a.jpg': [ROWS.tolist(), unseen.tolist()], 'b.jpg': [broken.tolist()]})
    with caplog.at_level(logging.WARNING, 'das_mm'):
        assert [person.image for person in read_keypoints(path)] == ['a.jpg']
    assert '2 have no visible keypoint' in caplog.text
    with pytest.raises(UserError, match='no people with keypoints: 1 have no visible'):
        read_keypoints(write(tmp_path, {'a.jpg': [unseen.tolist()]}))


@pytest.mark.parametrize(
    'content, words',
    [
        ({'a.jpg': [ROWS[:9].tolist()]}, '9 keypoints, and nothing says which'),
        ({'a.jpg': [[1.0, 2.0]]}, 'no x, y and confidence'),
        ({'a.jpg': [['x', 'y', 'z']]}, 'no numbers'),
        ([dict(keypoints=ROWS.ravel().tolist())], 'names no image'),
        ([dict(_MMPOSE, keypoint_scores=[1.0])], '1 scores of 17'),
        ([1, 2], 'no list of objects'),
        (5, 'no table'),
        ([], 'no people'),
    ],
)
def test_files_of_other_kinds(tmp_path, content, words):
    with pytest.raises(UserError, match=words):
        read_keypoints(write(tmp_path, content))


def test_another_number_than_that_of_the_set(tmp_path):
    with pytest.raises(UserError, match='17 keypoints, and openpose25 has 25'):
        read_keypoints(write(tmp_path, FILES['table']), 'openpose25')


def test_a_skeleton_is_made_whole_or_refused():
    """Of a detector without pelvis, neck, spine and head the middle of the body is made; a limb is not."""
    found = DetectedKeypoints('coco17', PLACES, SCORES)
    places, guessed, reason = whole_skeleton(found, 'j17')
    names = KEYPOINT_SETS['j17'].keypoints
    coco = KEYPOINT_SETS['coco17'].index
    assert reason is None and set(guessed) == {'spine', 'head_h36m'}  # its nose stands for the jaw
    np.testing.assert_allclose(places[names.index('left_knee')], PLACES[coco('left_knee')])
    hips = PLACES[[coco('left_hip'), coco('right_hip')]].mean(0)
    np.testing.assert_allclose(places[names.index('pelvis')], hips)
    confidence = SCORES.copy()
    confidence[coco('left_wrist')] = 0
    assert 'not seen' in whole_skeleton(DetectedKeypoints('coco17', PLACES, confidence), 'j17')[2]


def test_detections_and_annotations_go_to_their_parts_of_a_superset():
    ones = lambda name: DetectedKeypoints(
        name, np.ones((KEYPOINT_SETS[name].num_keypoints, 2)), np.ones(KEYPOINT_SETS[name].num_keypoints)
    )
    for name in ('coco17', 'openpose25', 'panoptic15'):
        known = ones(name).in_superset('prohmr44').known
        assert known[:25].sum() == KEYPOINT_SETS[name].num_keypoints and not known[25:].any()
    for name, count in (('gt24', 19), ('h36m17', 17), ('lsp14', 14)):
        known = ones(name).in_superset('prohmr44').known
        assert known[25:].sum() == count and not known[:25].any()


class _Finder:
    """A model that finds two people, one of them outside of the image."""

    keypoint_set = 'coco17'

    def __init__(self, sigma):
        self.sigma = sigma

    def predict(self, prepared, with_sigma):
        assert with_sigma is None  # what it has learnt
        people = People(
            scores=[0.9, 0.4],
            bboxes_px=[[300, 300, 400, 400], [1, 2, 30, 40]],
            keypoints_px=np.stack([PLACES + 300, PLACES]),
            keypoint_scores=np.stack([SCORES, SCORES]),
            keypoints_sigma=self.sigma,
        )
        return [Prediction(people, {}, None)]


@pytest.mark.parametrize('sigma', [None, np.full((2, 17, 3), 3.0)])
def test_people_bring_the_keypoints_of_who_has_found_them(sigma):
    source = DetectedPeople(lambda: _Finder(sigma), 'a finder').telling_keypoints()
    (found,) = source.find([None])
    sound, reasons = found.sound((100, 100, 3))
    assert reasons == {'outside the image': 1}
    (keypoints,) = sound.keypoints
    np.testing.assert_allclose(keypoints.places_px, PLACES)
    np.testing.assert_allclose(keypoints.confidence, SCORES if sigma is None else 1)
    assert (keypoints.sigma_px is None) == (sigma is None)
    if sigma is not None:
        assert keypoints.sigma_px.tolist() == np.full((17, 2), 3.0).tolist()


def test_boxes_go_about_the_keypoints_of_a_file(tmp_path):
    content = {'a.jpg': [ROWS.tolist(), (ROWS * [2, 2, 0.5]).tolist()]}
    source = KeypointBoxes(write(tmp_path, content))
    image = InputImage(np.zeros((90, 90, 3), np.uint8), {}, 'a.jpg', 'somewhere/a.jpg')
    (found,) = source.find([image])
    assert 'found.json' in source.words
    np.testing.assert_allclose(found.xyxy_px[0], [-4, -3, 36, 37])  # an eighth of 32 px about 0 to 32, 1 to 33
    np.testing.assert_allclose(found.keypoints[1].places_px, 2 * PLACES)
    other = InputImage(np.zeros((90, 90, 3), np.uint8), {}, 'b.jpg')
    assert len(source.find([other])[0].scores) == 0
