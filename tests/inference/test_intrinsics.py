"""Where the camera of an image comes from, and that K is that of the image as shown."""

from __future__ import annotations

import json
import math
import os
import random

import numpy as np
import pytest
from PIL import Image

from das_mm.errors import UserError
from das_mm.inference.exif import exif_intrinsics
from das_mm.inference.intrinsics import CameraFinder, parse_intrinsics
from das_mm.structures import default_intrinsics
from tests.pictures import write_photo, write_picture

FOCAL_35, FOCAL, PLANE_X, PLANE_UNIT, PIXELS_X, PIXELS_Y = 0xA405, 0x920A, 0xA20E, 0xA210, 0xA002, 0xA003
K_FULL_HD = [[1500.0, 0, 960], [0, 1490.0, 540], [0, 0, 1]]


def test_focal_length_in_35mm(tmp_path):
    """36×24 film and a 3:2 image: 50 mm of 36 mm width."""
    K, words = exif_intrinsics(write_photo(tmp_path / 'a.jpg', 360, 240, {FOCAL_35: 50}), (360, 240))
    np.testing.assert_allclose(K, [[500, 0, 179.5], [0, 500, 119.5], [0, 0, 1]], atol=1e-6)
    assert words == 'FocalLengthIn35mmFilm 50 mm'


def test_the_diagonal_counts_for_other_ratios(tmp_path):
    K, _ = exif_intrinsics(write_photo(tmp_path / 'a.jpg', 320, 240, {FOCAL_35: 26}), (320, 240))
    assert K[0, 0] == pytest.approx(26 * 400 / math.hypot(36, 24))


def test_a_turned_photo(tmp_path):
    """Stored lying, shown standing: the centre is that of the standing image, the focal length the same."""
    lying = {FOCAL_35: 50, PIXELS_X: 360, PIXELS_Y: 240}
    K, _ = exif_intrinsics(write_photo(tmp_path / 'a.jpg', 360, 240, lying, orientation=6), (240, 360))
    np.testing.assert_allclose(K, [[500, 0, 119.5], [0, 500, 179.5], [0, 0, 1]], atol=1e-6)


@pytest.mark.parametrize('unit, resolution', [(2, 10 * 25.4), (3, 100), (4, 10), (None, 10 * 25.4)])
def test_focal_plane_resolution(tmp_path, unit, resolution):
    """10 px/mm, 30 mm: 300 px of the recorded 720; the file holds half of that."""
    fields = {FOCAL: 30.0, PLANE_X: resolution, PIXELS_X: 720, PIXELS_Y: 480}
    if unit is not None:
        fields[PLANE_UNIT] = unit
    K, words = exif_intrinsics(write_photo(tmp_path / 'a.jpg', 360, 240, fields), (360, 240))
    assert K[0, 0] == pytest.approx(150) and words == 'FocalLength 30 mm, FocalPlaneXResolution 10 px/mm'


@pytest.mark.parametrize(
    'fields', [{}, {FOCAL: 5.0}, {FOCAL_35: 0}, {FOCAL_35: 60000}, {FOCAL_35: 50, PIXELS_X: 240, PIXELS_Y: 240}]
)
def test_what_exif_does_not_tell(tmp_path, fields):
    """Nothing, a focal length without the sensor, zero, absurd, or of an image that was cropped since."""
    assert exif_intrinsics(write_photo(tmp_path / 'a.jpg', 360, 240, fields), (360, 240)) is None


def test_files_without_exif(tmp_path):
    (tmp_path / 'a.txt').write_text('no image')
    for path in (write_picture(tmp_path / 'a.png'), tmp_path / 'a.txt', tmp_path / 'none.jpg'):
        assert exif_intrinsics(path, (96, 64)) is None


def test_the_order_of_sources(tmp_path):
    photo = str(write_photo(tmp_path / 'photo.jpg', 360, 240, {FOCAL_35: 50}))
    plain = str(write_picture(tmp_path / 'plain.png', 360, 240))
    both = CameraFinder('400,410,180,120', fov_deg=70)
    found = [
        CameraFinder().find((360, 240), plain),
        CameraFinder(fov_deg=70).find((360, 240), plain),
        CameraFinder(fov_deg=70).find((360, 240), photo),
        both.find((360, 240), photo),
    ]
    assert [one['source'] for one in found] == ['default_fov', 'fov', 'exif', 'user']
    assert found[0]['K'] is None
    np.testing.assert_allclose(found[1]['K'], default_intrinsics(360, 240, 70))
    assert found[2]['K'][0, 0] == pytest.approx(500) and found[2]['detail'].startswith('FocalLengthIn35mmFilm')
    np.testing.assert_allclose(found[3]['K'], [[400, 0, 180], [0, 410, 120], [0, 0, 1]])
    assert CameraFinder().find((360, 240), photo, is_photo=False)['source'] == 'default_fov'


@pytest.mark.parametrize(
    'suffix, text',
    [
        ('json', json.dumps(dict(K=K_FULL_HD, width=1920, height=1080, dist=[0.1, 0.01, 0, 0]))),
        ('yaml', 'fx: 1500\nfy: 1490\ncx: 960\ncy: 540\nwidth: 1920\nheight: 1080\ndist: [0.1, 0.01, 0, 0, 0]\n'),
    ],
)
def test_a_file_for_another_size(tmp_path, suffix, text):
    """Half the size: half the focal length; the centre by the pixel-centre convention x' = s (x + 0.5) - 0.5."""
    file = tmp_path / f'camera.{suffix}'
    file.write_text(text)
    found = CameraFinder(file).find((960, 540))
    np.testing.assert_allclose(found['K'], [[750, 0, 479.75], [0, 745, 269.75], [0, 0, 1]])
    np.testing.assert_allclose(found['dist'], [0.1, 0.01, 0, 0, 0])
    np.testing.assert_allclose(CameraFinder(file).find((1920, 1080))['K'], K_FULL_HD)


def test_one_camera_for_each_image(tmp_path):
    file = tmp_path / 'cameras.json'
    file.write_text(json.dumps({'a.png': K_FULL_HD, 'b': dict(fx=100, fy=100, cx=50, cy=40)}))
    finder = CameraFinder(str(file), fov_deg=60)
    assert finder.find((1920, 1080), 'x/a.png')['K'][0, 0] == 1500
    assert finder.find((96, 64), 'y/b.png')['K'][0, 0] == 100
    other = finder.find((96, 64), 'z/c.png')
    assert other['source'] == 'fov'


@pytest.mark.parametrize('given', [K_FULL_HD, np.array(K_FULL_HD), (1500, 1490, 960, 540), dict(K=K_FULL_HD)])
def test_given_in_python(given):
    np.testing.assert_allclose(CameraFinder(given).find((1920, 1080))['K'], K_FULL_HD)


@pytest.mark.parametrize(
    'text, said',
    [
        ('{"K": [[0, 0, 5], [0, 1, 5], [0, 0, 1]]}', 'camera.json: K: the intrinsics are singular'),
        ('{"K": [[1, 0], [0, 1]]}', 'camera.json: K: the intrinsics have shape'),
        ('{"fx": 1, "fy": NaN, "cx": 1, "cy": 1}', 'camera.json: fx, fy, cx, cy: the intrinsics hold NaN'),
        ('{"fx": 1, "fy": 1, "cx": 1}', 'camera.json: cy: it is missing'),
        ('{"a.jpg": {"K": [[1, 0, "x"], [0, 1, 0], [0, 0, 1]]}}', 'camera.json: a.jpg.K: '),
        ('{"a.jpg": {"fx": 1, "fy": 1, "cx": 1}}', 'camera.json: a.jpg.cy: it is missing'),
        ('{"fx": 1, "fy": 1, "cx": 1, "cy": 1, "distortion": []}', 'intrinsics: these are not known: distortion'),
        ('{"fx": 1, "fy": 1, "cx": 1, "cy": 1, "dist": [1, 2]}', 'camera.json: dist: [1, 2] is no lens distortion'),
        ('{"fx": 1, "fy": 1, "cx": 1, "cy": 1, "width": 5}', 'camera.json: height: None is no number of pixels'),
        ('{"fx": 1,', 'camera.json: intrinsics: is no valid json, perhaps cut short'),
        ('[]', 'camera.json: intrinsics: it holds no camera'),
    ],
)
def test_bad_files_are_named(tmp_path, text, said):
    file = tmp_path / 'camera.json'
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        CameraFinder(file)
    assert said in str(caught.value) and caught.value.remedy


@pytest.mark.parametrize(
    'given, said',
    [
        ('1,2,3', 'there are 3 numbers'),
        ('street.jpg', 'neither a file nor fx,fy,cx,cy'),
        ('none.json', 'none.json: intrinsics: the file of intrinsics does not exist'),
        ('0,1,1,1', 'intrinsics: the intrinsics are singular'),
        ('-5,1,1,1', 'the focal lengths are negative'),
    ],
)
def test_bad_words(given, said):
    with pytest.raises(UserError, match=said):
        parse_intrinsics(given)


def test_another_shape_is_refused():
    finder = CameraFinder(dict(K=K_FULL_HD, width=1920, height=1080))
    with pytest.raises(UserError, match='for 1920×1080 px, and the image is 1080×1920 px'):
        finder.find((1080, 1920))
    with pytest.raises(UserError, match='a field of view of 200° is impossible'):
        CameraFinder(fov_deg=200)


@pytest.mark.parametrize('ending', ['json', 'yaml', 'yml'])
@pytest.mark.parametrize('mark', [b'', b'\xef\xbb\xbf'])
def test_a_byte_order_mark_is_passed_over(tmp_path, ending, mark):
    path = tmp_path / f'k.{ending}'
    path.write_bytes(mark + b'{"fx": 100, "fy": 110, "cx": 50, "cy": 40}')
    np.testing.assert_array_equal(parse_intrinsics(path)[None].K, [[100, 0, 50], [0, 110, 40], [0, 0, 1]])


BIG = '1' + '0' * 400


@pytest.mark.parametrize(
    'name, text, field, said',
    [
        ('k.json', f'{{"fx": {BIG}, "fy": 1, "cx": 1, "cy": 1}}', 'fx, fy, cx, cy', 'not a 3×3 matrix of numbers'),
        ('k.yaml', f'fx: {BIG}\nfy: 1\ncx: 1\ncy: 1', 'fx, fy, cx, cy', 'not a 3×3 matrix of numbers'),
        ('k.json', f'{{"K": [[{BIG}, 0, 1], [0, 1, 1], [0, 0, 1]]}}', 'K', 'not a 3×3 matrix of numbers'),
        ('k.json', f'{{"fx": 1, "fy": 1, "cx": 1, "cy": 1, "dist": [{BIG}, 0, 0, 0]}}', 'dist', 'no lens distortion'),
        ('k.json', f'{{"fx": 1, "fy": 1, "cx": 1, "cy": 1, "width": {BIG}}}', 'width', 'no number of pixels'),
        ('k.json', '{"fx": 1, "fy": 1, "cx": 1, "cy": 1, "width": true, "height": 9}', 'width', 'no number of pixels'),
        ('k.json', '{"fx": NaN, "fy": 1, "cx": 1, "cy": 1}', 'fx, fy, cx, cy', 'NaN or infinity'),
        ('k.json', '[' * 100_000, 'intrinsics', 'nested too deeply'),
        ('k.yaml', '[' * 5_000, 'intrinsics', 'nested too deeply'),
        ('k.json', '{"a.jpg": ' + '[' * 200 + ']' * 200 + '}', 'a.jpg.K', 'not a 3×3 matrix of numbers'),
        ('k.yaml', 'a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nfx: *c', 'intrinsics', 'not known'),
    ],
)
def test_numbers_and_nesting_beyond_reason(tmp_path, name, text, field, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=said) as caught:
        parse_intrinsics(tmp_path / name)
    assert str(caught.value.file) == str(tmp_path / name) and str(caught.value.field) == field and caught.value.remedy
    assert len(str(caught.value)) < 500


def test_pipes_folders_and_names_of_absurd_length(tmp_path):
    os.mkfifo(tmp_path / 'k.json')
    os.mkfifo(tmp_path / 'k.yaml')
    (tmp_path / 'folder.json').mkdir()
    for given, said in (
        (tmp_path / 'k.json', 'it is a named pipe, not a file'),
        (tmp_path / 'k.yaml', 'it is a named pipe, not a file'),
        (tmp_path / 'folder.json', 'it is a folder, not a file'),
        ('x' * 5000, 'is neither a file nor fx,fy,cx,cy'),
        ('x' * 5000 + '.json', 'too long'),
        ([[[]]], 'make no camera'),
    ):
        with pytest.raises(UserError, match=said) as caught:
            parse_intrinsics(given)
        assert caught.value.field == 'intrinsics' and caught.value.remedy


def test_damaged_files_give_a_camera_or_an_error(tmp_path):
    """Bytes and values of json and yaml, 500 times: what passes makes a K for any image, or says why not."""
    chance, outcomes = random.Random(0), {'error': 0, 'camera': 0}
    camera = dict(K=K_FULL_HD, dist=[0.1, 0, 0, 0, 0], width=1920, height=1080)
    whole = [
        json.dumps(camera).encode(),
        json.dumps({'a.jpg': camera, 'b': dict(fx=9.5, fy=9, cx=1, cy=2)}).encode(),
        b'fx: 1450\nfy: 1450.5\ncx: 959.5\ncy: 539.5\nwidth: 1920\nheight: 1080\ndist: [1, 2, 3, 4]\n',
    ]
    odd = [BIG.encode(), b'NaN', b'-1', b'1e999', b'null', b'[[', b'{}', b'"x"', b'\xff', b'&a', b'*a', b'0x9', b'1:2']
    for turn in range(500):
        data = bytearray(whole[turn % 3])
        for _ in range(chance.choice([1, 1, 2, 5])):
            digits = [at for at, byte in enumerate(data) if 48 <= byte < 58]
            at = chance.choice([chance.randrange(len(data)), chance.choice(digits)])
            data[at : at + chance.choice([1, 1, 4])] = chance.choice(
                [*odd, b'7', b'77', bytes([chance.randrange(256)])]
            )
        path = tmp_path / ('k.yaml' if turn % 3 == 2 else 'k.json')
        path.write_bytes(data)
        try:
            for given in parse_intrinsics(path).values():
                K = given.for_size((1920, 1080))
                assert K.shape == (3, 3) and np.isfinite(K).all() and K[0, 0] > 0
            outcomes['camera'] += 1
        except UserError as error:
            assert error.remedy and error.field
            outcomes['error'] += 1
    assert min(outcomes.values()) > 10, outcomes


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP'])
def test_the_focal_length_of_every_kind_of_photograph(tmp_path, kind):
    image, exif = Image.new('RGB', (360, 240)), Image.Exif()
    exif[0x8769], exif[0x0112] = {FOCAL_35: 50}, 1
    image.save(tmp_path / 'a', kind, exif=exif.tobytes())
    K, _ = exif_intrinsics(tmp_path / 'a', (360, 240))
    np.testing.assert_allclose(K, [[500, 0, 179.5], [0, 500, 119.5], [0, 0, 1]], atol=1e-6)
