from __future__ import annotations

import re

import cv2
import numpy as np
import pytest

from das_mm.visualization import People, Scene, write_viewer
from das_mm.visualization.palette import PERSON_COLORS

from .browser import CHROMIUM, Browser
from .figures import NAMES, SET, SIZE, TWO, K, photo, standing_people, two_scenes
from .viewer_pages import page_data, people_of_frames

EYE = "stage.camera.position.toArray().map(v => v.toFixed(5)).join(' ')"
DISTANCE = 'stage.camera.position.distanceTo(stage.controls.target)'
# where a joint is seen, px of the page
PLACE = 'stage.project(skeletons.people[{person}].points[{joint}])'


def pixels_near(image: np.ndarray, rgb: tuple[int, int, int], tolerance: int = 40) -> int:
    return int((np.abs(image[..., ::-1].astype(int) - rgb).max(-1) <= tolerance).sum())


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
    assert body['cameraSource'] == 'annotation' and 'intrinsics given with the data' in browser.text('camera')
    assert browser.text('title') == 'Two <people>'
    assert browser.text('count') == '2 people found' and browser.text('nobody') == ''
    assert browser.text('truth-count').startswith('1 true')
    people = browser.text('people')
    for text in ('person 1', 'score 0.90', '3.00 m', 'person 2', 'score 0.80', '4.20 m'):
        assert text in people
    # two feet tell no tilt: that is said, and nobody leans
    assert 'a guess' in browser.text('ground') and 'the feet of 2' in browser.text('ground')
    assert browser.text('guess') == 'the floor is a guess' and body['ground'] == 'bodies'
    assert browser.evaluate("performance.getEntriesByType('resource').filter(e => e.name.startsWith('http'))") == []
    # the canvas (left of the panel, away from the legend) is not empty: both colours, the truth's white, the frustum
    canvas = browser.screenshot()[40:640, :540]
    for color in PERSON_COLORS[:2]:
        assert pixels_near(canvas, color) > 60, color
    assert pixels_near(canvas, (255, 255, 255), 25) > 30
    assert pixels_near(canvas, (0xF0, 0xB4, 0x29)) > 60
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
    wrist = NAMES.index('left_wrist')
    left, top, _ = browser.evaluate(PLACE.format(person=1, joint=wrist))
    browser.mouse('mouseMoved', left, top)
    x, y, z = (f'{value:.0f}' for value in standing_people(*TWO).keypoints_cam_mm[1, wrist])
    browser.wait_for("!document.getElementById('joint').hidden")
    assert browser.text('joint').split('\n') == ['left wrist, person 2', f'x {x} mm', f'y {y} mm', f'z {z} mm']

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


def test_fingers(tmp_path, browser):
    """One orbits, two that part come nearer, two that move together shift the picture, a tap names a joint."""
    page = write_viewer(tmp_path / 'viewer.html', two_scenes(), 'Two', SET)
    browser.be_phone(True)
    try:
        browser.open(page)
        assert browser.evaluate('[document.documentElement.scrollWidth, innerWidth]') == [390, 390]
        eye, distance = browser.evaluate(EYE), browser.evaluate(DISTANCE)
        drag(browser, [(150, 200)], [(230, 200)])
        assert browser.evaluate(EYE) != eye
        assert browser.evaluate(DISTANCE) == pytest.approx(distance, rel=1e-3)
        drag(browser, [(180, 220), (210, 220)], [(100, 220), (290, 220)])
        assert browser.evaluate(DISTANCE) < 0.6 * distance
        target = browser.evaluate('stage.controls.target.toArray()')
        drag(browser, [(150, 150), (200, 150)], [(150, 250), (200, 250)])
        moved = np.subtract(browser.evaluate('stage.controls.target.toArray()'), target)
        assert np.linalg.norm(moved) > 0.1
        assert browser.evaluate('[scrollX, scrollY, visualViewport.scale]') == [0, 0, 1]  # the page itself stays
        browser.evaluate("setView('fit'), stage.render()")
        left, top, _ = browser.evaluate(PLACE.format(person=0, joint=NAMES.index('nose')))
        browser.touch('touchStart', (left + 5, top))
        browser.touch('touchEnd')
        browser.wait_for("!document.getElementById('joint').hidden")
        assert browser.text('joint').startswith('nose, person 1')
    finally:
        browser.be_phone(False)


def drag(browser: Browser, start: list[tuple[float, float]], end: list[tuple[float, float]]) -> None:
    browser.touch('touchStart', *start)
    for share in np.linspace(0.2, 1, 5):
        browser.touch('touchMove', *(tuple(np.add(a, share * np.subtract(b, a))) for a, b in zip(start, end)))
        browser.evaluate('new Promise(requestAnimationFrame)')
    browser.touch('touchEnd')


FACES = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])
CORNERS = np.array([[0, -800, 0], [-300, 800, -200], [300, 800, -200], [0, 800, 300]], float)


def walk() -> list[Scene]:
    """Three frames of two people with bodies, whose keypoints lie 50 mm left of the bodies', and a true one."""
    scenes = []
    for step in range(3):
        roots = [(-600.0 + 200 * step, 0, 3000), (600, 0, 4000.0)]
        people = standing_people(*roots, track_ids=np.array([6, 3]), vertices_cam_mm=CORNERS + np.array(roots)[:, None])
        truth = standing_people(roots[0], vertices_cam_mm=CORNERS[None] + roots[0])
        scenes.append(
            Scene(
                f'frame {step}',
                people,
                SIZE,
                K,
                'user',
                photo(),
                truth=truth,
                body_keypoints_cam_mm=people.keypoints_cam_mm + (50.0, 0, 0),
                time_s=[1.0, 1.5, 3.0][step],
            )
        )
    return scenes


def test_bodies_and_their_skeletons(tmp_path, browser):
    page = write_viewer(tmp_path / 'walk.html', walk(), 'A walk', SET, faces=FACES, frames_per_second=30)
    browser.open(page, '#frame=1')
    body = browser.body()
    assert (body['frame'], body['people'], body['meshes']) == ('1', '2', '3')
    vertices = browser.evaluate("""bodies.slots.map(slot => {
        const at = slot.geometry.attributes.position;
        return Array.from({ length: at.count }, (_, i) => slot.localToWorld(
            new THREE.Vector3().fromBufferAttribute(at, i)).toArray());
    })""")
    pose = np.reshape(page_data(page)['poses'][0]['matrix'], (3, 4))
    for drawn, root in zip(vertices, [(-400, 0, 3000), (600, 0, 4000), (-400, 0, 3000)]):
        expected = (CORNERS + root) / 1000 @ pose[:, :3].T + pose[:, 3]
        np.testing.assert_allclose(drawn, expected, atol=1e-3)
    # the skeleton of the body, unless that of the keypoints is asked for
    wrist = np.array(standing_people((-400.0, 0, 3000)).keypoints_cam_mm[0, NAMES.index('left_wrist')])
    place = f'skeletons.people[0].points[{NAMES.index("left_wrist")}]'
    for choice, away in (('body', 50.0), ('keypoints', 0.0)):
        browser.evaluate(f"$('skeleton').value = '{choice}'; $('skeleton').onchange()")
        expected = pose[:, :3] @ (wrist + (away, 0, 0)) / 1000 + pose[:, 3]
        np.testing.assert_allclose(browser.evaluate(place), expected, atol=1.1e-3)
    assert 'person 6' in browser.text('people') and 'person 3' in browser.text('people')
    canvas = browser.screenshot()[40:640, :540]
    for identity in (6, 3):  # shaded bodies: darker tones of the person's colour count
        hue = np.array(PERSON_COLORS[identity]) * 0.8
        assert pixels_near(canvas, tuple(hue), 50) > 300, identity


def test_plays_at_its_true_speed(tmp_path, browser):
    """By the times of the frames, which stand for 0.5, 1.5 and 1 s, however long drawing takes; and round again."""
    page = write_viewer(tmp_path / 'walk.html', walk(), 'A walk', SET, frames_per_second=30)
    browser.open(page, '#frame=0')
    eye = browser.evaluate(EYE)
    browser.evaluate("""window.seen = [];
                        new MutationObserver(() => seen.push([+document.body.dataset.frame, performance.now()]))
                            .observe(document.body, {attributeFilter: ['data-frame']});
                        setSpeed(2);
                        document.getElementById('play').click()""")
    browser.wait_for('seen.length >= 4')
    browser.evaluate("document.getElementById('play').click()")
    frames, times_ms = zip(*browser.evaluate('seen.slice(0, 4)'))
    assert frames == (1, 2, 0, 1)
    # at twice the speed; frames begin when the screen is next drawn
    np.testing.assert_allclose(np.diff(times_ms), [750, 500, 250], atol=200)
    assert browser.evaluate(EYE) == eye  # the view stays while it plays


def test_gaps_and_unknowns(tmp_path, browser):
    poses = standing_people(*TWO).keypoints_cam_mm.copy()
    poses[0, 3:] = np.nan
    people = People(keypoints_cam_mm=poses, keypoint_scores=np.full((2, 15), np.nan), scores=np.array([np.nan, 0.5]))
    only_px = People(keypoints_px=standing_people(TWO[0]).keypoints_px)
    scenes = [Scene('a', people, SIZE), Scene('b', only_px, SIZE, K, 'exif')]
    page = write_viewer(tmp_path / 'v.html', scenes, 'gaps', SET)
    assert 'NaN' not in re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)[1]
    (half, whole), (flat,) = people_of_frames(page)
    assert np.isfinite(half['cam']).all(1).tolist() == [True] * 3 + [False] * 12
    np.testing.assert_allclose(whole['cam'], poses[1], atol=0.5)
    assert np.isnan(flat['cam']).all() and np.isfinite(flat['px']).all()
    browser.open(page, '#frame=1')
    assert browser.body()['joints'] == '0' and 'nothing is known of depths' in browser.text('count')
