from __future__ import annotations

import re

import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.visualization import People, Scene, write_viewer
from das_mm.visualization.palette import PERSON_COLORS, css

from .browser import CHROMIUM, open_page
from .figures import K, NAMES, SET, SIZE, photo, standing_people

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason='no Chromium is installed (Debian: apt-get install chromium): '
                                    'what the viewer shows is not checked')
TWO = ((-500.0, 0.0, 3000.0), (600.0, 100.0, 4200.0))


def two_scenes() -> list[Scene]:
    """Two people and one true one; then nobody, in an image whose camera is a guess."""
    return [Scene('two.jpg', standing_people(*TWO), SIZE, K, 'annotation', photo(), truth=standing_people(TWO[0])),
            Scene('nobody </script>.jpg', People(), SIZE, K, 'default_fov', photo())]


def pixels_near(image: np.ndarray, rgb: tuple[int, int, int], tolerance: int = 40) -> int:
    return int((np.abs(image[..., ::-1].astype(int) - rgb).max(-1) <= tolerance).sum())


def visible_text(dom: str, element: str) -> str:
    return re.search(rf'id="{element}"[^>]*>(.*?)</(?:p|h1|span|div|ul)>', dom, re.DOTALL)[1]


@needs_chromium
def test_shows_the_people(tmp_path):
    page = write_viewer(tmp_path / 'viewer.html', two_scenes(), 'Two <people>', SET)
    shown = open_page(page, tmp_path)
    assert 'failure' not in shown.body
    assert (shown.body['people'], shown.body['truth'], shown.body['frame'], shown.body['frames']) == ('2', '1', '0', '2')
    assert shown.body['joints'] == str(3 * 15)  # every joint of three skeletons has its marker
    assert shown.body['peopletraces'] == str(2 * 3 + 2)  # bones, joints, label for each; bones, joints of the truth
    assert shown.body['camerasource'] == 'annotation'
    assert visible_text(shown.dom, 'title') == 'Two &lt;people&gt;'
    assert visible_text(shown.dom, 'count') == '2 people found'
    people = visible_text(shown.dom, 'people')
    for i, depth in enumerate(('3.00 m', '4.20 m')):
        assert f'person {i + 1}' in people and depth in people
    assert 'score 0.90' in people and 'score 0.80' in people
    assert 'intrinsics given with the data' in visible_text(shown.dom, 'camera')
    assert 'feet of 2' in visible_text(shown.dom, 'ground')
    # the canvas (left of the panel, away from the legend) is not empty: both colours, the truth's white, the frustum
    canvas = shown.screenshot[60:700, :840]
    for color in PERSON_COLORS[:2]:
        assert pixels_near(canvas, color) > 60, color
    assert pixels_near(canvas, (255, 255, 255), 25) > 30
    assert pixels_near(canvas, (0xf0, 0xb4, 0x29)) > 100
    assert pixels_near(canvas, (100, 110, 120), 6) > 500  # the image itself, as a plane


@needs_chromium
def test_answers_to_mouse_and_keys(tmp_path):
    page = write_viewer(tmp_path / 'viewer.html', two_scenes(), 'Two', SET)
    shown = open_page(page, tmp_path, script='''
        const plot = document.getElementById('plot');
        const markers = () => plot.data.filter(t => t.mode === 'markers' && t.hovertext.length === 15);
        log.hover = markers().flatMap(t => t.hovertext);
        const box = plot.getBoundingClientRect(), target = document.elementFromPoint(500, 300);
        const eye = () => JSON.stringify(plot._fullLayout.scene._scene.getCamera().eye);
        const mouse = (kind, x, buttons) => target.dispatchEvent(new MouseEvent(kind,
            { bubbles: true, clientX: x, clientY: 300, button: 0, buttons, view: window }));
        log.before = eye();
        mouse('mousemove', 500, 0); mouse('mousedown', 500, 1);
        for (let x = 500; x < 640; x += 20) { mouse('mousemove', x, 1); await rest(); }
        mouse('mouseup', 640, 0); await rest(300);
        log.after = eye();
        document.getElementById('show-truth').click(); await rest(500);
        log.jointsWithoutTruth = document.body.dataset.joints;
        const key = name => document.body.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true }));
        key('ArrowRight'); await rest(500);
        log.second = { ...document.body.dataset };
        key('ArrowLeft'); await rest(500);
        log.back = document.body.dataset.frame;
        document.getElementById('slider').value = 1;
        document.getElementById('slider').dispatchEvent(new Event('input')); await rest(500);
        ''')
    log = shown.log
    assert 'error' not in log, log
    left_wrist = standing_people(*TWO).keypoints_cam_mm[1, NAMES.index('left_wrist')]
    x, y, z = (f'{value:.0f}' for value in left_wrist)
    assert any(text == f'<b>left wrist</b>, person 2<br>x {x} mm<br>y {y} mm<br>z {z} mm' for text in log['hover'])
    assert len(log['hover']) == 45
    assert log['before'] != log['after'], 'dragging did not orbit'
    assert log['jointsWithoutTruth'] == '30'
    assert (log['second']['frame'], log['second']['people'], log['back']) == ('1', '0', '0')
    # ends on the second image: nobody, and a camera that is a guess
    assert shown.body['frame'] == '1' and shown.body['joints'] == '0' and shown.body['camerasource'] == 'default_fov'
    assert 'hidden' not in re.search(r'<div id="nobody"[^>]*>', shown.dom)[0]
    assert visible_text(shown.dom, 'count') == 'nobody found'
    assert 'default field of view assumed' in visible_text(shown.dom, 'camera')
    assert 'no grid' in visible_text(shown.dom, 'ground')


@needs_chromium
def test_plays_a_sequence_with_bodies(tmp_path):
    faces = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])
    corners = np.array([[0, -800, 0], [-300, 800, -200], [300, 800, -200], [0, 800, 300]], float)
    scenes = []
    for step in range(4):
        roots = [(-600.0 + 200 * step, 0, 3000), (600, 0, 4000.0)]
        people = standing_people(*roots, track_ids=np.array([6, 3]), vertices_cam_mm=corners + np.array(roots)[:, None])
        scenes.append(Scene(f'frame {step}', people, SIZE, K, 'user', photo()))
    page = write_viewer(tmp_path / 'walk.html', scenes, 'A walk', SET, faces=faces, frames_per_second=10)
    shown = open_page(page, tmp_path, fragment='#frame=1', script='''
        log.first = { ...document.body.dataset };
        log.vertices = document.getElementById('plot').data.filter(t => t.type === 'mesh3d' && t.x.length === 4).map(t => t.x);
        const seen = new Set();
        document.getElementById('play').click();
        for (let i = 0; i < 60; i++) { await rest(); seen.add(document.body.dataset.frame); }
        document.getElementById('play').click(); await rest(500);
        log.seen = [...seen].sort();
        log.stopped = document.body.dataset.frame; await rest(500);
        log.still = document.body.dataset.frame;
        ''')
    log = shown.log
    assert 'error' not in log, log
    assert (log['first']['frame'], log['first']['people'], log['first']['meshes']) == ('1', '2', '2')
    assert np.allclose(log['vertices'], (corners[:, 0] + np.array([[-400], [600]])) / 1000, atol=1e-3)
    assert log['seen'] == ['0', '1', '2', '3'] and log['stopped'] == log['still']
    for identity in (6, 3):
        assert f'person {identity}' in visible_text(shown.dom, 'people')
        assert css(PERSON_COLORS[identity]) in page.read_text()


def test_page_is_one_offline_file(tmp_path):
    page = write_viewer(tmp_path / 'viewer.html', two_scenes(), 'Two', SET)
    text = page.read_text()
    assert [p.name for p in tmp_path.iterdir()] == ['viewer.html']
    assert not re.search(r'<(?:script|link|img|iframe)[^>]*(?:src|href)\s*=\s*["\']?(?:https?:)?//', text)
    assert "default-src 'none'" in text
    assert '[[' not in re.sub(r'<script.*?</script>', '', text, flags=re.DOTALL)
    # a title cannot end the script element that carries the data
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1]
    assert data.endswith('}') and 'nobody' in data


def test_many_frames_stay_small(tmp_path):
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 255, (24, 32, 3)).astype(np.uint8).repeat(20, 0).repeat(20, 1)
    scenes = [Scene(str(i), standing_people(*TWO), (640, 480), K, 'user', frame) for i in range(64)]
    one = write_viewer(tmp_path / 'one.html', scenes[:1], 'one', SET, thumbnail_px=160).stat().st_size
    many = write_viewer(tmp_path / 'many.html', scenes, 'many', SET, frames_per_second=25, thumbnail_px=160).stat().st_size
    assert (many - one) / 63 < 20_000


def test_gaps_and_unknowns(tmp_path):
    poses = standing_people(*TWO).keypoints_cam_mm.copy()
    poses[0, 3:] = np.nan
    people = People(keypoints_cam_mm=poses, keypoint_scores=np.full((2, 15), np.nan), scores=np.array([np.nan, 0.5]))
    only_px = People(keypoints_px=standing_people(TWO[0]).keypoints_px)
    page = write_viewer(tmp_path / 'v.html', [Scene('a', people, SIZE), Scene('b', only_px, SIZE, K, 'exif')], 'gaps', SET)
    assert 'NaN' not in re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)[1]


def test_wrong_input(tmp_path):
    with pytest.raises(ValueError, match='at least one'):
        write_viewer(tmp_path / 'v.html', [], 'none', SET)
    (tmp_path / 'blocked').write_text('')
    with pytest.raises(UserError, match='blocked'):
        write_viewer(tmp_path / 'blocked' / 'v.html', two_scenes(), 'two', SET)
