"""Trails and numbers of identities: colours, fading, gaps, bounds."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.visualization import tracks
from das_mm.visualization.palette import bgr, person_color
from das_mm.visualization.tracks import Trails, draw_tracks, draw_trails

from .figures import SET, photo, standing_people

NEAR, FAR = (-500.0, 0.0, 2500.0), (700.0, 0.0, 4000.0)


def trail(places, identity=3, **options) -> Trails:
    """One identity; None where it is not found."""
    trails = Trails(**options)
    for place in places:
        trails.add(*([[], np.zeros((0, 2))] if place is None else [[identity], [place]]))
    return trails


def drawn(trails) -> np.ndarray:
    image = photo()
    draw_trails(image, trails)
    return image


def labels_of(people) -> np.ndarray:
    """(H, W) bool, where labels are."""
    with_labels, without = (draw_tracks(photo(), people, SET, labels=labels).astype(int) for labels in (True, False))
    return (with_labels != without).any(-1)


def strength(image) -> np.ndarray:
    """(H, W) how far a pixel is from the plain background."""
    return np.abs(image.astype(int) - photo()).sum(-1)


def test_examples():
    outcome = doctest.testmod(tracks)
    assert outcome.attempted and not outcome.failed


def test_trails_keep_the_last_frames_of_each_identity():
    trails = Trails(length=3)
    for frame in range(10):
        trails.add([5, -1, 2][: 2 + (frame < 5)], [[frame, 0.0], [9.0, 9.0], [0.0, frame]][: 2 + (frame < 5)])
    paths = trails.paths()
    assert list(paths) == [5]  # 2 was last seen five frames ago, and -1 is nobody
    assert [(ago, place[0]) for ago, place in paths[5]] == [(3, 6.0), (2, 7.0), (1, 8.0), (0, 9.0)]
    for _ in range(4):
        trails.add([], np.zeros((0, 2)))
    assert trails.paths() == {}
    trails.add([5, 6], [[np.nan, 1.0], [2.0, 2.0]])
    assert list(trails.paths()) == [6]
    trails.reset()
    assert trails.paths() == {} and trails.frame == -1


def test_a_trail_has_the_colour_of_its_identity_and_fades():
    image = drawn(trail([(20.0 + 10 * t, 120.0) for t in range(25)]))
    newest = image[120, 255].astype(float)
    expected = 0.9 * np.array(bgr(person_color(3))) + 0.1 * photo()[120, 255]
    assert np.abs(newest - expected).max() <= 12  # the dark edge below shines through a little
    along = strength(image)[120, [35, 105, 175, 255]]
    assert (np.diff(along) > 0).all() and along[0] > 0
    assert strength(image)[140].sum() == 0


def test_pieces_do_not_add_up_where_they_meet():
    line = strength(drawn(trail([(50.0 + t, 100.0) for t in range(101)], length=10**6)))[100, 55:145]
    assert line.max() - line.min() <= 3


def test_frames_without_the_person_are_dashed():
    whole = drawn(trail([(40.0, 100.0), (200.0, 100.0)]))
    gap = drawn(trail([(40.0, 100.0), None, None, (200.0, 100.0)]))
    inside = slice(50, 190)
    assert (strength(whole)[100, inside] > 0).all()
    assert 0.2 < (strength(gap)[100, inside] > 0).mean() < 0.95


@pytest.mark.parametrize('places', [[(-500.0, 50.0), (-300.0, 60.0)], [(1e7, 50.0), (1e7, 60.0)], [(50.0, 50.0)], []])
def test_nothing_to_see(places):
    assert strength(drawn(trail(places))).sum() == 0


def test_a_trail_from_far_outside_is_cut():
    image = drawn(trail([(-1e6, 100.0), (1e6, 100.0)]))
    assert (strength(image)[100] > 0).all() and strength(image)[:80].sum() == 0


def test_people_are_over_their_trails():
    people = standing_people(NEAR, FAR, track_ids=np.array([12, 4]))
    trails = Trails()
    for step in range(8):
        trails.add(people.track_ids, people.keypoints_px[:, 2] + [10.0 * (7 - step), 0])
    image, plain = photo(), draw_tracks(photo(), people, SET, labels=False)
    with_trails = draw_tracks(image, people, SET, trails, labels=False)
    assert (image == photo()).all()
    joints = np.rint(people.keypoints_px[0]).astype(int)
    assert all((with_trails[y, x] == plain[y, x]).all() for x, y in joints)  # on the skeleton nothing has changed
    assert (strength(with_trails) > 0).sum() > (strength(plain) > 0).sum() + 100


def test_numbers_are_written_inside_the_image_and_not_over_each_other():
    people = standing_people(NEAR, FAR, track_ids=np.array([12, 4]))
    assert labels_of(people).sum() > 200
    unknown = standing_people(NEAR, FAR, track_ids=np.array([-1, -1]))
    assert (draw_tracks(photo(), unknown, SET) == photo()).all()  # nobody yet
    # three people at one place: three labels of the same size, apart
    crowd = standing_people(NEAR, NEAR, NEAR, track_ids=np.array([1, 2, 3]))
    one = standing_people(NEAR, track_ids=np.array([1]))
    assert labels_of(crowd).sum() > 2.5 * labels_of(one).sum()


def test_people_off_the_image_have_no_number():
    people = standing_people((-9000.0, 0.0, 2500.0), track_ids=np.array([1]))
    assert (draw_tracks(photo(), people, SET) == photo()).all()


def test_bad_input():
    with pytest.raises(UserError, match='image_bgr'):
        draw_tracks(photo()[..., 0], standing_people(NEAR), SET)
