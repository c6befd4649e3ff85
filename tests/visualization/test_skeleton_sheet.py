"""The pictures of the keypoint sets: every name once, left on the left person's side and in its colours."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from das_mm.structures import KEYPOINT_SETS
from das_mm.visualization import canvas, skeleton_sheet
from das_mm.visualization.palette import PERSON_COLORS, bgr, limb_color
from das_mm.visualization.skeleton_sheet import draw_skeleton_sheet, write_skeleton_sheets
from das_mm.visualization.skeletons import skeleton_of


@pytest.fixture
def texts(monkeypatch):
    """What is written on pictures: text -> box."""
    written = {}
    real = canvas.draw_text

    def draw_text(image, text, *args, **kwargs):
        written[text] = real(image, text, *args, **kwargs)
        return written[text]

    monkeypatch.setattr(canvas, 'draw_text', draw_text)
    return written


@pytest.mark.parametrize('name', KEYPOINT_SETS)
def test_every_keypoint_is_named_on_its_side(name, texts):
    image = draw_skeleton_sheet(name)
    kset, middle = KEYPOINT_SETS[name], image.shape[1] / 2
    rows = {False: [], True: []}
    for index, keypoint in enumerate(kset.keypoints):
        x1, y1, x2, y2 = texts[f'{index}  {keypoint}']
        assert x1 > 0 and x2 < image.shape[1] and (x2 < middle or x1 > middle)
        if keypoint.startswith(('left', 'right')):  # the person faces the reader
            assert keypoint.startswith('left') == (x1 > middle), keypoint
        rows[x1 > middle].append((y1, y2))
    for column in rows.values():  # no label covers another, or a caption
        column.sort()
        assert all(above[1] - below[0] <= 6 for above, below in zip(column, column[1:]))
        assert column[0][0] > texts[name][3] and column[-1][1] < texts['middle'][1]


@pytest.mark.parametrize('name', ['coco17', 'panoptic15', 'muco21', 'h36m17'])
def test_left_is_light_and_right_is_dark_as_everywhere(name):
    image, skeleton = draw_skeleton_sheet(name), skeleton_of(name)
    _, places = skeleton_sheet.posed_body()
    points = np.array([places[keypoint] for keypoint in skeleton.names])
    for (x, y), side in zip(np.rint(points).astype(int), skeleton.sides):
        if side != 'middle':
            assert (image[y, x] == {'left': 255, 'right': 0}[side]).all()
            assert (x > image.shape[1] / 2) == (side == 'left')
    for a, b in skeleton.links:
        x, y = np.rint((points[a] + points[b]) / 2).astype(int)
        if np.linalg.norm(points[a] - points[b]) > 100 and skeleton.link_side((a, b)) != 'middle':
            assert tuple(image[y, x]) == bgr(limb_color(PERSON_COLORS[0], skeleton.link_side((a, b)))), (a, b)


def test_all_are_written(tmp_path):
    paths = write_skeleton_sheets(tmp_path / 'sheets')
    assert [path.stem for path in paths] == [*KEYPOINT_SETS, 'all']
    assert all(path.exists() for path in paths)
    one, sheet = cv2.imread(str(paths[0])), cv2.imread(str(paths[-1]))
    assert one.std() > 20 and sheet.shape[1] > 2 * one.shape[1]
