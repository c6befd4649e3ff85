"""The pages of the viewer, without a browser."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.printable import printable
from das_mm.structures.world_frame import WorldFrame
from das_mm.visualization import People, Scene, write_viewer
from das_mm.visualization.palette import NOBODY_RGB, PERSON_COLORS, css
from das_mm.visualization.viewer import mesh_table
from das_mm.visualization.viewer.mesh_table import MeshTable
from das_mm.visualization.viewer.thumbnails import longer_side_px

from .figures import SET, SIZE, TWO, K, standing_people, two_scenes
from .viewer_pages import page_data, people_of_frames, unpacked


def test_people_without_identity(tmp_path):
    """In a clip nobody is "person -1": such people are grey and have a question mark."""
    people = standing_people(*TWO, track_ids=np.array([-1, 7]))
    scene = Scene('0', people, SIZE, K, 'user')
    page = write_viewer(tmp_path / 'v.html', [scene], 'clip', SET, frames_per_second=5.0)
    (people_told,) = people_of_frames(page)
    assert [(person['label'], person['color']) for person in people_told] == [
        ('?', css(NOBODY_RGB)),
        ('7', css(PERSON_COLORS[7])),
    ]


def test_page_is_one_offline_file(tmp_path):
    page = write_viewer(tmp_path / 'viewer.html', two_scenes(), 'Two', SET)
    text = page.read_text()
    assert [p.name for p in tmp_path.iterdir()] == ['viewer.html']
    assert not re.search(r'<(?:script|link|img|iframe)[^>]*(?:src|href)\s*=\s*["\']?(?:https?:)?//', text)
    assert "default-src 'none'" in text and 'unsafe-eval' not in text
    assert re.search('three.js [0-9.]+.*MIT', text)  # its licence asks to be named
    assert '[[' not in re.sub(r'<script.*?</script>', '', text, flags=re.DOTALL)
    # a title cannot end the script element that carries the data
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1]
    assert data.endswith('}') and 'nobody' in data


@pytest.mark.parametrize('name', ['<!--<script>', '</script><img src=x>', 'a & b <i>', '\u2028\x1b[31m', '[[SCRIPT]]'])
def test_no_name_breaks_the_page(tmp_path, name):
    """Whatever images are called, the data between its marks is the json that was meant, without a '<'."""
    scene = replace(two_scenes()[0], title=name)
    text = write_viewer(tmp_path / 'viewer.html', [scene], name, SET).read_text()
    payload = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1]
    assert '<' not in payload
    data = json.loads(payload)
    assert data['title'] == data['frames'][0]['title'] == printable(name)
    assert f'<title>{html.escape(printable(name))}</title>' in text


def test_pages_stay_small(tmp_path):
    """A few photographs: under 1.5 MB. In a long clip a person weighs some 200 bytes a frame."""
    rng = np.random.default_rng(0)
    grain = rng.integers(0, 255, (36, 64, 3)).astype(np.uint8)
    image = cv2.GaussianBlur(cv2.resize(grain, (1280, 720), interpolation=cv2.INTER_CUBIC), (0, 0), 2)
    scenes = [Scene(str(i), standing_people(*TWO), (1280, 720), K, 'user', image) for i in range(4)]
    few = write_viewer(tmp_path / 'few.html', scenes, 'few', SET).stat().st_size
    assert few < 1.5e6
    crowd = standing_people(*(((x, 0, z)) for x in range(-2000, 2000, 1000) for z in range(4000, 9000, 1000)))
    scenes = [Scene(str(i), crowd, (1280, 720), K, 'user') for i in range(100)]
    one, many = (
        write_viewer(tmp_path / 'v.html', part, 'v', SET, frames_per_second=25).stat().st_size
        for part in (scenes[:1], scenes)
    )
    assert (many - one) / 99 / 20 < 260
    assert longer_side_px(4, 640, (1280, 720)) == 640 and 200 <= longer_side_px(2000, 640, (1280, 720)) < 280


def test_bodies_become_coarser_and_are_left_out_in_words(monkeypatch):
    monkeypatch.setattr(mesh_table, '_BUDGET_BYTES', 10 * mesh_table._size_bytes(2500))
    rows, columns = np.mgrid[:49, :49].reshape(2, -1)
    corner = rows * 50 + columns
    faces = np.concatenate(
        [np.stack([corner, corner + 1, corner + 50], 1), np.stack([corner + 1, corner + 51, corner + 50], 1)]
    )
    surface = np.stack([*np.mgrid[:50, :50].reshape(2, -1) * 30.0, np.full(2500, 3000.0)], 1)[None].astype(np.float32)
    table = MeshTable(faces)
    assert [table.add(People(vertices_cam_mm=surface)) for _ in range(5)] == [
        [i] for i in range(5)
    ] and table.words == ''
    for _ in range(10):
        table.add(People(vertices_cam_mm=surface))
    packed = table.packed()
    assert 'of 2500 vertices' in table.words and packed['size'] < 1250
    places = unpacked(packed['vertices']).reshape(15, -1, 3) + unpacked(packed['origins']).reshape(15, 1, 3)
    assert {tuple(point) for point in places[0]} <= {tuple(point) for point in surface[0]}
    assert (places == places[0]).all() and unpacked(packed['faces']).max() < packed['size']
    assert table.add(People(vertices_cam_mm=np.full((1, 2500, 3), np.nan))) == [-1]
    for _ in range(300):
        table.add(People(vertices_cam_mm=surface))
    assert table.packed() is None and 'left out' in table.words


def test_floor_of_a_clip_and_of_a_world(tmp_path):
    """One pose for all frames of a clip; a floor that is told is taken before any guess."""
    scenes = [Scene(str(i), standing_people((300.0 * i, 500, 3000)), SIZE, K, 'user') for i in range(6)]
    data = page_data(write_viewer(tmp_path / 'v.html', scenes, 'v', SET, frames_per_second=5))
    assert [frame['pose'] for frame in data['frames']] == [0] * 6 and len(data['poses']) == 1
    matrix = np.reshape(data['poses'][0]['matrix'], (3, 4))
    np.testing.assert_allclose(matrix, [[1, 0, 0, 0], [0, -1, 0, 1.33], [0, 0, -1, 0]], atol=0.05)
    world = WorldFrame.over_floor(np.array([0.0, -0.9, -0.3]), 1700, 12.0, 0.5, 40)
    told = [replace(scene, world=world) for scene in scenes]
    data = page_data(write_viewer(tmp_path / 'v.html', told, 'v', SET, frames_per_second=5))
    (pose,) = data['poses']
    np.testing.assert_allclose(np.reshape(pose['matrix'], (3, 4)), world.camera_to_world[:3], atol=1e-5)
    assert pose['basis'] == 'world' and '40 feet' in pose['text'] and '1.70 m' in pose['text']
    apart = page_data(write_viewer(tmp_path / 'v.html', scenes, 'v', SET))
    assert [frame['pose'] for frame in apart['frames']] == [*range(6)] and apart['times'] is None


def test_wrong_input(tmp_path):
    with pytest.raises(ValueError, match='at least one'):
        write_viewer(tmp_path / 'v.html', [], 'none', SET)
    (tmp_path / 'blocked').write_text('')
    with pytest.raises(UserError, match='blocked'):
        write_viewer(tmp_path / 'blocked' / 'v.html', two_scenes(), 'two', SET)


def test_no_meshes_where_there_are_none(tmp_path):
    scenes = [Scene('one', standing_people((0.0, 0, 3000)), SIZE, K)]
    page = write_viewer(tmp_path / 'v.html', scenes, 'none', SET, faces=np.array([[0, 1, 2]]))
    assert page_data(page)['meshes'] is None
