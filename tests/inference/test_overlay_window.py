"""Pictures on a display, their marks, and inputs of other libraries, as users of mmpose's inferencers know them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from das_mm.cli import main
from das_mm.errors import UserError
from tests.pictures import picture, write_picture, write_video


@pytest.fixture
def window(monkeypatch):
    """Stands for OpenCV's window: what was shown, for how long, and the keys that are pressed."""

    class Window:
        def __init__(self):
            self.shown, self.waits, self.keys, self.closed = [], [], iter(()), 0

        def imshow(self, title, image):
            self.shown.append(image.copy())

        def wait(self, milliseconds):
            self.waits.append(milliseconds)
            return next(self.keys, -1)

        def close(self):
            self.closed += 1

    window = Window()
    monkeypatch.setenv('DISPLAY', ':99')
    monkeypatch.setattr(cv2, 'imshow', window.imshow)
    monkeypatch.setattr(cv2, 'waitKey', window.wait)
    monkeypatch.setattr(cv2, 'destroyAllWindows', window.close)
    return window


def test_every_overlay_is_shown(inferencer, window, tmp_path):
    video = str(write_video(tmp_path / 'v.mp4', num_frames=3))
    given = list(inferencer([picture(), video], show=True, wait_time=0.5, return_vis=True))
    assert window.waits == [500, 1, 1, 1] and window.closed == 1
    for one, shown in zip(given, window.shown):
        np.testing.assert_array_equal(shown, one['visualization'][0])
    list(inferencer(picture(), show=True))
    assert window.waits[-1] == 0  # until a key is pressed


@pytest.mark.parametrize('key', [ord('q'), 27])
def test_a_key_ends_the_run(inferencer, window, key, tmp_path):
    window.keys = iter([-1, key])
    found = list(inferencer([picture(seed=seed) for seed in range(5)], show=True, out_dir=tmp_path))
    assert len(found) == len(window.shown) == 2 and window.closed == 1
    assert len(list((tmp_path / 'predictions').glob('*.json'))) == 2  # and what was found is kept


def test_no_display(inferencer, window, monkeypatch, capsys, tmp_path):
    def headless(*_):
        raise cv2.error('The function is not implemented')

    monkeypatch.setattr(cv2, 'imshow', headless)
    with pytest.raises(UserError, match='cannot open a window'):
        list(inferencer(picture(), show=True))
    monkeypatch.delenv('DISPLAY')
    monkeypatch.delenv('WAYLAND_DISPLAY', raising=False)
    monkeypatch.setattr('sys.platform', 'linux')
    with pytest.raises(UserError, match='there is no display'):
        inferencer(picture(), show=True)
    assert main(['infer', str(write_picture(tmp_path / 'a.png')), '--out', str(tmp_path / 'out'), '--show']) == 2
    assert 'show: there is no display' in capsys.readouterr().err


def test_marks_of_a_given_size(inferencer):
    image = picture(160, 128)
    painted = []
    for options in (dict(thickness=1, radius=1), dict(thickness=1, radius=8), dict(thickness=9, radius=8)):
        (overlay,) = next(inferencer(image, return_vis=True, **options))['visualization']
        painted.append(int((overlay != image).any(-1).sum()))
    assert painted[0] < painted[1] < painted[2]
    for name in ('thickness', 'radius'):
        with pytest.raises(UserError, match=f'{name}: 0 px cannot be drawn'):
            inferencer(image, **{name: 0})


def test_images_of_pillow(inferencer):
    image = picture(160, 128)
    (ours,) = next(inferencer(image))['predictions']
    (theirs,) = next(inferencer(Image.fromarray(np.ascontiguousarray(image[..., ::-1]))))['predictions']
    assert theirs['image']['name'] == 'image' and theirs['people'] == ours['people'] != []
