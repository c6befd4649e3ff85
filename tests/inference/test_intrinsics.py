"""Where the camera of an image comes from, and that K is that of the image as shown."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

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
        ('{"fx": 1, "fy": 1, "cx": 1, "cy": 1, "distortion": []}', 'camera.json: this is not known: distortion'),
        ('{"fx": 1, "fy": 1, "cx": 1, "cy": 1, "dist": [1, 2]}', 'camera.json: dist: [1, 2] is no lens distortion'),
        ('{"fx": 1, "fy": 1, "cx": 1, "cy": 1, "width": 5}', 'camera.json: height: None is no number of pixels'),
        ('{"fx": 1,', 'camera.json: intrinsics: the intrinsics cannot be read: Expecting'),
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
        ('none.json', 'none.json: intrinsics: the intrinsics cannot be read: No such file'),
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
