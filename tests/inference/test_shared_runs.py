"""A run that several processes share: what each writes, and the one report; as if one had done it all."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from das_mm.checkpoints import model_loader
from das_mm.cli import main
from das_mm.engine.ranks import Rank
from das_mm.inference.folder_lock import hold_folder
from das_mm.inference.overlay_window import check_display
from tests.pictures import write_picture, write_video
from tests.walkers import Walkers


@pytest.fixture
def infer(tmp_path, monkeypatch, capsys, inferencer):
    """Runs the verb as process ``number`` of ``count``; returns status, stdout, stderr."""
    monkeypatch.setattr(inferencer.model, 'test_step', Walkers())
    monkeypatch.setattr(model_loader, 'load_model', lambda *given: inferencer.model)
    monkeypatch.setattr(Rank, 'meet', lambda self: None)  # the others come later

    def run(*words, number=0, count=1):
        for name, value in dict(RANK=number, WORLD_SIZE=count, LOCAL_RANK=number, TORCHELASTIC_RUN_ID='x').items():
            monkeypatch.setenv(name, str(value))
        fixed = ['--device', 'cpu', '--runtime', 'torch', '--intrinsics', '100,100,48,32']
        status = main(['infer', *(str(word) for word in words), *fixed])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture
def inputs(tmp_path):
    """A list of three images, one that is none, two videos and an image again in a folder."""
    for number in range(3):
        write_picture(tmp_path / 'in' / f'{number}.png', seed=number)
    (tmp_path / 'in' / 'bad.jpg').write_bytes(b'no image')
    write_video(tmp_path / 'in' / 'long.mp4', 5)
    write_video(tmp_path / 'in' / 'short.mp4', 2)
    write_picture(tmp_path / 'in' / 'more' / '0.png', seed=7)
    names = ['0.png', '# not this', '', '1.png', 'bad.jpg', 'long.mp4', '2.png', 'short.mp4', 'more']
    (tmp_path / 'in' / 'list.txt').write_text('\n'.join(names))
    return tmp_path / 'in' / 'list.txt'


def decoded(path):
    """(T, H, W, 3) of a video."""
    capture, images = cv2.VideoCapture(str(path)), []
    while (read := capture.read())[0]:
        images.append(read[1].astype(float))
    return np.stack(images)


def files_of(out):
    """Relative path -> content, of what is not hidden, the inputs of its report and the number of processes."""
    found = {}
    for path in sorted(out.rglob('*')):
        name = str(path.relative_to(out))
        if path.is_file() and not any(part.startswith('.') for part in path.relative_to(out).parts):
            found[name] = path.read_bytes()
    report = json.loads(found.pop('report.json'))
    return found, report['inputs'], report['processes']


def test_two_give_what_one_gives(infer, inputs, tmp_path):
    status, said, _ = infer(inputs, '--out', tmp_path / 'one', '--track')
    assert status == 0
    status, first, _ = infer(inputs, '--out', tmp_path / 'two', '--track', number=0, count=2)
    assert status == 0 and 'images of' not in first and not (tmp_path / 'two' / 'report.json').exists()
    done = {path.stem for path in (tmp_path / 'two' / 'predictions').glob('[!.]*')}
    assert 'long' in done and 'short' not in done
    status, last, _ = infer(inputs, '--out', tmp_path / 'two', '--track', number=1, count=2)
    assert status == 0 and said.endswith(last.replace('/two', '/one')) and 'images of 6 inputs' in last
    one, two = files_of(tmp_path / 'one'), files_of(tmp_path / 'two')
    assert one[0].keys() == two[0].keys() and {'viewer.html', 'viewer_long.html', 'overlays/long.mp4'} <= one[0].keys()
    same = [name for name in one[0] if one[0][name] == two[0][name]]
    # archives tell when they were written, and an encoder with several threads need not give the same bits
    assert [name for name in one[0] if name not in same and not name.endswith(('.npz', '.mp4'))] == []
    pictures = [decoded(tmp_path / out / 'overlays' / 'long.mp4') for out in ('one', 'two')]
    assert pictures[0].shape == pictures[1].shape and np.abs(pictures[0] - pictures[1]).mean() < 1
    assert one[1] == two[1] and (one[2], two[2]) == (1, 2)
    assert [entry['frames'] for entry in one[1]] == [1, 1, 0, 5, 1, 2, 1]
    assert [len(entry['problems']) for entry in one[1]] == [0, 0, 1, 0, 0, 0, 0]


def test_they_go_on_after_a_run_of_other_processes(infer, inputs, tmp_path):
    assert infer(inputs, '--out', tmp_path / 'one')[0] == 0
    for number in range(3):
        assert infer(inputs, '--out', tmp_path / 'out', number=number, count=3)[0] == 0
    lines = tmp_path / 'out' / 'predictions' / 'long.jsonl'
    lines.write_text(''.join(lines.read_text().splitlines(keepends=True)[:2]))
    (tmp_path / 'out' / 'predictions' / '1.json').unlink()
    (tmp_path / 'out' / 'report.json').unlink()
    (tmp_path / 'out' / '.ranks' / '0-of-2.json').write_text('[]')  # of a run that was killed
    for number in range(2):
        assert infer(inputs, '--out', tmp_path / 'out', '--resume', number=number, count=2)[0] == 0
    one, out = files_of(tmp_path / 'one'), files_of(tmp_path / 'out')
    assert one[0]['predictions/long.jsonl'] == out[0]['predictions/long.jsonl'] and one[1] == out[1]
    assert one[0]['viewer.html'] == out[0]['viewer.html']


def test_nothing_to_read_and_nothing_to_do(infer, tmp_path):
    (tmp_path / 'bad.jpg').write_bytes(b'no image')
    assert infer(tmp_path / 'bad.jpg', '--out', tmp_path / 'out', number=0, count=2)[0] == 0
    status, _, errors = infer(tmp_path / 'bad.jpg', '--out', tmp_path / 'out', number=1, count=2)
    assert status == 2 and 'none of the 1 inputs can be read' in errors


def test_one_run_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr('das_mm.inference.folder_lock._LOOKED_S', 0.1)
    with hold_folder(tmp_path, Rank(0, 2)), hold_folder(tmp_path, Rank(1, 2)):
        for other in (None, Rank(0, 3)):
            with pytest.raises(Exception, match='another run writes there'):
                hold_folder(tmp_path, other)
    with hold_folder(tmp_path), pytest.raises(Exception, match='another run writes there'):
        hold_folder(tmp_path, Rank(1, 2))


def test_live(infer, tmp_path, monkeypatch):
    """A window, and nothing on the disk."""
    shown = []
    monkeypatch.setenv('DISPLAY', ':99')
    monkeypatch.setattr('cv2.imshow', lambda title, image: shown.append(image))
    monkeypatch.setattr('cv2.waitKey', lambda milliseconds: -1)
    monkeypatch.setattr('cv2.destroyAllWindows', lambda: None)
    check_display()
    video = write_video(tmp_path / 'v.mp4', 3)
    status, said, _ = infer(video, '--live')
    assert status == 0 and f'in {len(shown)} images of 1 inputs' in said and 1 <= len(shown) <= 3
    assert [path.name for path in tmp_path.iterdir()] == ['v.mp4']
    status, _, errors = infer(write_picture(tmp_path / 'a.png'), '--live')
    assert status == 2 and 'live: images are no video' in errors
    status, _, errors = infer(video)
    assert status == 2 and 'out: nobody says where results go' in errors
