"""When a graph gives what PyTorch gives."""

from __future__ import annotations

import pytest

from das_mm.deploy.people_differences import Differences


@pytest.mark.parametrize(
    ('largest', 'unmatched', 'within'),
    [
        (dict(keypoints_px=9e-4, relative_depths_mm=3e-3), 0, True),
        (dict(keypoints_px=3e-3, relative_depths_mm=3e-3), 0, False),
        (dict(keypoints_px=9e-4, relative_depths_mm=5e-3), 0, False),
        (dict(keypoints_px=9e-4, relative_depths_mm=float('nan')), 0, False),
        (dict(keypoints_px=9e-4), 1, False),
    ],
)
def test_fields_of_mm_have_a_limit_of_their_own(largest, unmatched, within):
    assert Differences(largest=largest, unmatched=unmatched).within(1e-3, 4e-3) is within
