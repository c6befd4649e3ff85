"""What an annotation file says, drawn on its images."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from das_mm.datasets.converters import camera_entry, person_entry
from das_mm.structures import project
from das_mm.visualization.annotation_sheet import write_annotation_sheet

SIZE = (720, 480)  # so wide that nothing is enlarged before it is drawn on
K = np.array([[600.0, 0, 359.5], [0, 600, 239.5], [0, 0, 1]])


def sample(name: str, with_3d: bool) -> tuple[dict, list[dict]]:
    """One person in a circle around the middle of the image."""
    angles = np.linspace(0, 2 * np.pi, 17, endpoint=False)
    points = np.stack([700 * np.cos(angles), 700 * np.sin(angles), np.full(17, 3000.0)], axis=1)
    more = dict(points_mm=points) if with_3d else {}
    person = person_entry('coco17', project(points, K), np.full(17, 2), SIZE, **more)
    return dict(file_name=name, width=SIZE[0], height=SIZE[1], cam_param=camera_entry(K)), [person]


@pytest.mark.parametrize('with_3d', [True, False])
def test_people_are_drawn_where_they_are(tmp_path, with_3d):
    cv2.imwrite(str(tmp_path / 'a.png'), np.full((SIZE[1], SIZE[0], 3), 90, np.uint8))
    image, people = sample('a.png', with_3d)
    sheets = []
    for shown in ([], people):
        samples = [(image, shown), sample('missing.png', True)]
        path = write_annotation_sheet(tmp_path / 'sheet.png', samples, tmp_path, 'coco17', columns=1)
        sheets.append(cv2.imread(str(path)).astype(int))
    assert sheets[0].shape == sheets[1].shape  # one tile each: the image that is missing has none
    rows, columns = np.nonzero(np.abs(sheets[1] - sheets[0]).max(axis=2) > 40)
    below_title = rows > 60
    seen = project(np.array([[-700.0, 0, 3000], [700, 0, 3000]]), K)[:, 0] * sheets[0].shape[1] / SIZE[0]
    drawn = columns[below_title].min(), columns[below_title].max()
    np.testing.assert_allclose(drawn, seen, atol=12)


def test_without_images_there_is_no_sheet(tmp_path):
    assert write_annotation_sheet(tmp_path / 'sheet.png', [sample('missing.png', True)], tmp_path, 'coco17') is None
    assert not (tmp_path / 'sheet.png').exists()
