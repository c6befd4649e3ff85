"""`das-mm infer` from the words of the command line to the exit status."""

from __future__ import annotations

import json
import os

import cv2
import numpy as np
import pytest

from das_mm.checkpoints import model_loader, packaged
from das_mm.cli import main
from das_mm.inference.folder_lock import hold_folder
from tests.pictures import write_picture, write_video
from tests.walkers import Walkers


@pytest.fixture
def infer(checkpoint, tmp_path, monkeypatch, capsys, inferencer):
    """Runs the verb on words below ``tmp_path``; returns status, stdout, stderr. The model is loaded once for all.

    Torch runs it: of the package's models a CPU would take the graphs.
    """
    monkeypatch.setattr(model_loader, 'load_model', lambda *given: inferencer.model)

    def run(*words, out='out'):
        fixed = ['--out', str(tmp_path / out), '--device', 'cpu', '--runtime', 'torch']
        status = main(['infer', *(str(word) for word in words), *fixed])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_images_and_a_video(infer, tmp_path):
    write_picture(tmp_path / 'in' / 'a.png')
    write_video(tmp_path / 'in' / 'v.mp4', num_frames=3, fps=7)
    (tmp_path / 'in' / 'bad.jpg').write_bytes(b'no image')
    status, said, errors = infer(
        tmp_path / 'in', '--fov', '60', '--batch-size', '2', '--score-thr', '0.03', '--no-sigma'
    )
    assert status == 0 and 'Traceback' not in errors
    assert 'people in 4 images of 2 inputs' in said and 'camera of 2 inputs: from --fov' in said
    assert '1 could not be read (wholly):' in said and 'bad.jpg: it is no image' in said
    found = json.loads((tmp_path / 'out' / 'predictions' / 'a.json').read_text())
    assert found['camera']['fov_deg'] == 60 and found['model']['score_thr'] == 0.03
    assert 'keypoints_sigma_px' not in found['people'][0]
    assert cv2.VideoCapture(str(tmp_path / 'out' / 'overlays' / 'v.mp4')).get(cv2.CAP_PROP_FPS) == 7
    assert (tmp_path / 'out' / 'viewer.html').is_file() and (tmp_path / 'out' / 'viewer_v.html').is_file()


def test_less_output(infer, tmp_path):
    image = write_picture(tmp_path / 'a.png')
    status, said, _ = infer(image, '--no-overlays', '--no-viewer', '--intrinsics', '100,100,48,32')
    assert status == 0 and 'camera of 1 inputs: given by the user' in said
    assert sorted(path.name for path in (tmp_path / 'out').glob('[!.]*')) == ['predictions', 'report.json']


def test_somebody_who_is_asked_for(infer, tmp_path, inferencer):
    image = write_picture(tmp_path / 'a.png')
    read = lambda out: json.loads((tmp_path / out / 'predictions' / 'a.json').read_text())
    assert infer(image, '--no-viewer', '--no-overlays', '--score-thr', '0.001', out='all')[0] == 0
    everybody = read('all')['people']
    faint = everybody[-1]
    x, y = np.mean(faint['keypoints_px'], axis=0)
    status, said, _ = infer(image, '--no-viewer', '--points', f'{x},{y}', out='asked')
    found = read('asked')
    assert status == 0 and 'at the points' in said and found['model']['score_thr'] == 0
    assert len(found['people']) == 1 and found['people'][0] in everybody and 'at the points' in found['model']['boxes']
    (tmp_path / 'boxes.json').write_text(json.dumps({'a.png': [faint['bbox_px']]}))
    assert infer(image, '--no-viewer', '--boxes', tmp_path / 'boxes.json', out='boxes')[0] == 0
    assert len(read('boxes')['people']) == 1
    assert infer(image, '--points', '1,1', '--boxes', 'image')[0] == 2


def test_an_assumed_camera_is_said(infer, tmp_path):
    assert 'ASSUMED field of view' in infer(write_picture(tmp_path / 'a.png'), '--no-viewer')[1]


def test_a_video_followed_and_gone_on_with(infer, tmp_path, inferencer, monkeypatch):
    walkers = Walkers()
    monkeypatch.setattr(inferencer.model, 'test_step', walkers)
    video = write_video(tmp_path / 'v.mp4', 10)
    assert infer(video, '--track', '--smooth')[0] == 0
    path = tmp_path / 'out' / 'predictions' / 'v.jsonl'
    assert len(list((tmp_path / 'out' / 'tracks' / 'v').iterdir())) == 3
    path.write_text(''.join(path.read_text().splitlines(keepends=True)[:7]))
    status, said, _ = infer(video, '--track', '--smooth', '--resume')
    assert status == 0 and '9 people in 3 images of 1 inputs' in said
    assert len(path.read_text().splitlines()) == 10
    status, said, _ = infer(video, '--track', '--smooth', '--resume')
    assert status == 0 and 'there was nothing left to do' in said
    status, _, errors = infer(video, '--resume')
    assert status == 2 and 'resume: the earlier results are of smoothed True, these would be of False' in errors


def test_meshes(infer, tmp_path, mesh_inferencer, monkeypatch):
    monkeypatch.setattr(model_loader, 'load_model', lambda *given: mesh_inferencer.model)
    image = write_picture(tmp_path / 'a.png')
    words = '--weights', 'mesh.pth', '--task', 'mesh', '--no-viewer'
    assert infer(image, *words, '--export', 'obj', '--export', 'glb')[0] == 0
    assert sorted(path.name for path in (tmp_path / 'out' / 'meshes').iterdir()) == ['a.glb', 'a.obj']
    assert infer(image, *words, '--no-meshes', out='plain')[0] == 0
    drawn, plain = ((tmp_path / out / 'overlays' / 'a.jpg').read_bytes() for out in ('out', 'plain'))
    assert drawn != plain and not (tmp_path / 'plain' / 'meshes').exists()


def test_a_task_that_the_package_or_the_model_cannot_do(infer, tmp_path, monkeypatch):
    image = write_picture(tmp_path / 'a.png')
    monkeypatch.delitem(packaged.PACKAGED, 'mesh', raising=False)
    for words, said in (
        (['--task', 'mesh'], "task: the package has no model for 'mesh'"),
        (['--task', 'tracking', '--weights', 'x.pth'], 'this model does not do that; it does: pose'),
    ):
        status, _, errors = infer(image, *words)
        assert status == 2 and said in errors and 'remedy: ' in errors


def test_the_package_has_a_model_for_a_task(infer, tmp_path, monkeypatch, inferencer):
    loaded = []
    monkeypatch.setattr(model_loader, 'load_model', lambda *given: loaded.append(given) or inferencer.model)
    assert infer(write_picture(tmp_path / 'a.png'), '--task', 'pose', '--no-viewer', '--no-overlays')[0] == 0
    assert loaded[0][:2] == (packaged.pretrained_checkpoint('pose'), packaged.PACKAGED['pose'])


@pytest.mark.parametrize(
    'words, said',
    [
        (['{0}/none.jpg'], 'none.jpg: inputs: there is no such file or folder'),
        (['{0}/empty'], 'there is no image or video in this folder'),
        (['{0}/bad.jpg'], 'bad.jpg: it is no image'),
        (['{0}/bad.jpg', '{0}/bad.mp4'], 'none of the 2 inputs can be read'),
        (['{0}/a.png', '--intrinsics', '{0}/camera.json'], 'camera.json: K: the intrinsics are singular'),
        (['{0}/a.png', '--fov', '0'], 'a field of view of 0.0° is impossible'),
        (['{0}/a.png', '--batch-size', '0'], 'batch_size: 0 images make no batch'),
        (['{0}/a.png', '--export', 'obj'], 'export: this model tells no meshes'),
    ],
)
def test_mistakes(infer, tmp_path, words, said):
    write_picture(tmp_path / 'a.png')
    (tmp_path / 'empty').mkdir()
    for name in ('bad.jpg', 'bad.mp4'):
        (tmp_path / name).write_bytes(b'nothing of the kind')
    (tmp_path / 'camera.json').write_text('{"K": [[0, 0, 0], [0, 1, 0], [0, 0, 1]]}')
    status, _, errors = infer(*(word.format(tmp_path) for word in words))
    assert status == 2 and said in errors and 'remedy: ' in errors and 'Traceback' not in errors


def test_an_output_that_cannot_be_written(infer, tmp_path):
    (tmp_path / 'file').write_text('')
    status, _, errors = infer(write_picture(tmp_path / 'a.png'), out='file')
    assert status == 2 and 'nothing can be written there' in errors


def test_ctrl_c(infer, tmp_path, inferencer, monkeypatch):
    step, calls = inferencer.model.test_step, []

    def interrupted(batch):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return step(batch)

    monkeypatch.setattr(inferencer.model, 'test_step', interrupted)
    status, said, errors = infer(write_video(tmp_path / 'v.mp4', 8))
    assert status == 130 and 'interrupted' in errors
    assert 'what was found so far is kept' in said and 'in 2 images of 1 inputs' in said
    assert len((tmp_path / 'out' / 'predictions' / 'v.jsonl').read_text().splitlines()) == 2
    assert cv2.VideoCapture(str(tmp_path / 'out' / 'overlays' / 'v.mp4')).get(cv2.CAP_PROP_FRAME_COUNT) == 2


def test_marks_of_the_pictures(infer, tmp_path):
    """Boxes, keypoints and sizes are drawn as asked for."""
    image = write_picture(tmp_path / 'a.png', 160, 128)
    painted = {}
    for name, words in (
        ('thin', ['--radius', '1', '--thickness', '1']),
        ('thick', ['--radius', '7', '--thickness', '5']),
        ('boxes', ['--radius', '1', '--thickness', '1', '--draw-bbox']),
        ('none', ['--radius', '1', '--thickness', '1', '--kpt-thr', '1.1']),
    ):
        assert infer(image, '--no-viewer', *words, out=name)[0] == 0
        overlay = cv2.imread(str(tmp_path / name / 'overlays' / 'a.jpg')).astype(int)
        painted[name] = int((abs(overlay - cv2.imread(str(image))) > 60).any(-1).sum())
    assert painted['none'] < painted['thin'] < painted['boxes'] and painted['thin'] < painted['thick']
    status, _, errors = infer(image, '--radius', '0')
    assert status == 2 and 'radius: 0.0 px cannot be drawn' in errors


def test_names_with_markup_and_escapes_are_shown_as_they_are(infer, tmp_path):
    """After all the work nothing crashes, and nothing is lost."""
    (tmp_path / 'in' / '[').mkdir(parents=True)
    for name in ('[/].jpg', '[red].jpg', 'a\x1b[31m.jpg', os.fsdecode(b'caf\xe9.jpg')):
        (tmp_path / 'in' / name).write_bytes(b'no image')
    write_picture(tmp_path / 'in' / 'good.png').rename(tmp_path / 'in' / '[bold]ok.png')
    status, said, errors = infer(tmp_path / 'in', tmp_path / 'in' / '[', '--no-overlays', out='[out]')
    assert status == 0 and 'Traceback' not in errors and '\x1b' not in said
    for shown in ('/[/].jpg: it is no image', '/[red].jpg: ', '/a\\x1b[31m.jpg: ', '/caf\\xe9.jpg: ', '[out]'):
        assert shown in said
    assert (tmp_path / '[out]' / 'predictions' / '[bold]ok.json').is_file()


def test_a_name_that_is_no_utf8_goes_through(infer, tmp_path):
    (tmp_path / 'in').mkdir()
    write_picture(tmp_path / 'a.png').rename(tmp_path / 'in' / os.fsdecode(b'caf\xe9.png'))
    write_video(tmp_path / 'a.mp4', 2).rename(tmp_path / 'in' / os.fsdecode(b'clip\xe9.mp4'))
    status, said, _ = infer(tmp_path / 'in', '--track')
    assert status == 0 and '3 images of 2 inputs' in said
    found = json.loads((tmp_path / 'out' / 'predictions' / 'caf%E9.json').read_text())
    assert found['image']['file'].endswith('in/caf\\xe9.png') and found['image']['name'] == 'caf%E9'
    for name in ('predictions/clip%E9.jsonl', 'overlays/caf%E9.jpg', 'overlays/clip%E9.mp4', 'viewer_clip%E9.html'):
        assert (tmp_path / 'out' / name).is_file()


def test_one_run_at_a_time(infer, tmp_path):
    image = write_picture(tmp_path / 'a.png')
    with hold_folder(tmp_path / 'out' / 'predictions'):
        status, _, errors = infer(image)
    assert status == 2 and 'another run writes there' in errors and 'remedy' in errors
    assert [infer(image)[0] for _ in range(2)] == [0, 0]  # one after the other
