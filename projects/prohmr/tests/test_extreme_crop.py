"""Which keypoints the new square is about, how large it is, and who is cut where."""

from __future__ import annotations

import numpy as np
import pytest

from das_mm.errors import UserError
from projects.prohmr.prohmr.extreme_crop import (
    HEAD,
    HIPS,
    SHOULDERS,
    ExtremeCrop,
    box_without,
    shows_upper_body,
    shows_whole_body,
)

#: by number, as the released code counts them
CUT_AT_HIPS = {10, 11, 13, 14, 19, 20, 21, 22, 23, 24, 25, 26, 29, 30}
_ANNOTATED = (0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 14, 15, 16)
CUT_AT_SHOULDERS = {3, 4, *range(6, 15), *range(19, 25), *(25 + number for number in _ANNOTATED)}
UPPER = {33, 34, 37, 38, 42, 43, 0, 1, 15, 16, 17, 18}


def _person(known) -> np.ndarray:
    points = np.random.default_rng(0).uniform(0, 100, (44, 3))
    points[:, 2] = 0
    points[list(known), 2] = 1
    return points


def test_the_cuts_are_the_released_ones():
    assert set(HIPS[0]) == CUT_AT_HIPS
    assert set(SHOULDERS[0]) == CUT_AT_SHOULDERS
    assert set(HEAD[0]) == CUT_AT_SHOULDERS | {33, 34}
    assert [HIPS[1], SHOULDERS[1], HEAD[1]] == [1.1, 1.2, 1.3]


def test_who_is_seen_whole_and_who_without_legs():
    whole = np.zeros(44)
    whole[[33, 32, 31, 34, 35, 36, 26, 25]] = 1  # annotated
    whole[[13, 14]] = 1  # left knee and ankle detected
    assert shows_whole_body(whole)
    whole[14] = 0
    assert not shows_whole_body(whole) and not shows_upper_body(whole)
    for number in range(44):
        some = np.zeros(44)
        some[[0, number]] = 1
        expected = number in UPPER - {0}
        assert shows_upper_body(some) == expected, number


def test_the_square_is_about_what_is_left():
    person = _person(range(25, 44))
    left = [number for number in range(25, 44) if number not in CUT_AT_SHOULDERS]
    low, high = person[left, :2].min(0), person[left, :2].max(0)
    center, side = box_without(person, *SHOULDERS)
    np.testing.assert_allclose(center, (low + high) / 2)
    assert side == pytest.approx(1.44 * (high - low).max())
    assert box_without(_person([37]), *HEAD) is None


def _record(person) -> dict:
    return dict(
        keypoint_set='prohmr44', keypoints_2d=person, box_center=np.zeros(2), box_scale=1.0, sample_key=('x', 3)
    )


def test_shares_of_the_cuts():
    np.random.seed(0)
    whole, upper = _person(range(25, 44)), _person([33, 34, 37, 38, 42])
    counts = {}
    for name, person in (('whole', whole), ('upper', upper)):
        sides = {box_without(person, *cut)[1]: index for index, cut in enumerate((HIPS, SHOULDERS, HEAD))}
        found = [ExtremeCrop(1.0).transform(_record(person))['box_scale'] for _ in range(600)]
        counts[name] = np.bincount([sides[side] for side in found], minlength=3) / 600
    np.testing.assert_allclose(counts['whole'], [0.7, 0.2, 0.1], atol=0.06)
    assert counts['upper'][2] == pytest.approx(0.1, abs=0.05)
    stays = ExtremeCrop(1.0).transform(_record(_person([25, 26])))
    assert stays['box_scale'] == 1.0
    moved = [ExtremeCrop(0.1).transform(_record(whole))['box_scale'] != 1.0 for _ in range(600)]
    assert np.mean(moved) == pytest.approx(0.1, abs=0.04)


def test_a_seed_makes_it_a_matter_of_the_person():
    person = _person(range(25, 44))
    sides = {ExtremeCrop(1.0, seed=1).transform(_record(person))['box_scale'] for _ in range(5)}
    assert len(sides) == 1
    with pytest.raises(UserError, match="keypoint_set='prohmr44'"):
        ExtremeCrop().transform(dict(_record(person), keypoint_set='gt24'))
    with pytest.raises(UserError, match='no probability'):
        ExtremeCrop(2.0)
