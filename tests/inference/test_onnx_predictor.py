"""Graphs against their checkpoints: the same results without torch, and what a graph cannot do."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from importlib import resources

import cv2
import numpy as np
import pytest

from das_mm.checkpoints.model_loader import load_model
from das_mm.checkpoints.packaged import packaged_graph, pretrained_checkpoint, tiny_checkpoint
from das_mm.deploy.onnx_export import export_onnx
from das_mm.errors import UserError
from das_mm.inference.inferencer import Inferencer
from das_mm.inference.numpy_pipeline import NumpyPipeline, pipeline_obstacle
from das_mm.inference.onnx_predictor import OnnxPredictor, onnx_obstacle
from das_mm.inference.predictor import InputImage
from das_mm.inference.predictor_choice import open_predictor
from das_mm.inference.run_options import RunOptions
from das_mm.inference.torch_predictor import TorchPredictor
from das_mm.structures.task_fields import TaskDescription

# tasks whose graph comes with the package
GRAPHS = ['pose', 'tracking']
LIGHT = """
import sys
from das_mm.inference.inferencer import Inferencer
from das_mm.inference.predictor_choice import open_predictor
from das_mm.inference.run_options import RunOptions
import cv2
infer = Inferencer(open_predictor({weights!r}, device='cpu'))
found = next(infer(cv2.imread('{image}'), RunOptions(show_progress=False)))
heavy = {{name.split('.')[0] for name in sys.modules}} & {{'torch', 'mmengine', 'mmcv', 'mmdet', 'mmpose', 'smplx'}}
print(len(found.result['people']), sorted(heavy))
"""


@pytest.fixture(scope='module')
def scenes():
    """Pictures with people as the package's models know them, cut out of the picture of the demo."""
    with resources.as_file(resources.files('das_mm') / 'assets' / 'demo_overlays.jpg') as path:
        sheet = cv2.imread(str(path))
    height, width = sheet.shape[:2]
    return [sheet[: height // 2, : width // 2], sheet[height // 2 :, width // 2 :, :], sheet[: height // 3, :300]]


@pytest.fixture(scope='module')
def graphs(tmp_path_factory):
    """Task -> graph and checkpoint; of meshes the package has no graph, so one is made of its tiny weights."""
    files = {task: (packaged_graph(task), pretrained_checkpoint(task)) for task in GRAPHS}
    mesh = tiny_checkpoint('mesh')
    graph = export_onnx(load_model(mesh, device='cpu'), tmp_path_factory.mktemp('mesh') / 'mesh.onnx')
    return {**files, 'mesh': (graph, mesh)}


@pytest.fixture(scope='module', params=[*GRAPHS, 'mesh'])
def pair(request, graphs):
    """A task, its graph and its checkpoint as predictors."""
    task = request.param
    if task in GRAPHS:
        predictors = [open_predictor(task=task, device='cpu', runtime=runtime) for runtime in ('onnx', 'torch')]
    else:
        predictors = [open_predictor(file, device='cpu') for file in graphs[task]]
    assert [type(one) for one in predictors] == [OnnxPredictor, TorchPredictor]
    return task, *predictors


def results(predictor, images, **options):
    options = RunOptions(show_progress=False, score_thr=0.05, **options)
    return [found.result for found in Inferencer(predictor)(images, options)]


def assert_same_results(ours: dict, theirs: dict) -> int:
    """Of two results; gives the number of people."""
    assert {name: ours[name] for name in ours if name not in ('people', 'model')} == {
        name: theirs[name] for name in theirs if name not in ('people', 'model')
    }
    assert len(ours['people']) == len(theirs['people'])
    for one, other in zip(ours['people'], theirs['people']):
        flat, expected = (
            {**person, **{f'smpl_{name}': value for name, value in (person.get('smpl') or {}).items()}}
            for person in (one, other)
        )
        assert flat.keys() == expected.keys()
        for name, value in flat.items():
            if name in ('smpl', 'smpl_body', 'track_id'):
                assert name == 'smpl' or value == expected[name]
                continue
            # numbers of hundreds of mm, from sums in another order: that is what float32 leaves of them
            scale = 5 if name.endswith('_mm') else 1
            np.testing.assert_allclose(value, expected[name], rtol=1e-4, atol=1e-3 * scale, err_msg=name)
    return len(ours['people'])


def test_the_graph_is_of_the_checkpoint():
    for task in GRAPHS:
        said = open_predictor(task=task, device='cpu', runtime='onnx')
        card = json.loads(pretrained_checkpoint(task).with_suffix('.json').read_text())
        sha256 = hashlib.sha256(packaged_graph(task).read_bytes()).hexdigest()
        assert said.provenance['weights_sha256'] == sha256 and said.provenance['config'] == card['config']


def test_the_meshes_of_the_package_are_of_the_people_of_its_poses(scenes):
    """Its branch stands on their network: the same people, with bodies."""
    pose, mesh = (open_predictor(task=task, device='cpu', runtime='torch') for task in ('pose', 'mesh'))
    assert type(open_predictor(task='mesh', device='cpu')) is TorchPredictor  # no graph comes with the package
    found = 0
    for ours, theirs in zip(results(pose, scenes), results(mesh, scenes)):
        assert len(ours['people']) == len(theirs['people'])
        for one, other in zip(ours['people'], theirs['people']):
            assert one['score'] == other['score'] and other['smpl']
            np.testing.assert_array_equal(one['keypoints_px'], other['keypoints_px'])
            found += 1
    assert found >= 3


def test_the_same_results(pair, scenes):
    """Of photographs of several sizes in one batch."""
    _, graph, checkpoint = pair
    people = [
        assert_same_results(*both) for both in zip(results(graph, scenes, batch_size=3), results(checkpoint, scenes))
    ]
    assert sum(people) >= 3


def test_the_same_tracks_in_a_video(pair, scenes, tmp_path):
    _, graph, checkpoint = pair
    frame = cv2.resize(scenes[0], (448, 256))
    path = str(tmp_path / 'v.mp4')
    video = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'mp4v'), 10, (448, 256))
    for shift in range(0, 24, 4):
        video.write(np.roll(frame, shift, axis=1))
    video.release()
    pairs = list(zip(results(graph, path, track=True, smooth=True), results(checkpoint, path, track=True, smooth=True)))
    assert len(pairs) == 6 and sum(assert_same_results(*both) for both in pairs) >= 6
    assert any(person['track_id'] is not None for person in pairs[-1][0]['people'])


def test_the_same_input(pair):
    """What numpy makes of an image is what the config's pipeline makes of it."""
    _, graph, checkpoint = pair
    rng = np.random.default_rng(0)
    for size in ((300, 200), (1000, 333), (33, 470)):
        pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        image = InputImage(pixels, dict(K=None, dist=None, source='default_fov'), 'a')
        ours, theirs = graph.prepare(image), checkpoint.prepare(image)
        np.testing.assert_array_equal(ours.pixels.transpose(2, 0, 1), theirs['inputs'].numpy())
        np.testing.assert_array_equal(ours.warp, theirs['data_samples'].metainfo['warp_mat'])


@pytest.mark.parametrize('task', [*GRAPHS, 'mesh'])
def test_torch_is_not_loaded(task, graphs, tmp_path):
    image = tmp_path / 'a.png'
    cv2.imwrite(str(image), np.full((128, 160, 3), 90, np.uint8))
    said = subprocess.run(
        [sys.executable, '-c', LIGHT.format(weights=str(graphs[task][0]), image=image)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split(maxsplit=1)[1].strip() == '[]'


def test_other_pipelines():
    resize = dict(type='DASResize', short_side_range=[100, 100], max_long_side=150)
    steps = [dict(type='LoadImage'), resize, dict(type='das_mm.CornerOrigin'), dict(type='PackDASInputs')]
    assert pipeline_obstacle(steps) is None
    image, warp = NumpyPipeline(steps)(np.zeros((200, 400, 3), np.uint8))
    assert image.shape == (75, 150, 3)
    np.testing.assert_allclose(warp @ (0, 0, 1), np.array([-0.3125, -0.3125]) - 0.1875, atol=1e-6)
    assert 'prepared by Mirror' in pipeline_obstacle([dict(type='Mirror')])
    assert 'at random' in pipeline_obstacle([dict(type='DASResize', short_side_range=(90, 100))])


def test_what_needs_torch():
    said = dict(tasks=[TaskDescription('pose')], tracking=None, pipeline=[])
    assert onnx_obstacle(said) is None
    assert 'before das_mm told' in onnx_obstacle(dict(said, tasks=None))
    assert 'the task mine' in onnx_obstacle(dict(said, tasks=[TaskDescription('mine', declared=False)]))
    assert 'its tracker Mine' in onnx_obstacle(dict(said, tracking=dict(tracker=dict(type='Mine'))))


def test_mistakes(tmp_path):
    with pytest.raises(UserError, match='a checkpoint is run by torch'):
        open_predictor(pretrained_checkpoint('pose'), runtime='onnx')
    with pytest.raises(UserError, match='it does: pose'):
        open_predictor(packaged_graph('pose'), task='mesh', device='cpu')
    with pytest.raises(UserError, match='there is no such file'):
        open_predictor(tmp_path / 'absent.onnx', device='cpu')
