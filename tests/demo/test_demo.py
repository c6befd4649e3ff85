"""The main job, small: what it writes, and what a browser shows of it."""

from __future__ import annotations

import hashlib
import json
import sys

import cv2
import pytest

from das_mm.checkpoints import packaged
from das_mm.checkpoints.model_loader import load_model
from das_mm.cli import main
from das_mm.demo import main_job as demo
from das_mm.demo.pose import PoseTask
from das_mm.demo.tasks import DEMO_TASKS
from das_mm.errors import UserError
from tests.visualization.browser import CHROMIUM, Browser

SHRINK = ['--num-train', '8', '--num-val', '3', '--epochs', '1']


@pytest.fixture(scope='module')
def written(tmp_path_factory):
    """The folder of a demo of one step; its scenes are real, its network has learnt next to nothing."""
    out = tmp_path_factory.mktemp('demo')
    # so soon no confidence passes the threshold: without one there is something to draw
    small = demo.demo_config

    def without_threshold(settings):
        cfg = small(settings)
        cfg.model.test_cfg.score_thr = 0.0
        return cfg

    demo.demo_config = without_threshold
    try:
        assert main(['demo', '--out', str(out), *SHRINK]) == 0
    finally:
        demo.demo_config = small
    return out


def test_metrics_before_after_and_of_the_mean_pose(written):
    report = json.loads((written / 'metrics.json').read_text())
    for row in ('mean_pose_baseline', 'before', 'after'):
        assert set(report[row]) == set(PoseTask.reported)
        assert all(value is None or value >= 0 for value in report[row].values())
    assert report['mean_pose_baseline']['recall'] == 100
    assert report['before'] != report['after'] and report['weights'] == 'trained here'
    assert report['settings']['num_train'] == 8


@pytest.mark.parametrize(
    'name',
    [
        'metrics.png',
        'curves.png',
        'overlays.png',
        'error_density_initial.png',
        'error_density_updated.png',
        'offset_maps.png',
        'overlays/000.jpg',
        'overlays/002.jpg',
    ],
)
def test_pictures(written, name):
    image = cv2.imread(str(written / name))
    assert image is not None and image.std() > 5


@pytest.mark.skipif(CHROMIUM is None, reason='needs chromium: apt-get install chromium')
def test_viewer_in_a_browser(written, tmp_path):
    with Browser(tmp_path) as browser:
        browser.open(written / 'viewer.html')
        body = browser.body()
        assert 'failure' not in body and body['frames'] == '3'
        assert int(body['truth']) >= 1 and int(body['people']) >= 1
        assert body['cameraSource'] == 'annotation'
        assert browser.text('title') == 'DAS demo: people of unseen scenes'
        assert browser.text('count').startswith(body['people'])


def test_unwritable_folder(tmp_path, capsys):
    (tmp_path / 'file').write_text('')
    assert main(['demo', '--out', str(tmp_path / 'file' / 'out'), *SHRINK]) == 2
    assert 'file' in capsys.readouterr().err


def test_pretrained_makes_no_scenes_of_training_that_it_does_not_need(tmp_path, capsys):
    command = ['demo', '--task', 'tracking', '--pretrained', '--num-val', '3', '--out', str(tmp_path)]
    assert main(command) == 0
    (images,) = (tmp_path / 'scenes').iterdir()
    assert len(list(images.rglob('*.jpg'))) == 3
    report = json.loads((tmp_path / 'metrics.json').read_text())
    assert report['weights'] == f'{packaged.TINY["tracking"]}.pth' and report['after']['recall'] > 0
    out = capsys.readouterr().out
    assert 'metrics.png' in out and 'curves.png' not in out


@pytest.mark.parametrize('task', packaged.TINY)
def test_pretrained_weights_fit_their_config_and_say_how_they_came_about(task):
    """The package's own checkpoints: under 15 MB, with their recipe and their figures beside them."""
    path = packaged.tiny_checkpoint(task)
    assert path.stat().st_size < 15e6
    card = json.loads(path.with_suffix('.json').read_text())
    assert {'command', 'seed', 'metrics', 'config'} <= set(card) and card['metrics']
    assert hashlib.sha256(path.read_bytes()).hexdigest() == card['sha256']
    assert load_model(path).head.num_keypoints == 15


@pytest.mark.parametrize(
    'task, package, remedy', [('mesh', 'smplx', 'das_mm[mesh]'), ('tracking', 'motmetrics', '[track]')]
)
def test_an_optional_package_that_is_not_there(task, package, remedy, tmp_path, capsys, monkeypatch):
    """It is told before a scene is drawn."""
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    out = tmp_path / 'out'
    assert main(['demo', '--task', task, '--out', str(out), *SHRINK]) == 2
    said = capsys.readouterr().err
    assert package in said and remedy in said and '--task' in said
    assert not out.exists()


@pytest.fixture
def dance(monkeypatch):
    """A task of a project's own."""
    monkeypatch.setattr(DEMO_TASKS, '_registered', {})

    @DEMO_TASKS.register('dance')
    class DanceTask(PoseTask):
        name = 'dance'
        packages = {'a_package_of_nobody': 'pip install a_package_of_nobody'}

    return DanceTask


def test_a_project_adds_a_task(dance, tmp_path, capsys):
    assert DEMO_TASKS.names() == ['pose', 'mesh', 'tracking', 'dance']
    assert main(['demo', '--task', 'dance', '--out', str(tmp_path / 'out'), *SHRINK]) == 2
    assert 'pip install a_package_of_nobody' in capsys.readouterr().err
    settings = demo.DemoSettings(tmp_path, 'dance', num_train=8)
    cfg = demo.demo_config(settings)
    assert (
        cfg.train_dataloader.dataset.num_images == 8 and 'init_cfg' not in cfg.model.backbone
    )  # no weights to start from
    with pytest.raises(UserError, match="no weights for 'dance'"):
        dance().pretrained()


def test_a_task_that_is_not_there(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(['demo', '--task', 'dance', '--out', str(tmp_path)])
    assert 'tracking' in capsys.readouterr().err
    with pytest.raises(UserError, match='pose, mesh, tracking'):
        demo.run_demo(demo.DemoSettings(tmp_path, 'dance'))


def test_no_weights_for_a_task(monkeypatch):
    monkeypatch.setitem(packaged.TINY, 'pose', 'das_nobody_has_trained_this')
    with pytest.raises(UserError, match='no weights'):
        packaged.tiny_checkpoint('pose')
