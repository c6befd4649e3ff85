from __future__ import annotations

import numpy as np

from das_mm.visualization.canvas import text_size
from das_mm.visualization.tags import draw_tag, tag_text_px

from .figures import photo


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def test_labels_of_people_in_one_place_do_not_cover_each_other():
    image, taken = photo(), []
    for identity in range(4):
        draw_tag(image, f'#{identity}', np.array([140.0, 100.0, 180.0, 160.0]), identity, gap=4, taken=taken)
    assert not any(overlap(a, b) for row, a in enumerate(taken) for b in taken[:row])
    above, below, right, left = taken
    assert above[3] <= 100 <= 160 <= below[1] and right[0] >= 180 and left[2] <= 140
    draw_tag(image, '#4', np.array([140.0, 100.0, 180.0, 160.0]), 4, gap=4, taken=taken)
    assert taken[4] == above  # no place is left: above, over what is there


def test_a_label_stays_inside_the_image():
    image, taken = photo(), []
    draw_tag(image, 'somebody', np.array([-50.0, -80.0, 12.0, 40.0]), 0, gap=4, taken=taken)
    width, height = text_size('somebody', tag_text_px(image))
    assert taken == [(0, 0, width, height)] and (image != photo())[:height, :width].any()
