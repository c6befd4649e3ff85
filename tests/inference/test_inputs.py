"""What may be named as input, and every kind of image comes out as (H, W, 3) uint8 BGR."""

from __future__ import annotations

import gc
import os
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from das_mm.errors import UserError
from das_mm.inference import sources
from das_mm.inference.image_io import as_bgr, read_image
from das_mm.inference.inputs import open_sources, unique_names
from tests.pictures import Capture, picture, write_photo, write_picture, write_video


def names(given):
    return [source.name for source in open_sources(given)]


def test_files_folders_and_globs(tmp_path):
    for name in ('a.png', 'b.JPG', 'deep/c.png'):
        write_picture(tmp_path / name)
    write_video(tmp_path / 'd.mp4')
    (tmp_path / 'notes.txt').write_text('no image')
    (tmp_path / '._a.png').write_text('left by a Mac')
    assert names(tmp_path / 'a.png') == ['a']
    assert names(str(tmp_path)) == ['a', 'b', 'd']
    assert names(f'{tmp_path}/**') == ['a', 'b', 'd', 'c']
    assert names([f'{tmp_path}/*.png', picture(), tmp_path / 'deep']) == ['a', 'array', 'c']
    assert [source.is_sequence for source in open_sources(tmp_path)] == [False, False, True]


@pytest.mark.parametrize(
    'given, said',
    [
        ('{0}/none.jpg', 'none.jpg: inputs: there is no such file'),
        ('{0}/*.png', 'it matches no file'),
        ('{0}/*.txt', 'matches 1 files, and none is an image'),
        ('{0}', r'no image or video in this folder \(1 other files\)'),
        (np.zeros((4, 4, 2), np.uint8), r'shape \(4, 4, 2\) is no image'),
        (np.zeros((4, 4, 3)), 'type float64 is no image'),
        ([], 'there is no input'),
        (3.5, 'float is no input'),
    ],
)
def test_what_is_no_input(tmp_path, given, said):
    (tmp_path / 'notes.txt').write_text('no image')
    with pytest.raises(UserError, match=said) as caught:
        open_sources(given.format(tmp_path) if isinstance(given, str) else given)
    assert caught.value.remedy


@pytest.mark.parametrize(
    'paths, expected',
    [
        (['a/x.jpg', 'b/y.jpg'], ['x', 'y']),
        (['a/x.jpg', 'b/x.jpg'], ['a_x', 'b_x']),
        (['1/a/x.jpg', '2/a/x.jpg', '2/a/y.jpg'], ['1_a_x', '2_a_x', 'y']),
        (['a/x.jpg', 'a/x.png'], ['x.jpg', 'x.png']),
        (['x.jpg', 'a/x.jpg'], ['x', 'a_x']),
        (['x.jpg', 'x.jpg', 'X.jpg'], ['x.jpg', 'x.jpg_2', 'X.jpg_3']),
        (['array'] * 3, ['array', 'array_2', 'array_3']),
        (['x', 'x', 'x_2', 'x'], ['x', 'x_2', 'x_2_2', 'x_3']),
        (['caf\udce9.png', 'a\x1b[31m\n.jpg'], ['caf%E9', 'a%1B[31m%0A']),
    ],
)
def test_no_two_names_are_equal(paths, expected):
    assert unique_names([Path(path) for path in paths]) == expected


def test_five_thousand_equal_names_take_no_time():
    start = time.process_time()
    names = unique_names([Path('x.jpg')] * 5000)
    assert names[:2] == ['x.jpg', 'x.jpg_2'] and names[-1] == 'x.jpg_5000' and len(set(names)) == 5000
    assert time.process_time() - start < 5  # 24 where each asks all others


def test_a_name_of_absurd_length():
    (name, other) = unique_names([Path('ü' * 125 + '.png'), Path('ü' * 126 + '.png')])
    assert name == 'ü' * 100 and other == 'ü' * 100 + '_2'


def test_what_is_no_file_is_no_input(tmp_path):
    os.mkfifo(tmp_path / 'a.png')
    write_picture(tmp_path / 'b.png')
    with pytest.raises(UserError, match='a.png: inputs: it is a named pipe, not a file') as caught:
        open_sources(tmp_path / 'a.png')
    assert caught.value.remedy
    assert names(tmp_path) == ['b']
    with pytest.raises(UserError, match='it is a device, not a file'):
        open_sources('/dev/zero')


def test_names_that_are_no_utf8(tmp_path):
    image = os.fsdecode(os.fsencode(tmp_path) + b'/caf\xe9.png')
    video = os.fsdecode(os.fsencode(tmp_path) + b'/clip\xe9.mp4')
    write_picture(tmp_path / 'a.png').rename(image)
    write_video(tmp_path / 'a.mp4', 3).rename(video)
    found = open_sources(tmp_path)
    assert [source.name for source in found] == ['caf%E9', 'clip%E9']
    assert [len(list(source.frames(pytest.fail))) for source in found] == [1, 3] and found[1].num_frames == 3


@pytest.mark.parametrize('name', ['film.gif', 'film.webp', 'film.png'])
def test_every_frame_of_an_animation(tmp_path, name):
    """As a viewer shows them, with their times; a still image of the same kind is an image."""
    frames = [Image.fromarray(picture(seed=seed)[..., ::-1]) for seed in range(3)]
    options = dict(lossless=True) if name.endswith('webp') else {}
    frames[0].save(
        tmp_path / name, save_all=True, append_images=frames[1:], duration=[100, 200, 100], loop=0, **options
    )
    (source,) = open_sources(tmp_path / name)
    assert (source.is_sequence, source.num_frames, source.fps) == (True, 3, 10)
    found = list(source.frames(pytest.fail))
    assert [(frame.index, frame.time_s) for frame in found] == [(0, 0), (1, 0.1), (2, 0.3)]
    for seed, frame in enumerate(found):
        assert np.abs(frame.image.astype(int) - picture(seed=seed)).mean() < (12 if name.endswith('gif') else 0.01)
    assert [frame.index for frame in source.frames(pytest.fail, first=2)] == [2]
    frames[0].save(tmp_path / name)
    assert not open_sources(tmp_path / name)[0].is_sequence


def test_an_animation_that_ends_in_the_middle(tmp_path):
    frames = [Image.fromarray(picture(seed=seed)[..., ::-1]) for seed in range(3)]
    frames[0].save(tmp_path / 'a.webp', save_all=True, append_images=frames[1:], lossless=True)
    data = (tmp_path / 'a.webp').read_bytes()
    at = data.rindex(b'VP8L')
    (tmp_path / 'a.webp').write_bytes(data[: at + 30] + b'\xff' * 400 + data[at + 430 :])
    (source,) = open_sources(tmp_path / 'a.webp')
    told = []
    assert [frame.index for frame in source.frames(told.append)] == [0, 1]
    assert 'frame 2 cannot be decoded' in told[0].problem and told[0].remedy and told[0].file == source.file


def test_pages_of_a_tiff_are_told(tmp_path):
    pages = [Image.fromarray(picture(seed=seed)[..., ::-1]) for seed in range(2)]
    pages[0].save(tmp_path / 'a.tif', save_all=True, append_images=pages[1:])
    told = []
    (frame,) = open_sources(tmp_path / 'a.tif')[0].frames(told.append)
    np.testing.assert_array_equal(frame.image, picture())
    assert [error.problem for error in told] == ['of its pages or frames only the first is read']


@pytest.mark.parametrize('name', ['a.3gp', 'a.TS', 'a.unknown', 'noending'])
def test_videos_by_whatever_name(tmp_path, name):
    write_video(tmp_path / 'a.mp4', 3).rename(tmp_path / name)
    (source,) = open_sources(tmp_path / name)
    assert source.is_sequence and len(list(source.frames(pytest.fail))) == 3


@pytest.mark.parametrize(
    'array',
    [
        picture()[..., 0],
        picture()[..., :1],
        np.dstack([picture(), picture()[..., 0]]),
        picture().astype(np.uint16) * 257,
    ],
)
def test_kinds_of_arrays(array):
    result = as_bgr(array)
    assert result.shape == (64, 96, 3) and result.dtype == np.uint8
    expected = picture() if array.ndim == 3 and array.shape[2] > 1 else np.repeat(picture()[..., :1], 3, axis=2)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(
    'name, stored',
    [
        ('grey.png', picture()[..., 1]),
        ('alpha.png', np.dstack([picture(), np.full((64, 96), 128, np.uint8)])),
        ('deep.png', picture().astype(np.uint16) * 257),
        ('deep_grey.png', picture()[..., 1].astype(np.uint16) * 257),
        ('plain.bmp', picture()),
    ],
)
def test_kinds_of_files(tmp_path, name, stored):
    assert cv2.imwrite(str(tmp_path / name), stored)
    expected = picture() if stored.ndim == 3 else np.repeat(picture()[..., 1:2], 3, axis=2)
    np.testing.assert_array_equal(read_image(tmp_path / name), expected)


def test_palette_gif(tmp_path):
    Image.fromarray(picture()[..., ::-1]).convert('P').save(tmp_path / 'a.gif')
    assert read_image(tmp_path / 'a.gif').shape == (64, 96, 3)


def test_photos_are_turned_upright(tmp_path):
    image = read_image(write_photo(tmp_path / 'a.jpg', 96, 64, {}, orientation=6))
    assert image.shape == (96, 64, 3)
    assert np.abs(image.astype(int) - np.rot90(picture(), -1)).mean() < 5  # a JPEG


@pytest.mark.parametrize(
    'name, content',
    [
        ('text.jpg', b'no image'),
        ('empty.png', b''),
        ('cut.jpg', None),
        ('noise.png', b'\x89PNG\r\n\x1a\n' + b'\x00' * 90),
    ],
)
def test_damaged_files_are_refused(tmp_path, name, content):
    if content is None:
        content = write_picture(tmp_path / 'whole.jpg').read_bytes()[:-400]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=f'{name}: .*cannot be decoded'):
        read_image(tmp_path / name)
    told = []
    assert list(open_sources(tmp_path / name)[0].frames(told.append)) == [] and len(told) == 1


def test_frames_of_a_video(tmp_path):
    (source,) = open_sources(write_video(tmp_path / 'v.mp4', num_frames=5, fps=12.5))
    assert (source.num_frames, source.fps) == (5, 12.5)
    frames = list(source.frames(pytest.fail))
    assert [(frame.index, frame.time_s) for frame in frames] == [(i, i / 12.5) for i in range(5)]


def test_broken_frames_are_left_out_and_told(tmp_path, monkeypatch):
    (tmp_path / 'v.mp4').write_bytes(b'')
    good = [picture(seed=i) for i in range(10)]
    monkeypatch.setattr(sources.cv2, 'VideoCapture', lambda file: Capture([*good[:3], None, None, *good[5:9]]))
    (source,) = open_sources(tmp_path / 'v.mp4')
    told = []
    frames = list(source.frames(told.append))
    assert [frame.index for frame in frames] == [0, 1, 2, 5, 6, 7, 8]
    assert frames[3].time_s == 0.5 and (frames[3].image == good[5]).all()
    assert [error.problem for error in told] == [
        '3 of the 10 frames it announces cannot be decoded, the first is number 3; they are left out'
    ]


def test_a_file_that_is_no_video(tmp_path):
    (tmp_path / 'v.mp4').write_bytes(b'no video at all')
    told = []
    assert list(open_sources(tmp_path / 'v.mp4')[0].frames(told.append)) == []
    assert told[0].problem == 'it is no video that can be decoded'


@pytest.mark.parametrize('given, device', [('webcam:2', 2), ('webcam', 0), ('1', 1), (3, 3)])
def test_webcams(monkeypatch, given, device):
    opened = []
    capture = Capture([picture(), picture()])
    monkeypatch.setattr(sources.cv2, 'VideoCapture', lambda number: opened.append(number) or capture)
    (source,) = open_sources(given)
    frames = list(source.frames(pytest.fail))
    assert opened == [device] and source.live and source.num_frames is None and source.fps == 10
    assert [frame.index for frame in frames] == [0, 1] and 0 <= frames[0].time_s <= frames[1].time_s
    assert capture.released


def test_no_webcam(monkeypatch):
    monkeypatch.setattr(sources.cv2, 'VideoCapture', lambda number: Capture([], is_open=False))
    with pytest.raises(UserError, match='no camera number 7'):
        open_sources('webcam:7')


# ---------------------------------------------------------------- images of Pillow


@pytest.mark.parametrize('mode', ['RGB', 'RGBA', 'P', 'L', '1', 'CMYK'])
def test_images_of_pillow(mode):
    image = Image.fromarray(np.ascontiguousarray(picture()[..., ::-1])).convert(mode)
    (source,) = open_sources(image)
    (frame,) = source.frames(pytest.fail)
    expected = np.asarray(image.convert('RGB'))[..., ::-1]
    assert source.name == 'image' and source.file is None
    assert frame.image.dtype == np.uint8 and frame.image.flags.c_contiguous
    np.testing.assert_array_equal(frame.image, expected)


def test_images_of_pillow_of_files_and_of_16_bits(tmp_path):
    write_photo(tmp_path / 'turned.jpg', 64, 48, {}, orientation=6)
    opened = Image.open(tmp_path / 'turned.jpg')
    deep = Image.fromarray(picture()[..., 0].astype(np.uint16) * 257)
    found = open_sources([opened, deep, opened])
    assert [source.name for source in found] == ['turned.jpg', 'image', 'turned.jpg_2']
    first, second, _ = (next(iter(source.frames(pytest.fail))).image for source in found)
    np.testing.assert_array_equal(first, read_image(tmp_path / 'turned.jpg'))
    np.testing.assert_array_equal(second, np.repeat(picture()[..., :1], 3, axis=2))
    (tmp_path / 'cut.jpg').write_bytes((tmp_path / 'turned.jpg').read_bytes()[:-300])
    with pytest.raises(UserError, match='cannot be read'), Image.open(tmp_path / 'cut.jpg') as cut:
        open_sources(cut)
    with pytest.raises(UserError, match='mode F is not known'):
        open_sources(Image.fromarray(np.zeros((4, 4), np.float32)))


# ---------------------------------------------------------------- files of the web


class _Server(SimpleHTTPRequestHandler):
    """Files of a folder; a name without suffix is that of a JPEG, and 'short' breaks off."""

    def log_message(self, *args):
        pass

    def guess_type(self, path):
        return super().guess_type(path) if Path(path).suffix else 'image/jpeg'

    def send_header(self, keyword, value):
        short = keyword == 'Content-Length' and 'short' in self.path
        super().send_header(keyword, str(int(value) + 10) if short else value)


@pytest.fixture
def server(tmp_path):
    """The address of a server of this machine, and the folder whose files it gives."""
    folder = tmp_path / 'served'
    folder.mkdir()
    with ThreadingHTTPServer(('127.0.0.1', 0), partial(_Server, directory=str(folder))) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f'http://127.0.0.1:{running.server_port}', folder
        running.shutdown()
        thread.join()


def test_files_of_the_web(server):
    address, folder = server
    write_picture(folder / 'two people.png')
    write_video(folder / 'clip.mp4')
    write_photo(folder / 'photo.jpg', 64, 48, {})
    (folder / 'photo.jpg').rename(folder / 'plain')
    urls = [f'{address}/two%20people.png?size=1', f'{address}/clip.mp4', f'{address}/plain']
    found = open_sources(urls)
    assert [source.name for source in found] == ['two people', 'clip', 'plain']
    assert [source.file for source in found] == urls
    assert [source.is_sequence for source in found] == [False, True, False]
    assert [Path(source.path).name for source in found] == ['two people.png', 'clip.mp4', 'plain.jpg']
    frames = [frame for source in found for frame in source.frames(pytest.fail)]
    np.testing.assert_array_equal(frames[0].image, read_image(folder / 'two people.png'))
    assert len(frames) == 2 + found[1].num_frames
    places = [Path(source.path) for source in found]
    assert all(place.exists() for place in places)
    del found, frames
    gc.collect()
    assert not any(place.parent.exists() for place in places)


def test_what_cannot_be_fetched(server):
    address, folder = server
    (folder / 'short.jpg').write_bytes(b'some bytes')
    (folder / 'page.html').write_text('no image')
    for url, said in (
        (f'{address}/none.jpg', '404'),
        (f'{address}/short.jpg', 'cannot be fetched: the transfer broke off after 10 of 20 bytes'),
        ('http://127.0.0.1:9/a.jpg', 'cannot be fetched: Connection refused'),
        ('http://nowhere.invalid/a.jpg', 'not known here, or there is no connection'),
        ('http:///a.jpg', 'cannot be fetched'),
    ):
        with pytest.raises(UserError, match=said) as caught:
            open_sources(url)
        assert caught.value.file == url and caught.value.remedy
    told = []
    (page,) = open_sources(f'{address}/page.html')
    assert list(page.frames(told.append)) == [] and told[0].file == f'{address}/page.html'


def test_a_photo_of_the_web_tells_its_camera(server, inferencer):
    address, folder = server
    write_photo(folder / 'photo.jpg', 96, 64, {0xA405: 30})  # mm on 35 mm film
    (found,) = next(inferencer(f'{address}/photo.jpg'))['predictions']
    assert found['image']['file'] == f'{address}/photo.jpg' and found['camera']['source'] == 'exif'
