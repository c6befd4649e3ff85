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
from das_mm.visualization import People, Scene, write_viewer
from das_mm.visualization.palette import NOBODY_RGB, PERSON_COLORS, css

from .browser import CHROMIUM, Browser
from .figures import NAMES, SET, SIZE, K, photo, standing_people

TWO = ((-500.0, 0.0, 3000.0), (600.0, 100.0, 4200.0))


EYE = (
    "Object.values(document.getElementById('plot')._fullLayout.scene._scene.getCamera().eye)"
    ".map(v => v.toFixed(5)).join(' ')"
)


def two_scenes() -> list[Scene]:
    """Two people and one true one; then nobody, in an image whose camera is a guess."""
    return [
        Scene('two.jpg', standing_people(*TWO), SIZE, K, 'annotation', photo(), truth=standing_people(TWO[0])),
        Scene('nobody </script>.jpg', People(), SIZE, K, 'default_fov', photo()),
    ]


def pixels_near(image: np.ndarray, rgb: tuple[int, int, int], tolerance: int = 40) -> int:
    return int((np.abs(image[..., ::-1].astype(int) - rgb).max(-1) <= tolerance).sum())


def test_people_without_identity(tmp_path):
    """In a clip nobody is "person -1": such people are grey and have a question mark."""
    people = standing_people(*TWO, track_ids=np.array([-1, 7]))
    page = write_viewer(
        tmp_path / 'v.html', [Scene('0', people, SIZE, K, 'user')], 'clip', SET, frames_per_second=5.0
    ).read_text()
    assert re.findall(r'"label":"([^"]*)","color":"([^"]*)"', page) == [
        ('?', css(NOBODY_RGB)),
        ('7', css(PERSON_COLORS[7])),
    ]


@pytest.fixture(scope='module')
def browser(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip('no Chromium is installed (Debian: apt-get install chromium): what the viewer shows is not checked')
    with Browser(tmp_path_factory.mktemp('chromium')) as opened:
        yield opened


def test_shows_the_people(tmp_path, browser):
    browser.open(write_viewer(tmp_path / 'viewer.html', two_scenes(), 'Two <people>', SET))
    body = browser.body()
    assert 'failure' not in body
    assert (body['people'], body['truth'], body['frame'], body['frames']) == ('2', '1', '0', '2')
    assert body['joints'] == str(3 * 15)  # every joint of three skeletons has its marker
    assert body['peopleTraces'] == str(2 * 3 + 2)  # bones, joints, label for each; bones, joints of the truth
    assert body['cameraSource'] == 'annotation' and 'intrinsics given with the data' in browser.text('camera')
    assert browser.text('title') == 'Two <people>'
    assert browser.text('count') == '2 people found' and browser.text('nobody') == ''
    assert browser.text('truth-count').startswith('1 true')
    people = browser.text('people')
    for text in ('person 1', 'score 0.90', '3.00 m', 'person 2', 'score 0.80', '4.20 m'):
        assert text in people
    assert 'feet of 2' in browser.text('ground')
    assert browser.evaluate("performance.getEntriesByType('resource').filter(e => e.name.startsWith('http'))") == []
    # the canvas (left of the panel, away from the legend) is not empty: both colours, the truth's white, the frustum
    canvas = browser.screenshot()[40:640, :540]
    for color in PERSON_COLORS[:2]:
        assert pixels_near(canvas, color) > 60, color
    assert pixels_near(canvas, (255, 255, 255), 25) > 30
    assert pixels_near(canvas, (0xF0, 0xB4, 0x29)) > 100
    assert pixels_near(canvas, (100, 110, 120), 6) > 500  # the image itself, as a plane


def test_camera_view_puts_people_on_their_pixels(tmp_path, browser):
    """From the camera, the drawn joints and the image behind them fall together as the intrinsics say."""
    image = photo()
    for x, y in standing_people(*TWO).keypoints_px.reshape(-1, 2):
        cv2.circle(image, (round(x), round(y)), 4, (0, 0, 255), -1)
    scene = Scene('a', standing_people(*TWO), SIZE, K, 'user', image)
    browser.open(write_viewer(tmp_path / 'v.html', [scene], 'A', SET), '#view=camera&predicted=0')
    without = browser.screenshot()[40:640, :540].astype(int)
    browser.evaluate("document.getElementById('show-predicted').click()")
    browser.wait_for("document.body.dataset.joints === '30'")
    drawn = np.abs(browser.screenshot()[40:640, :540].astype(int) - without).max(-1) > 60
    red = (without[..., 2] > 150) & (without[..., 1] < 90)
    assert red.sum() > 500
    # nearly all of the red dots lie under or beside a drawn joint
    near = cv2.dilate(drawn.astype(np.uint8), np.ones((25, 25))) > 0
    assert near[red].mean() > 0.95 and drawn.sum() < 0.1 * drawn.size


def test_answers_to_mouse_and_keys(tmp_path, browser):
    browser.open(write_viewer(tmp_path / 'viewer.html', two_scenes(), 'Two', SET))
    hover = browser.evaluate(
        "document.getElementById('plot').data.filter(t => t.mode === 'markers').flatMap(t => t.hovertext)"
    )
    left_wrist = standing_people(*TWO).keypoints_cam_mm[1, NAMES.index('left_wrist')]
    x, y, z = (f'{value:.0f}' for value in left_wrist)
    assert f'<b>left wrist</b>, person 2<br>x {x} mm<br>y {y} mm<br>z {z} mm' in hover

    before = browser.evaluate(EYE)
    browser.mouse('mouseMoved', 250, 300)
    browser.mouse('mousePressed', 250, 300, pressed=True)
    for step in range(1, 8):
        browser.mouse('mouseMoved', 250 + 20 * step, 300, pressed=True)
        browser.evaluate('new Promise(requestAnimationFrame)')
    browser.mouse('mouseReleased', 390, 300)
    browser.wait_for(f'{EYE} !== {before!r}')

    browser.evaluate("document.getElementById('show-truth').click()")
    browser.wait_for("document.body.dataset.joints === '30'")
    browser.press('ArrowRight')
    browser.wait_for("document.body.dataset.frame === '1'")
    body = browser.body()
    # the second image: nobody, and a camera that is a guess
    assert (body['people'], body['joints'], body['cameraSource']) == ('0', '0', 'default_fov')
    assert browser.text('nobody') == browser.text('count') == 'nobody found'
    assert 'default field of view assumed' in browser.text('camera') and 'no grid' in browser.text('ground')
    browser.press('ArrowLeft')
    browser.wait_for("document.body.dataset.people === '2'")


def test_plays_a_sequence_with_bodies(tmp_path, browser):
    faces = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])
    corners = np.array([[0, -800, 0], [-300, 800, -200], [300, 800, -200], [0, 800, 300]], float)
    scenes = []
    for step in range(3):
        roots = [(-600.0 + 200 * step, 0, 3000), (600, 0, 4000.0)]
        people = standing_people(*roots, track_ids=np.array([6, 3]), vertices_cam_mm=corners + np.array(roots)[:, None])
        truth = standing_people(roots[0], vertices_cam_mm=corners[None] + roots[0])
        scenes.append(Scene(f'frame {step}', people, SIZE, K, 'user', photo(), truth=truth))
    browser.open(
        write_viewer(tmp_path / 'walk.html', scenes, 'A walk', SET, faces=faces, frames_per_second=30), '#frame=1'
    )
    body = browser.body()
    assert (body['frame'], body['people'], body['meshes']) == ('1', '2', '3')
    vertices = browser.evaluate(
        "document.getElementById('plot').data.filter(t => t.type === 'mesh3d' && t.x.length === 4).map(t => t.x)"
    )
    assert np.allclose(vertices, (corners[:, 0] + np.array([[-400], [600], [-400]])) / 1000, atol=1e-3)
    assert 'person 6' in browser.text('people') and 'person 3' in browser.text('people')
    canvas = browser.screenshot()[40:640, :540]
    for identity in (6, 3):  # shaded bodies: darker tones of the person's colour count
        hue = np.array(PERSON_COLORS[identity]) * 0.8
        assert pixels_near(canvas, tuple(hue), 50) > 300, identity
    eye = browser.evaluate(EYE)
    browser.evaluate("""window.seen = [];
                        new MutationObserver(() => seen.push(document.body.dataset.frame))
                            .observe(document.body, {attributeFilter: ['data-frame']});
                        document.getElementById('play').click()""")
    browser.wait_for('seen.length >= 4')
    browser.evaluate("document.getElementById('play').click()")
    seen = browser.evaluate('seen')
    assert [*map(int, seen[:4])] == [2, 0, 1, 2]  # each frame in its order, and round again
    assert browser.evaluate(EYE) == eye  # the view stays while it plays


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


def test_many_frames_stay_small(tmp_path):
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 255, (24, 32, 3)).astype(np.uint8).repeat(20, 0).repeat(20, 1)
    scenes = [Scene(str(i), standing_people(*TWO), (640, 480), K, 'user', frame) for i in range(64)]
    one = write_viewer(tmp_path / 'one.html', scenes[:1], 'one', SET, thumbnail_px=160).stat().st_size
    many = write_viewer(tmp_path / 'many.html', scenes, 'many', SET, frames_per_second=25, thumbnail_px=160)
    assert (many.stat().st_size - one) / 63 < 20_000


def test_gaps_and_unknowns(tmp_path):
    poses = standing_people(*TWO).keypoints_cam_mm.copy()
    poses[0, 3:] = np.nan
    people = People(keypoints_cam_mm=poses, keypoint_scores=np.full((2, 15), np.nan), scores=np.array([np.nan, 0.5]))
    only_px = People(keypoints_px=standing_people(TWO[0]).keypoints_px)
    scenes = [Scene('a', people, SIZE), Scene('b', only_px, SIZE, K, 'exif')]
    page = write_viewer(tmp_path / 'v.html', scenes, 'gaps', SET)
    assert 'NaN' not in re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)[1]


def test_wrong_input(tmp_path):
    with pytest.raises(ValueError, match='at least one'):
        write_viewer(tmp_path / 'v.html', [], 'none', SET)
    (tmp_path / 'blocked').write_text('')
    with pytest.raises(UserError, match='blocked'):
        write_viewer(tmp_path / 'blocked' / 'v.html', two_scenes(), 'two', SET)
