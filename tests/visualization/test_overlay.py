from __future__ import annotations

import doctest
from dataclasses import replace

import cv2
import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.visualization import (
    People,
    canvas,
    contact_sheet,
    draw_ground_truth_and_prediction,
    draw_people,
    overlay,
    save_image,
)
from das_mm.visualization.palette import PERSON_COLORS, bgr, limb_color, person_color
from das_mm.visualization.skeleton_marks import Strokes

from .figures import NAMES, SET, photo, standing_people

NEAR = (0.0, 0.0, 2500.0)


def colors_at(image: np.ndarray, points_px: np.ndarray) -> np.ndarray:
    return np.array([image[round(y), round(x)] for x, y in points_px])


def changed(image: np.ndarray) -> np.ndarray:
    return (image != photo()).any(-1)


def test_examples():
    outcome = doctest.testmod(overlay)
    assert outcome.attempted and not outcome.failed


def test_joint_pixels_have_the_colour_of_person_and_side():
    people = standing_people(NEAR)
    image = draw_people(photo(), people, SET, scale=4)
    at = colors_at(image, 4 * (people.keypoints_px[0] + 0.5) - 0.5)
    for name, color in zip(NAMES, at):
        # a white core on the left joints, a black one on the right, the person's own colour in the middle
        wanted = {'left': (255, 255, 255), 'righ': (0, 0, 0)}.get(name[:4], bgr(person_color(0)))
        assert np.abs(color.astype(int) - wanted).max() <= 2, name


def test_limb_pixels_are_lighter_left_and_darker_right():
    people = standing_people(NEAR)
    image = draw_people(photo(), people, SET, labels=False)
    px = people.keypoints_px[0]
    for side in ('left', 'right'):
        middle = (px[NAMES.index(f'{side}_knee')] + px[NAMES.index(f'{side}_ankle')]) / 2
        color = colors_at(image, middle[None])[0].astype(int)
        assert np.abs(color - bgr(limb_color(person_color(0), side))).max() <= 40


def test_strokes_of_a_given_size():
    """Limbs and joints of the size asked for, whatever the person's; the default grows with the person."""
    people = standing_people(NEAR)
    painted = {}
    for thickness, radius in ((1, 1), (1, 9), (15, 9)):
        image = draw_people(photo(), people, SET, labels=False, strokes=Strokes(thickness, radius))
        painted[thickness, radius] = int(changed(image).sum())
        for k, (x, y) in enumerate(people.keypoints_px[0]):  # a row through each joint is painted as far as its radius
            row = changed(image)[round(y), round(x) - radius + 1 : round(x) + radius]
            assert row.all(), k
    assert painted[1, 1] < painted[1, 9] < painted[15, 9]
    automatic = draw_people(photo(), people, SET, labels=False)
    np.testing.assert_array_equal(automatic, draw_people(photo(), people, SET, labels=False, strokes=Strokes()))
    limb = Strokes().limb_px(photo(), people, 0)
    fixed = Strokes(limb, Strokes().joint_px(limb))
    np.testing.assert_array_equal(automatic, draw_people(photo(), people, SET, labels=False, strokes=fixed))


def test_input_is_untouched_and_size_kept():
    image = photo()
    drawn = draw_people(image, standing_people(NEAR), SET)
    assert drawn.shape == image.shape and (image == photo()).all() and changed(drawn).any()
    assert draw_people(image, standing_people(NEAR), SET, scale=1.5).shape == (360, 480, 3)


@pytest.mark.parametrize('root_px', [(-4000, 100), (100, 9000), (1e7, -1e7), (np.nan, 5), (np.inf, 5)])
def test_people_off_image_draw_nothing(root_px):
    # a compact person whose every keypoint and limb lies outside, label and box included
    people = standing_people(NEAR)
    moved = people.keypoints_px[0] * 0.2 + root_px
    box = np.concatenate([moved.min(0), moved.max(0)])
    people = replace(people, keypoints_px=moved[None], bboxes_px=box[None], keypoints_sigma=np.ones((1, 15, 3)))
    assert not changed(draw_people(photo(), people, SET, truth=people, boxes=True, sigmas=True)).any()


def test_limb_from_far_outside_is_cut_not_dropped():
    px = np.full((1, 15, 2), np.nan)
    px[0, NAMES.index('left_knee')], px[0, NAMES.index('left_ankle')] = (-3e6, 119.5), (3e6, 119.5)
    image = draw_people(photo(), People(keypoints_px=px), SET, labels=False)
    assert changed(image)[118:122].all()
    assert not changed(image)[:100].any()


def test_nobody_and_nan_joints():
    assert not changed(draw_people(photo(), People(), SET, truth=People())).any()
    empty = standing_people()
    assert len(empty) == 0 and not changed(draw_people(photo(), empty, SET)).any()
    people = standing_people(NEAR)
    px = people.keypoints_px.copy()
    px[0, NAMES.index('left_knee')] = np.nan
    with_gap = draw_people(photo(), replace(people, keypoints_px=px), SET, labels=False)
    knee = people.keypoints_px[0, NAMES.index('left_knee')]
    assert not changed(with_gap)[round(knee[1]) - 2 : round(knee[1]) + 3, round(knee[0]) - 2 : round(knee[0]) + 3].any()
    assert changed(with_gap).any()


def test_invalid_keypoints_are_left_out():
    people = replace(standing_people(NEAR), keypoint_scores=np.full((1, 15), 0.2))
    assert not changed(draw_people(photo(), people.with_keypoints_above(0.3), SET, labels=False)).any()
    assert changed(draw_people(photo(), people.with_keypoints_above(0.1), SET, labels=False)).any()


def test_nearer_person_is_on_top():
    for depths in ((2500.0, 3500.0), (3500.0, 2500.0)):
        people = standing_people((0, 0, depths[0]), (0, 0, depths[1]))
        px = np.broadcast_to(standing_people(NEAR).keypoints_px, (2, 15, 2))
        image = draw_people(photo(), replace(people, keypoints_px=px), SET, labels=False, scale=2)
        at = colors_at(image, 2 * (px[0, [NAMES.index('mid_hip')]] + 0.5) - 0.5)[0]
        assert tuple(at) == bgr(person_color(int(np.argmin(depths))))


def test_truth_is_white_below_the_prediction():
    truth = standing_people((600, 0, 2500))
    image = draw_people(photo(), standing_people((-600, 0, 2500)), SET, truth=truth)
    assert (colors_at(image, truth.keypoints_px[0]) > 240).all()
    same = draw_people(photo(), truth, SET, truth=truth, labels=False)
    assert tuple(colors_at(same, truth.keypoints_px[0, [NAMES.index('mid_hip')]])[0]) == bgr(person_color(0))


def test_labels_stay_inside_and_apart(monkeypatch):
    boxes = []
    draw_text = canvas.draw_text
    monkeypatch.setattr(
        canvas,
        'draw_text',
        lambda image, text, *args, **kwargs: (
            boxes.append((text, draw_text(image, text, *args, **kwargs))) or boxes[-1][1]
        ),
    )
    people = standing_people((-1200, -700, 2500), (1250, 0, 2600), (1200, -100, 2700), (1100, 900, 2800))
    draw_people(photo(), people, SET)
    assert sorted(text for text, _ in boxes) == ['0.60  2.80 m', '0.70  2.70 m', '0.80  2.60 m', '0.90  2.50 m']
    for i, (_, (x1, y1, x2, y2)) in enumerate(boxes):
        assert 0 <= x1 < x2 <= 320 and 0 <= y1 < y2 <= 240
        assert not any(x1 < b[2] and b[0] < x2 and y1 < b[3] and b[1] < y2 for _, b in boxes[:i])


def test_unknown_depth_and_score_give_no_label():
    people = standing_people(NEAR, scores=np.array([np.nan]), root_depths_mm=np.array([np.nan]))
    assert (draw_people(photo(), people, SET) == draw_people(photo(), people, SET, labels=False)).all()


def test_sigma_ellipse_has_its_radii():
    px = np.full((1, 15, 2), np.nan)
    px[0, 2] = (160, 120)
    people = People(keypoints_px=px, keypoints_sigma=np.full((1, 15, 3), (40.0, 20.0, 99.0)))
    drawn = changed(draw_people(photo(), people, SET, sigmas=True))
    rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    assert abs(columns[-1] - columns[0] - 80) <= 3 and abs(rows[-1] - rows[0] - 40) <= 3


def test_mask_and_box():
    mask = np.zeros((1, 240, 320), bool)
    mask[0, 50:80, 60:100] = True
    people = People(masks=mask, bboxes_px=np.array([[200.0, 100, 300, 200]]))
    drawn = changed(draw_people(photo(), people, SET, boxes=True, labels=False))
    assert drawn[50:80, 60:100].all() and not drawn[:48].any()
    assert drawn[100, 200:300].all() and drawn[100:200, 300].all() and not drawn[120:180, 220:280].any()


def test_scale_keeps_pixel_centres():
    # the keypoint at the centre of pixel (10, 20) must land at the centre of its 3x3 block
    px = np.full((1, 15, 2), np.nan)
    px[0, 2] = (10, 20)
    drawn = changed_at_scale(px, 3)
    y, x = np.nonzero(drawn)
    assert np.allclose([x.mean(), y.mean()], [31, 61], atol=0.2)


def changed_at_scale(px: np.ndarray, scale: int) -> np.ndarray:
    image = draw_people(photo(), People(keypoints_px=px), SET, scale=scale, labels=False)
    return (image != photo()[0, 0]).any(-1)


def test_strip_tells_the_counts():
    nobody = draw_ground_truth_and_prediction(photo(), standing_people(NEAR), People(), SET)
    somebody = draw_ground_truth_and_prediction(photo(), standing_people(NEAR), standing_people(NEAR), SET)
    assert nobody.shape == somebody.shape and nobody.shape[0] > 240 and nobody.shape[1] == 320
    assert (nobody[240:] != somebody[240:]).any()


def test_wrong_input():
    with pytest.raises(UserError, match='float'):
        draw_people(photo().astype(float), People(), SET)
    with pytest.raises(UserError, match='no_such_set'):
        draw_people(photo(), People(), 'no_such_set')
    with pytest.raises(ValueError, match='15 keypoints'):
        draw_people(photo(), standing_people(NEAR), 'coco17')


def test_colours_are_distinct():
    assert len(set(PERSON_COLORS)) == len(PERSON_COLORS)
    # what a deuteranope sees (Viénot 1999, linear RGB) keeps the first seven apart as well
    to_lms = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
    loss = np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]])
    linear = (np.array(PERSON_COLORS[:7]) / 255) ** 2.2
    seen = np.clip(linear @ (np.linalg.inv(to_lms) @ loss @ to_lms).T, 0, 1) ** (1 / 2.2)
    distance = np.linalg.norm(seen[:, None] - seen, axis=-1) + 9 * np.eye(7)
    assert distance.min() > 0.09


def test_contact_sheet():
    red, blue = np.full((40, 80, 3), (0, 0, 255), np.uint8), np.full((80, 40, 3), (255, 0, 0), np.uint8)
    sheet = contact_sheet([red, blue, red], 2, ['one', 'two', 'three'], cell_width_px=100, gap_px=4)
    assert sheet.shape[1] == 2 * 104 + 4
    for color, count in (((0, 0, 255), 2 * 100 * 50), ((255, 0, 0), 100 * 200)):
        assert (sheet == color).all(-1).sum() == count
    assert contact_sheet([red], 5, cell_width_px=80, gap_px=0).shape == (40, 80, 3)
    with pytest.raises(ValueError):
        contact_sheet([], 2)
    with pytest.raises(ValueError):
        contact_sheet([red], 2, ['a', 'b'])


def test_save_image(tmp_path):
    image = draw_people(photo(), standing_people(NEAR), SET)
    path = save_image(tmp_path / 'new' / 'picture.png', image)
    assert (cv2.imread(str(path)) == image).all()
    assert [p.name for p in path.parent.iterdir()] == ['picture.png']  # no half-written file is left


@pytest.mark.parametrize('name', ['blocked/picture.png', 'folder.png', 'picture.nothing'])
def test_unwritable_picture(tmp_path, name):
    (tmp_path / 'blocked').write_text('a file where a folder is needed')
    (tmp_path / 'folder.png').mkdir()
    with pytest.raises(UserError, match=name.split('/')[-1].replace('.', r'\.')):
        save_image(tmp_path / name, photo())
    assert sorted(p.name for p in tmp_path.iterdir()) == ['blocked', 'folder.png']
