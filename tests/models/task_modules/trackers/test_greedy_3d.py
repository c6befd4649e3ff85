"""What camera space tells apart: people who cover each other; and what uncertainty weighs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from das_mm.models.task_modules.trackers import GreedyTracker, GreedyTracker3D

from .scenarios import people_3d

FRAME_S = 0.04


def run(tracker, frames, times=None):
    times = times or [None] * len(frames)
    return [tracker.update(frame, time).tolist() for frame, time in zip(frames, times)]


def covering(step_mm=70.0):
    """Two people of one height in the image, 1 m apart in depth, walk through each other in front of the camera."""
    places = [-300.0 + step_mm * t for t in range(9)]
    return [people_3d([[x, 0, 3000], [-x * 4 / 3, 0, 4000]], scale=[1.0, 4 / 3]) for x in places]


def test_depth_keeps_people_apart_who_cover_each_other():
    frames = covering()
    assert run(GreedyTracker3D(), frames) == [[0, 1]] * 9
    # in the image alone, and without displacements, they change places
    flat = [replace(frame, keypoints_px=None, data=dict(displacements_px=np.zeros((2, 2)))) for frame in frames]
    assert run(GreedyTracker(order='distance'), flat)[-1] == [1, 0]


def test_a_gap_in_depth_is_somebody_else():
    assert run(GreedyTracker3D(), [people_3d([[0, 0, 3000]]), people_3d([[0, 0, 6000]], scale=2.0)]) == [[0], [1]]


@pytest.mark.parametrize('step_mm, same', [(150, True), (1200, False)])
def test_unsure_depth_may_jump_more(step_mm, same):
    def frames(sigma):
        return [people_3d([[0, 0, 3000]], sigma_mm=sigma), people_3d([[0, 0, 3000.0 + step_mm]], sigma_mm=sigma)]

    assert run(GreedyTracker3D(), frames((10, 10, 20))) == [[0], [0] if same else [1]]
    assert run(GreedyTracker3D(), frames((10, 10, 500))) == [[0], [0]]


def test_uncertainty_decides_which_difference_counts():
    """One person now, two before: the first differs in pose, the second in depth. Where depth is unsure, the second is
    nearer in standard deviations; where it is sure, the first."""
    before_pose, before_depth = [0, 0, 3000], [0, 0, 3450]
    for sigma, identity in (((10, 10, 400), 1), ((60, 60, 30), 0)):
        before = people_3d([before_pose, before_depth], scale=[1.25, 1.0], sigma_mm=sigma)
        assert run(GreedyTracker3D(), [before, people_3d([[0, 0, 3000]], sigma_mm=sigma)]) == [[0, 1], [identity]]


def test_the_difference_in_numbers():
    tracker = GreedyTracker3D(max_sigmas=1.0, speed_mm_s=0.0, depth_error=0.0, default_sigma_mm=(30.0, 40.0))
    tracker.update(people_3d([[0, 0, 3000]]))
    for step, variance in (([60.0, 0, 0], 30.0**2), ([0, 0, 80.0], 40.0**2)):
        cost = tracker.cost(people_3d([[step[0], 0, 3000 + step[2]]]), tracker.tracks, None)
        # (step² / 2 variances) over three axes; the poses agree, and both count alike
        assert cost[0, 0] == pytest.approx(np.sqrt(np.sum(np.square(step)) / (2 * variance) / 3 / 2))


def test_time_says_how_far_people_may_have_gone():
    there, gone = people_3d([[0, 0, 3000]]), people_3d([[900, 0, 3000]])
    assert run(GreedyTracker3D(), [there, gone], [0.0, FRAME_S]) == [[0], [1]]
    assert run(GreedyTracker3D(), [there, gone], [0.0, 0.5]) == [[0], [0]]
    for odd in (float('nan'), -5.0):  # unknown, or of a broken clock: one frame, and no time at all
        assert run(GreedyTracker3D(), [there, gone], [0.0, odd]) == [[0], [1]]
        assert run(GreedyTracker3D(), [there, there], [0.0, odd]) == [[0], [0]]
    # without times every missed frame counts
    nobody = there.select(slice(0))
    assert run(GreedyTracker3D(patience=20), [there] + [nobody] * 11 + [gone])[-1] == [0]


def test_a_displacement_moves_the_root():
    def frame(x, moved_px=None):
        found = people_3d([[x, 0, 3000]])
        moved = {} if moved_px is None else dict(displacements_px=np.array([[-moved_px, 0.0]]))
        return replace(found, data={**found.data, **moved})

    tracker = GreedyTracker3D()
    assert run(tracker, [frame(0, 0), frame(900, 300.0)]) == [[0], [0]]  # 300 px are 900 mm at 3 m
    assert run(GreedyTracker3D(), [frame(0), frame(900)]) == [[0], [1]]


def test_people_without_3d_are_compared_in_the_image():
    found = people_3d([[0, 0, 3000], [2000, 0, 3000]])
    unknown = people_3d([[0, 0, 3000], [2000, 0, 3000]])
    unknown.data['roots_cam_mm'][0] = np.nan
    assert run(GreedyTracker3D(), [found, unknown, found, unknown]) == [[0, 1]] * 4
