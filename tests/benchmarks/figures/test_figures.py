"""The figures that no table has: their arithmetic, and that each is measured with the package's weights."""

from __future__ import annotations

import json

import numpy as np
import pytest

from das_mm.benchmarks.figures.lost_identities import measure_lost_identities
from das_mm.benchmarks.figures.overlapping_people import box_ious, measure_overlap, summarise_overlap
from das_mm.checkpoints.packaged import TINY, packaged_model, tiny_checkpoint
from das_mm.cli import main
from das_mm.errors import UserError


def test_intersection_over_union():
    boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [0, 0, 10, 10]], float)
    ious = box_ious(boxes)
    np.testing.assert_allclose(ious[0], [1, 50 / 150, 0, 1])
    np.testing.assert_allclose(ious, ious.T)


def test_people_by_overlap():
    overlap = np.array([0, 0, 0.05, 0.1, 0.3, 0.6, 0.9])
    behind = np.array([0, 0, 0, 1, 1, 1, 0], bool)
    found = np.array([1, 0, 1, 1, 0, 0, 1], bool)
    errors = np.where(found, [100.0, 0, 80, 120, 0, 0, 200], np.nan)
    rows = summarise_overlap(overlap, behind, found, errors)
    assert [row['num'] for row in rows] == [2, 1, 1, 1, 2]
    assert [row['recall'] for row in rows] == [50, 100, 100, 0, 50]
    assert [row['num_behind'] for row in rows] == [0, 0, 1, 1, 1]
    assert [row['recall_behind'] for row in rows[2:]] == [100, 0, 0]
    assert [row['mpjpe_mm'] for row in rows[:3]] == [100, 80, 120] and np.isnan(rows[3]['mpjpe_mm'])


def test_overlap_with_the_packages_weights(tmp_path):
    weights, config = packaged_model('pose')
    rows = measure_overlap(config, weights, tmp_path, num_images=2, crowd=dict(people=(3, 4), workers=0))
    assert 6 <= sum(row['num'] for row in rows) <= 8
    assert sum(row['num'] for row in rows if row['least'] > 0) >= 2  # who overlaps does so with another


def test_sigma_before_and_after_the_update_by_the_verb(tmp_path, capsys):
    weights, config = tiny_checkpoint(), TINY['pose']  # as in the documented run; the larger one takes far longer
    words = ['ablation', '--figure', 'update', config, str(weights), '--out', str(tmp_path), '--images', '2']
    assert main(words) == 0
    found = json.loads((tmp_path / 'figure_update.json').read_text())['found']
    assert found['initial']['num'] > 0 and found['updated']['num'] > 0
    assert found['initial']['error_rms'] != found['updated']['error_rms']
    assert all(sigma > 0 for stage in found.values() for sigma in stage['sigma'])
    assert 'mean σ' in capsys.readouterr().out
    assert main(['ablation', '--figure', 'fog', config, str(weights), '--out', str(tmp_path)]) == 2


def test_lost_identities_both_ways(tmp_path):
    weights, config = packaged_model('tracking')
    clips = dict(people=(2, 3), image_size=(112, 64), workers=0)
    found = measure_lost_identities(config, weights, tmp_path, num_images=16, clips=clips)  # one clip
    assert set(found) == {'shown while they live', 'only just seen'}
    assert all(np.isfinite(numbers['mota']) for numbers in found.values())
    weights, config = packaged_model('pose')
    with pytest.raises(UserError, match='sees one image at a time'):
        measure_lost_identities(config, weights, tmp_path, num_images=2, clips={})
