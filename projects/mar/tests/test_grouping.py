"""Peaks, limb scores and grouping: to the person, near first, and quickly."""

import time

import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.registry import KEYPOINT_CODECS, TASK_UTILS
from das_mm.structures import project
from projects.mar.mar.heatmap_peaks import Peaks, find_peaks
from projects.mar.mar.limb_scores import limb_scores
from projects.mar.mar.limb_skeleton import limb_skeleton
from projects.mar.mar.person_grouper import DepthAwareGrouper
from projects.mar.tests.scenes import K_832, SET, SIZE, crowd, perfect_maps

# twenty people side by side in two rows, one above the other
GRID = [(x, y, z) for y, z in ((-1.2, 8.0), (1.5, 10.0)) for x in np.linspace(-0.45, 0.45, 10) * z]


def test_peaks_are_strict_maxima_refined_to_their_centroid():
    heatmaps = np.zeros((2, 20, 30), np.float32)
    y, x = np.mgrid[:20, :30]
    heatmaps[0] = np.exp(-((x - 10.3) ** 2 + (y - 7.8) ** 2) / 2)
    heatmaps[1, 4:6, 14:16] = 0.9  # a plateau is one peak
    heatmaps[1, 10, 29], heatmaps[1, 10, 3] = 0.19, 0.5
    peaks = find_peaks(heatmaps, 0.2)
    assert len(peaks) == 3 and peaks.first.tolist() == [0, 1, 3]
    np.testing.assert_allclose(peaks.places[0], (10.3, 7.8), atol=0.02)
    np.testing.assert_allclose(peaks.places[1:], [(14.5, 4.5), (3, 10)])
    many = find_peaks(np.random.default_rng(0).random((1, 40, 40)).astype(np.float32), 0.2, limit=5)
    assert len(many) == 5 and (np.diff(many.scores) <= 0).all()


def reference_score(field, start, end):
    """One pair, sample by sample."""
    height, width = field.shape[1:]
    v = end - start
    length = np.hypot(*v)
    n = int(min(max(np.rint(np.sqrt(5 * max(abs(v)))), 5), 25))
    good = []
    for i in range(n):
        x, y = np.rint(start + v * i / n).astype(int)
        dot = field[:, np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)] @ (v / max(length, 1e-6))
        if dot > 0.05:
            good.append(dot)
    if len(good) / n > 0.95:
        return np.mean(good)
    return 0.1 if length < np.sqrt(width * height) / 150 else -1


def test_limb_scores_as_sample_by_sample():
    rng = np.random.default_rng(1)
    fields = np.array([0.6, 0.5])[None, :, None, None] + 0.2 * rng.normal(size=(2, 2, 30, 40))
    start, end = rng.uniform(0, 30, (300, 2)), rng.uniform(0, 30, (300, 2))
    end[:40] = start[:40] + rng.uniform(-0.2, 0.2, (40, 2))
    limb = rng.integers(0, 2, 300)
    scores = limb_scores(fields, limb, start, end)
    wanted = [reference_score(fields[m], a, b) for m, a, b in zip(limb, start, end)]
    np.testing.assert_allclose(scores, wanted, atol=1e-9)
    assert (scores == -1).any() and (scores == 0.1).any() and (scores > 0.2).any()


def test_a_crowd_comes_back_as_it_went_in():
    people = crowd(GRID)
    pixels = project(people, K_832)
    codec = KEYPOINT_CODECS.build(
        dict(type='das_mm.PartAffinityFields', input_size=SIZE, heatmap_size=(208, 128), keypoint_set=SET)
    )
    visible = np.ones(pixels.shape[:2])
    visible[3, 5] = 0
    encoded = codec.encode(pixels, visible)
    assert encoded['heatmaps'].shape == (15, 128, 208) and encoded['fields'].shape == (28, 128, 208)
    keypoints, scores = codec.decode((encoded['heatmaps'], encoded['fields']))
    assert keypoints.shape == (20, 15, 2)
    distance = np.linalg.norm(keypoints[:, None, 2] - pixels[None, :, 2], axis=-1)
    match = distance.argmin(1)
    assert sorted(match) == list(range(20))
    missing = scores == 0
    assert missing.sum() == 1 and missing[np.nonzero(match == 3)[0][0], 5]
    assert np.linalg.norm(keypoints - pixels[match], axis=-1)[~missing].max() < 4  # a cell


def test_near_people_choose_first():
    """A wrist between two elbows: by depth it is the nearer person's, whatever their roots' scores say."""
    skeleton = limb_skeleton(SET)
    names = skeleton.keypoint_set.keypoints
    place = {'mid_hip': [(10, 40), (60, 40)], 'neck': [(10, 5), (60, 5)], 'left_shoulder': [(20, 5), (50, 5)]}
    place.update(left_elbow=[(30, 20), (40, 20)], left_wrist=[(35, 40)])
    rows = [(k, p) for k, name in enumerate(names) for p in place.get(name, [])]
    first = np.searchsorted([k for k, _ in rows], np.arange(len(names) + 1))
    peaks = Peaks(np.array([p for _, p in rows], float), np.full(len(rows), 0.9), first)
    fields = np.zeros((14, 2, 60, 80))
    for m, (start, end) in enumerate(skeleton.limbs):
        for a in np.nonzero([k == start for k, _ in rows])[0]:
            for b in np.nonzero([k == end for k, _ in rows])[0]:
                if names[end] != 'left_wrist' and abs(peaks.places[a, 0] - peaks.places[b, 0]) > 20:
                    continue  # another person's
                unit = (peaks.places[b] - peaks.places[a]) / np.linalg.norm(peaks.places[b] - peaks.places[a])
                for t in np.linspace(0, 1, 80):
                    x, y = np.rint(peaks.places[a] * (1 - t) + peaks.places[b] * t).astype(int)
                    fields[m, :, y - 1 : y + 2, x - 1 : x + 2] = unit[:, None, None]
    grouper = TASK_UTILS.build(dict(type='das_mm.DepthAwareGrouper', keypoint_set=SET, stride=4))
    wrist, roots = names.index('left_wrist'), peaks.of(skeleton.root).start
    for near, depths in ((0, [1.0, 1.2]), (1, [1.2, 1.0])):
        people = grouper.group(peaks, fields, np.array(depths))
        assert people[0, skeleton.root] == roots + near  # rows go near to far
        assert people[0, wrist] >= 0 and people[1, wrist] == -1
    assert people.shape == (2, 15)


def test_a_limb_too_long_for_its_depth_is_refused():
    people = crowd([(0, 4.0)])
    maps = perfect_maps(people)
    peaks = find_peaks(maps['heatmaps'], 0.2)
    fields = 0.5 * maps['fields'].reshape(-1, 2, *maps['fields'].shape[1:])
    grouper = DepthAwareGrouper(SET, 4)
    whole = grouper.group(peaks, fields, np.array([4000 / 795]))
    assert (whole >= 0).all()
    far = grouper.group(peaks, fields, np.array([4 * 4000 / 795]))  # four times as far: limbs of a giant
    assert (far >= 0).sum() < 5
    assert (grouper.group(peaks, fields) >= 0).all()  # without depths any length will do


def test_grouping_is_by_fields_and_not_by_the_nearest_root():
    """Arms that reach across to the neighbour's body stay with their shoulders."""
    people = crowd([(-0.35, 4.0), (0.35, 4.0)], leans=[0, 0])
    names = limb_skeleton(SET).keypoint_set.keypoints
    for side, reaching in (('left', 0), ('right', 1)):
        row = names.index(f'{side}_wrist')
        people[reaching, row, :2] = people[1 - reaching, 2, :2] - (0, 100)  # mm: at the other's root
    maps = perfect_maps(people)
    peaks = find_peaks(maps['heatmaps'], 0.2)
    groups = DepthAwareGrouper(SET, 4).group(peaks, maps['fields'].reshape(-1, 2, 128, 208))
    pixels = project(people, K_832)
    assert (groups >= 0).all() and len(groups) == 2
    for row in groups:
        found = (peaks.places[row] + 0.5) * 4 - 0.5
        person = np.linalg.norm(pixels[:, 2] - found[2], axis=1).argmin()
        assert np.linalg.norm(found - pixels[person], axis=1).max() < 4
        wrist = names.index('right_wrist' if person else 'left_wrist')
        assert np.linalg.norm(pixels[1 - person, 2] - found[wrist]) < np.linalg.norm(found[2] - found[wrist])


@pytest.mark.parametrize(
    'call, field',
    [
        (lambda peaks, fields: DepthAwareGrouper('coco17'), 'keypoint_set'),
        (lambda peaks, fields: DepthAwareGrouper('mupots17').group(peaks, fields), 'keypoint_set'),
        (lambda peaks, fields: DepthAwareGrouper(SET).group(peaks, fields[:5]), 'fields'),
        (lambda peaks, fields: DepthAwareGrouper(SET).group(peaks, fields, np.array([np.nan])), 'root_depths_norm'),
        (lambda peaks, fields: DepthAwareGrouper(SET).group(peaks, fields, np.ones(7)), 'root_depths_norm'),
    ],
)
def test_bad_input_is_told(call, field):
    maps = perfect_maps(crowd([(0, 4.0)]))
    peaks = find_peaks(maps['heatmaps'], 0.2)
    with pytest.raises(UserError) as told:
        call(peaks, maps['fields'].reshape(-1, 2, *maps['fields'].shape[1:]))
    assert told.value.field == field and told.value.remedy


@pytest.mark.timing
def test_twenty_people_are_grouped_in_five_milliseconds():
    maps = perfect_maps(crowd(GRID))
    peaks = find_peaks(maps['heatmaps'], 0.2)
    fields, depths = maps['fields'].reshape(-1, 2, 128, 208), np.linspace(5, 9, 20)
    grouper, times = DepthAwareGrouper(SET, 4), []
    for _ in range(30):
        start = time.process_time()  # of this process alone, whatever else runs
        grouper.group(peaks, fields, depths)
        times.append(time.process_time() - start)
    assert np.median(times) < 5e-3
