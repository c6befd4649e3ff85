"""Estimators that read crops of people: boxes from everywhere, crops in batches, people back in their images."""

from __future__ import annotations

import json
import logging

import cv2
import numpy as np
import pytest

from das_mm.apis import DASInferencer, open_predictor
from das_mm.checkpoints.model_loader import load_model
from das_mm.checkpoints.packaged import PACKAGED
from das_mm.cli import main
from das_mm.errors import UserError
from das_mm.inference.box_files import BoxFile
from das_mm.inference.person_boxes import DetectedPeople, FoundBoxes
from das_mm.inference.predictor import InputImage, Prediction
from das_mm.inference.result_camera import resolve_for_camera
from das_mm.inference.result_check import result_schema
from das_mm.inference.result_files import read_results
from das_mm.structures.people import People
from das_mm.visualization.visualizer import DASVisualizer
from tests.json_schema import violations
from tests.toy_person import PERSON_VIEW, spots, write_person_checkpoint

PLACES = [(60, 50), (140, 80), (200, 40)]
ALLOW = ['tests.toy_person']


@pytest.fixture(scope='module')
def flat(tmp_path_factory):
    """Checkpoint of an estimator of the image plane, on mmpose's pipeline."""
    return write_person_checkpoint(tmp_path_factory.mktemp('flat'))


@pytest.fixture(scope='module')
def deep(tmp_path_factory):
    """One that tells depths, on the pipeline of the person view."""
    return write_person_checkpoint(tmp_path_factory.mktemp('deep'), 'BrightestSpot', PERSON_VIEW)


@pytest.fixture
def photo(tmp_path):
    cv2.imwrite(str(tmp_path / 'photo.png'), spots((240, 120), PLACES))
    return tmp_path / 'photo.png'


def write_boxes(path, content):
    path.write_text(json.dumps(content))
    return path


def box_at(place, half=20, score=0.9):
    x, y = place
    return [x - half - 3, y - half + 4, x + half - 3, y + half + 4, score]  # the spot is beside the middle


def infer(*words):
    return main(['infer', *map(str, words), '--device', 'cpu', '--allow', ALLOW[0]])


@pytest.mark.parametrize('kind', ['plain', 'coco', 'results'])
def test_people_of_boxes_in_a_file(flat, deep, photo, tmp_path, capsys, kind):
    rows = [box_at(place, score=score) for place, score in zip(PLACES, (0.6, 0.9, 0.7))]
    boxes = write_boxes(tmp_path / 'boxes.json', {'photo.png': rows})
    if kind == 'coco':
        detections = [
            dict(image_id='photo', bbox=[x, y, x2 - x, y2 - y], score=score, category_id=1)
            for x, y, x2, y2, score in rows
        ]
        write_boxes(boxes, [*detections, dict(detections[0], category_id=17)])
    elif kind == 'results':  # of the other estimator
        infer(photo, '--weights', deep, '--boxes', boxes, '--out', tmp_path / 'first')
        boxes = tmp_path / 'first' / 'predictions' / 'photo.json'
    assert infer(photo, '--weights', flat, '--boxes', boxes, '--score-thr', 0, '--out', tmp_path / 'out') == 0
    said = capsys.readouterr().out
    assert 'tells no depths' in said and f'boxes of people: of {boxes.name}' in said
    (result,) = read_results(tmp_path / 'out' / 'predictions' / 'photo.json')
    assert violations(result, result_schema()) == []
    people = result['people']
    scores = np.array([0.45, 0.35, 0.3])  # half of the box's
    np.testing.assert_allclose(
        [person['score'] for person in people], scores / (2 if kind == 'results' else 1), atol=1e-5
    )
    assert [round(person['bbox_px'][0]) for person in people] == [117, 177, 37]
    for person, place in zip(people, (PLACES[1], PLACES[2], PLACES[0])):
        np.testing.assert_allclose(person['keypoints_px'][0], place, atol=2.5)
        assert person['root_px'] == person['keypoints_px'][2]
        assert person['keypoints_sigma_px'] and person['keypoints_sigma_mm'] is None
        for field in ('keypoints_cam_mm', 'root_cam_mm', 'root_depth_mm_per_px', 'relative_depths_mm'):
            assert person[field] is None
    assert resolve_for_camera(result, [[100, 0, 60], [0, 100, 60], [0, 0, 1]])['people'][0]['keypoints_cam_mm'] is None
    assert (tmp_path / 'out' / 'overlays' / 'photo.jpg').is_file() and (tmp_path / 'out' / 'viewer.html').is_file()


def test_the_whole_image_and_depths(deep, photo, tmp_path):
    cv2.imwrite(str(photo), spots((240, 120), PLACES[1:2]))
    assert infer(photo, '--weights', deep, '--boxes', 'image', '--fov', 60, '--out', tmp_path / 'out') == 0
    (result,) = read_results(tmp_path / 'out' / 'predictions' / 'photo.json')
    (person,) = result['people']
    assert result['model']['boxes'] == 'the whole image' and person['bbox_px'] == [0, 0, 239, 119]
    np.testing.assert_allclose(person['keypoints_px'][0], PLACES[1], atol=6)
    assert person['root_cam_mm'][2] == pytest.approx(3000, abs=1e-2)
    assert 'keypoints_sigma_px' not in person


def test_crops_of_several_images_share_batches(flat, tmp_path):
    images = []
    for number in range(3):
        path = tmp_path / f'{number}.png'
        cv2.imwrite(str(path), spots((240, 120), PLACES))
        images.append(path)
    rows = [box_at(place) for place in PLACES] * 12
    boxes = write_boxes(tmp_path / 'boxes.json', {path.name: rows for path in images[:2]} | {'2.png': []})
    predictor = open_predictor(flat, device='cpu', allow=ALLOW, boxes=boxes)
    given = [InputImage(cv2.imread(str(path)), dict(K=None), path.stem, str(path)) for path in images]
    found = predictor.predict([predictor.prepare(one) for one in given])
    assert predictor.crops.estimator.batches == [64, 8]
    assert [len(one.people) for one in found] == [36, 36, 0]
    alone = predictor.predict([predictor.prepare(given[1])])[0]
    np.testing.assert_allclose(alone.people.keypoints_px, found[1].people.keypoints_px, atol=1e-5)
    assert found[2].camera['source'] == 'default_fov'


def test_boxes_that_show_nothing_are_counted(flat, photo, tmp_path, caplog):
    rows = [box_at(PLACES[0]), [5, 5, 5, 40], [float('nan'), 0, 10, 10], [500, 10, 600, 50], [40, 10, 30, 50]]
    boxes = write_boxes(tmp_path / 'boxes.json', {'photo.png': rows})
    with caplog.at_level(logging.WARNING, 'das_mm'):
        predictor = open_predictor(flat, device='cpu', allow=ALLOW, boxes=boxes)
        image = InputImage(cv2.imread(str(photo)), dict(K=None), 'photo', str(photo))
        (prediction,) = predictor.predict([predictor.prepare(image)])
        assert len(prediction.people) == 1
        assert 'photo: 4 boxes are left out: 1 not finite, 2 without area, 1 outside the image' in caplog.text
        caplog.clear()
        other = InputImage(image.pixels, dict(K=None), 'other', 'other.png')
        (prediction,) = predictor.predict([predictor.prepare(other)])
        assert len(prediction.people) == 0 and 'it has no entry for other.png' in caplog.text


@pytest.mark.parametrize(
    'content, problem, field',
    [
        ({'a.png': [[1, 2, 3]]}, 'no box of 4 numbers', 'a.png[0]'),
        ({'a.png': 5}, 'no list of boxes', 'a.png'),
        ([dict(bbox=[1, 2, 3, 4])], 'names no image', '[0].image_id'),
        ([dict(image_id=1, bbox=[1, 2, 'x', 4])], 'no box of 4 numbers', '[0].bbox'),
        ([1, 2], 'no list of objects', None),
        (3, 'no table of boxes', None),
    ],
)
def test_files_that_hold_no_boxes(tmp_path, content, problem, field):
    with pytest.raises(UserError, match=problem) as caught:
        BoxFile(write_boxes(tmp_path / 'boxes.json', content))
    assert caught.value.field == field and 'COCO' in caught.value.remedy


def test_images_in_files_of_boxes(tmp_path):
    content = dict(
        images=[
            dict(id=7, file_name='a/000000000139.jpg'),
            dict(id=8, file_name='b/1.jpg'),
            dict(id=9, file_name='c/1.jpg'),
        ],
        annotations=[dict(image_id=7, bbox=[1, 2, 10, 10]), dict(image_id=8, bbox=[0, 0, 4, 4])],
    )
    boxes = BoxFile(write_boxes(tmp_path / 'boxes.json', content))
    image = lambda file: InputImage(np.zeros((9, 9, 3), np.uint8), {}, 'x', file)
    (found,) = boxes.find([image('/elsewhere/000000000139.jpg')])
    assert found.xyxy_px.tolist() == [[1, 2, 11, 12]] and found.scores.tolist() == [1]
    assert len(boxes.find([image('c/1.jpg')])[0].scores) == 0
    with pytest.raises(UserError, match='several entries'):
        boxes.find([image('/elsewhere/1.jpg')])
    numbers = BoxFile(write_boxes(tmp_path / 'n.json', [dict(image_id=139, bbox=[1, 2, 10, 10], score=0.5)]))
    assert len(numbers.find([image('000000000139.jpg')])[0].scores) == 1


def test_boxes_that_cannot_be_had(flat, tmp_path):
    with pytest.raises(UserError, match='no such file'):
        open_predictor(flat, device='cpu', allow=ALLOW, boxes=tmp_path / 'none.json')
    reads_crops = open_predictor(flat, device='cpu', allow=ALLOW, boxes=flat)
    with pytest.raises(UserError, match='finds nobody'):
        reads_crops.prepare(InputImage(np.zeros((9, 9, 3), np.uint8), {}, 'x'))


def test_graphs_are_of_whole_images(flat, tmp_path, capsys):
    assert (
        main(
            [
                'export',
                'onnx',
                str(flat.with_suffix('.py')),
                str(flat),
                '--out',
                str(tmp_path / 'a.onnx'),
                '--allow',
                ALLOW[0],
            ]
        )
        == 2
    )
    said = capsys.readouterr().err
    assert 'this one reads crops of people' in said and not (tmp_path / 'a.pt2').exists()


class Finder:
    """A model that finds the spots of an image, a box about each, and one that is too far to the right."""

    def __init__(self):
        self.forgotten = 0

    def prepare(self, image):
        return image

    def predict(self, prepared, score_thr=None, with_sigma=None):
        boxes = np.array([box_at(place)[:4] for place in PLACES] + [[900, 0, 950, 50]], float)
        people = People(bboxes_px=boxes, scores=np.array([0.9, 0.8, 0.7, 0.6]))
        return [Prediction(people if image.pixels.any() else People.empty(15), {}) for image in prepared]

    def forget(self):
        self.forgotten += 1


def test_boxes_that_a_model_finds(flat):
    opened = []
    source = DetectedPeople(lambda: opened.append(Finder()) or opened[-1], 'found by a toy')
    source.forget()
    assert not opened  # until the first image
    predictor = open_predictor(flat, device='cpu', allow=ALLOW, boxes=source)
    images = [InputImage(spots((240, 120), places), dict(K=None), 'a') for places in (PLACES, [])]
    some, nobody = predictor.predict([predictor.prepare(image) for image in images])
    predictor.forget()
    assert len(opened) == opened[0].forgotten == 1 and predictor.provenance['boxes'] == 'found by a toy'
    np.testing.assert_allclose(some.people.keypoints_px[:, 0], PLACES, atol=2.5)
    np.testing.assert_allclose(some.people.bboxes_px[0], box_at(PLACES[0])[:4])
    assert len(nobody.people) == 0 and nobody.people.roots_px.shape == (0, 2)


def test_people_of_a_clip_are_followed(deep, tmp_path):
    """By boxes of a file; without one the package's model is what finds people."""
    inferencer = DASInferencer(load_model(deep, device='cpu', allow=ALLOW), show_progress=False)
    assert inferencer.predictor.provenance['boxes'].startswith(f'found by {PACKAGED["pose"]}')
    frames = tmp_path / 'clip.mp4'
    writer = cv2.VideoWriter(str(frames), cv2.VideoWriter_fourcc(*'mp4v'), 10, (240, 120))
    for step in range(5):
        writer.write(spots((240, 120), [(60 + 4 * step, 50), (180, 70)]))
    writer.release()
    boxes = write_boxes(tmp_path / 'boxes.json', {'clip.mp4': [box_at((66, 50)), box_at((180, 70), score=0.8)]})
    results = [
        one['predictions'][0]
        for one in inferencer(frames, boxes=boxes, track=True, smooth=True, out_dir=tmp_path / 'o')
    ]
    assert len(results) == 5
    assert all([person['track_id'] for person in result['people']] == [0, 1] for result in results)
    assert (tmp_path / 'o' / 'tracks' / 'clip' / '0000.npz').is_file()
    samples = list(inferencer(frames, boxes=boxes, return_datasamples=True))
    sample = samples[0]['predictions'][0]
    assert sample.pred_instances.keypoints.shape == (2, 15, 2)


def test_pictures_of_a_test_without_depths(flat, tmp_path):
    """What mmpose's hook draws of a sample in `das-mm test`."""
    predictor = open_predictor(flat, device='cpu', allow=ALLOW, boxes='image')
    image = InputImage(spots((240, 120), PLACES[:1]), dict(K=None), 'a')
    (prediction,) = predictor.predict([predictor.prepare(image)])
    assert 'keypoints_3d' not in prediction.sample.pred_instances
    drawn = DASVisualizer(name='crops', keypoint_set='panoptic15').add_datasample(
        'a', image.pixels[..., ::-1], prediction.sample, draw_gt=False, out_file=tmp_path / 'a.png'
    )
    assert (drawn != image.pixels).any() and (tmp_path / 'a.png').is_file()


def test_scores_of_boxes_end_at_one():
    boxes, reasons = FoundBoxes.of_rows([[0, 0, 5, 5, 2.0]]).sound((10, 10))
    assert boxes.scores.tolist() == [1.0] and not reasons
