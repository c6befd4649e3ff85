"""Target maps against pixel by pixel references, and where they are unknown."""

import numpy as np
import pytest
import torch

from projects.mar.mar.keypoint_maps import keypoint_heatmaps, labelled_cells, limb_fields, to_cells


@pytest.fixture(scope='module')
def scene():
    rng = np.random.default_rng(0)
    points = torch.from_numpy(rng.uniform(-3, 20, (5, 4, 2))).float()
    known = torch.from_numpy(rng.random((5, 4)) > 0.2)
    points[~known] = float('nan')
    points[4, 0] = points[4, 1] + 0.3  # shorter than a cell
    known[4, :2] = True
    return points, known, torch.tensor([0, 0, 0, 2, 2])


def test_fields_as_pixel_by_pixel(scene):
    points, known, image = scene
    limbs, half = ((0, 1), (1, 2), (3, 1)), 1.2
    fields = limb_fields(points, known, image, 3, (14, 17), limbs, half).numpy()
    wanted = np.zeros_like(fields)
    for b in range(3):
        for m, (start, end) in enumerate(limbs):
            for y in range(14):
                for x in range(17):
                    units = []
                    for n in np.nonzero(image.numpy() == b)[0]:
                        if not (known[n, start] and known[n, end]):
                            continue
                        a, v = points[n, start].numpy(), (points[n, end] - points[n, start]).numpy()
                        length = np.hypot(*v)
                        if length < 1:
                            continue
                        u, w = v / length, np.array([x, y]) - a
                        if -half <= w @ u <= length + half and abs(w[0] * u[1] - w[1] * u[0]) <= half:
                            units.append(u)
                    if units:
                        wanted[b, m, :, y, x] = np.mean(units, axis=0)
    np.testing.assert_allclose(fields, wanted, atol=1e-6)
    assert np.abs(fields).sum() > 0 and not fields[1].any()


def test_heatmaps_as_pixel_by_pixel(scene):
    points, known, image = scene
    maps = keypoint_heatmaps(points, known, image, 3, (14, 17), 1.5).numpy()
    y, x = np.mgrid[:14, :17]
    wanted = np.zeros_like(maps)
    for n in range(5):
        for k in range(4):
            if known[n, k]:
                px, py = points[n, k].numpy()
                bump = np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * 1.5**2))
                wanted[image[n], k] = np.maximum(wanted[image[n], k], bump)
    np.testing.assert_allclose(maps, wanted, atol=1e-5)


def test_a_pixel_and_its_cell():
    """The middle of the first cell of stride 4 lies between its second and third pixel."""
    assert to_cells(torch.tensor([1.5, 5.5]), 4).tolist() == [0.0, 1.0]


def test_unknown_cells():
    boxes = torch.tensor([[0.0, 0, 3, 3], [6, 6, 9, 9], [0, 0, 9, 9]])
    known = torch.tensor([[True, False, False], [True, True, False], [True, True, True]])
    counted = torch.tensor([True, True, False])
    cells = labelled_cells(boxes, known, counted, torch.tensor([0, 0, 1]), 3, (10, 10))
    assert cells[0, 0].all()  # labelled of both
    assert not cells[0, 1, :4, :4].any() and cells[0, 1, 5:, 5:].all()
    assert not cells[0, 2].any()  # of nobody: a kind that this data set does not label
    assert not cells[1].any()  # somebody to ignore, all over
    assert cells[2].all()  # an image without people teaches that there is nobody


def test_no_people():
    none = torch.zeros(0, 4, 2)
    given = (none, torch.zeros(0, 4, dtype=torch.bool), torch.zeros(0, dtype=torch.long), 2, (5, 6))
    assert not keypoint_heatmaps(*given, 1.0).any() and not limb_fields(*given, ((0, 1),), 1.0).any()
