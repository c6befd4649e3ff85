"""The target assigner without a network."""

import math

import pytest
import torch

from das_mm.models.task_modules import DASTargetAssigner

from .labels import make_labels

SHAPES = [(32, 40), (16, 20), (8, 10), (4, 5)]


def assign(assigner, labels, batch_size=1):
    return assigner.assign(labels, batch_size, SHAPES)


@pytest.mark.parametrize(
    'size_px, level', [(0, 0), (79.9, 0), (80, 1), (159, 1), (160, 2), (319, 2), (320, 3), (900, 3)]
)
def test_level_by_size(size_px, level):
    labels = make_labels(roots=[[160, 128]], sizes=[size_px])
    counts = [len(target.person) for target in assign(DASTargetAssigner(), labels)]
    assert [count > 0 for count in counts] == [one == level for one in range(4)]


def test_size_counts_supervised_keypoints_only():
    labels = make_labels(roots=[[160, 128]], sizes=[200])
    labels.fields['keypoints_weights'][0, 0] = 0  # the far one
    assert DASTargetAssigner().person_sizes(labels).item() == 0


def test_positive_points_are_the_disk_around_the_root():
    """Stride 8, root at the pixel (159.5, 127.5) = the corner between the cells 19|20 and 15|16.

    Cell i has its point at 8 i + 3.5, so the nearest points are 4 px away in x and in y, the next ones 12 px. Within
    1.5 * 8 = 12 px lie: (4, 4) = 5.66 px, four of them; (12, 4) = 12.65 px is outside the disk, and not strictly
    within 12 px of the square either.
    """
    labels = make_labels(roots=[[159.5, 127.5]], sizes=[10])
    points = assign(DASTargetAssigner(), labels)[0].points
    assert sorted(zip(points.y.tolist(), points.x.tolist())) == [(15, 19), (15, 20), (16, 19), (16, 20)]


def test_square_region_has_the_corners_of_the_disk():
    """Root on the point of cell (20, 16): neighbours at 8 px, diagonal ones at 11.3 px, both within 12."""
    labels = make_labels(roots=[[163.5, 131.5]], sizes=[10])
    disk = assign(DASTargetAssigner(radius=1.2), labels)[0]  # 9.6 px: no diagonal
    square = assign(DASTargetAssigner(radius=1.2, region='square'), labels)[0]
    assert len(disk.person) == 5 and len(square.person) == 9


def test_centerness_formula():
    labels = make_labels(roots=[[163.5, 131.5]], sizes=[10])
    target = assign(DASTargetAssigner(), labels)[0]
    for y, x, value in zip(target.points.y, target.points.x, target.centerness):
        dist = 8 * math.hypot(x - 20, y - 16)
        assert value.item() == pytest.approx(math.exp(-2.5 * dist / (1.414 * 1.5 * 8)), rel=1e-3)


def test_a_contested_point_goes_to_the_nearer_root():
    labels = make_labels(roots=[[160, 128], [166, 128]], sizes=[10, 10])
    target = assign(DASTargetAssigner(), labels)[0]
    flat = list(zip(target.points.y.tolist(), target.points.x.tolist()))
    assert len(flat) == len(set(flat))  # no point twice
    for (y, x), person in zip(flat, target.person.tolist()):
        point = torch.tensor([8 * x + 3.5, 8 * y + 3.5])
        distance = (labels.root_px - point).norm(dim=1)
        assert person == distance.argmin().item()
    assert set(target.person.tolist()) == {0, 1}


def test_points_stay_in_their_image_and_map():
    labels = make_labels(roots=[[1, 1], [318, 254], [100, 100]], sizes=[5, 5, 5], images=[0, 1, 2])
    target = assign(DASTargetAssigner(), labels, batch_size=3)[0]
    assert ((target.points.x >= 0) & (target.points.x < 40) & (target.points.y >= 0) & (target.points.y < 32)).all()
    assert torch.equal(target.points.batch, labels.image[target.person])
    assert target.cls.sum() == len(target.person)


def test_ignored_person_is_neither_positive_nor_background():
    labels = make_labels(roots=[[-20, 100], [200, 100]], sizes=[30, 30])
    labels.fields['center_valid'][0] = False
    labels.fields['bboxes'][0] = torch.tensor([0.0, 80.0, 30.0, 140.0])
    for stride, target in zip((8, 16, 32, 64), assign(DASTargetAssigner(), labels)):
        assert not (target.person == 0).any()
        y, x = torch.nonzero(target.cls_weight[0] == 0, as_tuple=True)
        px, py = x * stride + (stride - 1) / 2, y * stride + (stride - 1) / 2
        assert ((px <= 30) & (py >= 80) & (py <= 140)).all()
    first = assign(DASTargetAssigner(), labels)[0]
    assert (first.cls_weight == 0).sum() == 4 * 8  # x in {3.5 … 27.5}, y in {83.5 … 139.5}


def test_positive_wins_over_ignore_region():
    labels = make_labels(roots=[[160, 128], [160, 128]], sizes=[30, 30])
    labels.fields['center_valid'][0] = False
    labels.fields['bboxes'][0] = torch.tensor([0.0, 0.0, 319.0, 255.0])
    target = assign(DASTargetAssigner(), labels)[0]
    assert len(target.person) and (target.person == 1).all()
    assert (target.cls_weight[target.cls == 1] == 1).all()


def test_bbox_center():
    labels = make_labels(roots=[[160, 128]], sizes=[10])
    labels.fields['bboxes'][0] = torch.tensor([20.0, 20.0, 60.0, 60.0])
    points = assign(DASTargetAssigner(center_type='bbox'), labels)
    level = [len(target.person) > 0 for target in points].index(True)
    target, stride = points[level], (8, 16, 32, 64)[level]
    assert (target.points.x * stride + (stride - 1) / 2 - 40).abs().max() < 1.5 * stride


def test_nobody():
    for target in assign(DASTargetAssigner(), make_labels(roots=[], sizes=[]), batch_size=2):
        assert target.cls.shape[0] == 2 and target.cls.sum() == 0 and (target.cls_weight == 1).all()
        assert len(target.person) == len(target.centerness) == 0


@pytest.mark.parametrize('bad', [dict(strides=(8,)), dict(region='ring'), dict(center_type='head')])
def test_wrong_arguments(bad):
    with pytest.raises(ValueError):
        DASTargetAssigner(**bad)
