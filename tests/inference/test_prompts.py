"""Whom a user asks for: candidates chosen by boxes and by points, also below the threshold."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.inference.person_boxes import WholeImage
from das_mm.inference.predictor import InputImage, Prediction
from das_mm.inference.predictor_choice import asked_for
from das_mm.inference.prompted_predictor import CANDIDATE_SCORE, PromptedPredictor
from das_mm.inference.prompts import BoxPrompts, PointPrompts, chosen_rows
from das_mm.structures import get_keypoint_set
from das_mm.structures.people import People

_SET = get_keypoint_set('panoptic15')
_SIZE = (200, 400)  # height, width


def person(x, y, size=100):
    """(K, 2) somebody about a place: the keypoints on a circle, all of whose bones are chords."""
    turns = 2 * np.pi * np.arange(15) / 15
    return np.stack([x + size / 4 * np.cos(turns), y + size / 2 * np.sin(turns)], axis=1)


class Candidates:
    """A predictor of four people, of whom one is sure."""

    keypoint_set, tasks, body, uses_sigma, score_thr, max_frame_gap = 'panoptic15', {}, None, False, 0.2, None
    provenance = dict(config=None, weights='w', weights_sha256=None, das_mm='0')

    def __init__(self):
        self.thresholds, self.forgot = [], 0

    def forget(self):
        self.forgot += 1

    def prepare(self, image):
        return image

    def predict(self, prepared, score_thr=None, with_sigma=None):
        self.thresholds.append(score_thr)
        keypoints = np.stack([person(80, 100), person(130, 100), person(300, 100, 90), person(305, 105, 150)])
        boxes = np.concatenate([keypoints.min(1), keypoints.max(1)], axis=1)
        people = People(scores=[0.9, 0.03, 0.02, 0.004], keypoints_px=keypoints, bboxes_px=boxes)
        kept = people.select(people.scores >= score_thr)
        return [Prediction(kept, dict(K=np.eye(3))) for _ in prepared]


def images(*names):
    return [InputImage(np.zeros((*_SIZE, 3), np.uint8), {}, name, f'in/{name}.jpg') for name in names]


def told(predictor, *names, **options):
    prepared = [predictor.prepare(image) for image in images(*names)]
    return [prediction.people.scores.tolist() for prediction in predictor.predict(prepared, **options)]


@pytest.mark.parametrize(
    'points, wanted',
    [
        ('80,100', [0.9]),
        (['130,140'], [0.03]),
        ([(130, 140), '80,60'], [0.9, 0.03]),
        ([(105, 100), (105, 100)], [0.9, 0.03]),  # two people are asked for between them
        ((300, 60), [0.02]),
        ((20, 190), []),
    ],
)
def test_points(points, wanted):
    points = [points] if isinstance(points, tuple) else points
    predictor = PromptedPredictor(Candidates(), PointPrompts(points, 'panoptic15'))
    assert told(predictor, 'a') == [wanted]


def test_a_person_at_a_point_is_told_below_the_threshold_and_with_the_score_of_the_network(caplog):
    source = Candidates()
    predictor = PromptedPredictor(source, PointPrompts('300,60', 'panoptic15'))
    assert predictor.score_thr == 0 and predictor.provenance['boxes'].startswith('at the points 300,60')
    assert told(predictor, 'a') == [[0.02]] and source.thresholds == [CANDIDATE_SCORE]
    assert told(predictor, 'a', score_thr=0.5) == [[]]  # a threshold that was asked for holds all the same
    predictor.forget()
    assert source.forgot == 1
    with caplog.at_level(logging.WARNING):
        assert told(PromptedPredictor(source, PointPrompts('0,0', 'panoptic15')), 'a') == [[]]
    assert 'a: nobody is seen where 1 of 1 people are asked for' in caplog.text


def test_boxes_of_a_file(tmp_path):
    file = tmp_path / 'boxes.json'
    file.write_text(json.dumps({'a.jpg': [[105, 50, 155, 150], [230, 25, 345, 180]], 'b.jpg': []}))
    predictor = asked_for(Candidates(), boxes=file)
    assert told(predictor, 'a', 'b') == [[0.03, 0.004], []]
    assert 'boxes.json' in predictor.provenance['boxes']
    # the whole image: one person, and not two
    assert told(PromptedPredictor(Candidates(), BoxPrompts(WholeImage())), 'a') == [[0.9]]


def test_points_of_a_file(tmp_path):
    file = tmp_path / 'points.json'
    file.write_text(json.dumps({'a.jpg': [[130, 140]], 'in/b.jpg': [[80, 100], [300, 60]]}))
    predictor = asked_for(Candidates(), points=[str(file)])
    assert told(predictor, 'a', 'b', 'c') == [[0.03], [0.9, 0.02], []]


@pytest.mark.parametrize(
    'content, said', [([1], 'no table of points'), ({'a': [3]}, '3 is no point'), ({'a': [[1, 2, 3]]}, 'is no point')]
)
def test_faulty_files(tmp_path, content, said):
    file = tmp_path / 'points.json'
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match=said) as raised:
        PointPrompts(file, 'panoptic15')
    assert str(raised.value.file) == str(file) and raised.value.remedy


def test_what_cannot_be_asked():
    for points in ('1', '1,nan', 'a,b', [(1, 2, 3)]):
        with pytest.raises(UserError, match='is no point'):
            PointPrompts(points, 'panoptic15')
    with pytest.raises(UserError, match='both given'):
        asked_for(Candidates(), boxes='image', points='1,2')
    tracks = Candidates()
    tracks.max_frame_gap = 10
    with pytest.raises(UserError, match='follows people itself'):
        asked_for(tracks, points='1,2')
    assert asked_for(tracks, boxes='das') is tracks  # which is what it does


def test_the_best_assignment():
    assert chosen_rows(np.array([[0.9, 0.8], [0.9, 0.0]]), np.array([0.5, 0.5])).tolist() == [1, 0]
    assert chosen_rows(np.zeros((2, 3)), np.ones(3)).tolist() == [-1, -1]
    assert chosen_rows(np.zeros((0, 3)), np.ones(3)).tolist() == []
    assert chosen_rows(np.zeros((2, 0)), np.zeros(0)).tolist() == [-1, -1]
