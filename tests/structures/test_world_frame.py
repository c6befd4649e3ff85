"""The world of a camera that stands still."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from das_mm.structures.world_frame import WorldFrame


@pytest.mark.parametrize('tilt, roll', [(0, 0), (25, 0), (-10, 5), (60, -20), (90, 0), (-90, 0)])
def test_floor_up_and_angles(tilt, roll):
    turn = Rotation.from_euler('z', roll, degrees=True) * Rotation.from_euler('x', tilt, degrees=True)
    up = turn.apply([0, -1.0, 0])
    frame = WorldFrame.over_floor(up, 1700)
    matrix = frame.camera_to_world[:3, :3]
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(1)
    np.testing.assert_allclose(frame.to_world(np.zeros(3)), [0, 1.7, 0], atol=1e-12)
    np.testing.assert_allclose(frame.to_world(frame.floor_point_mm), 0, atol=1e-9)
    np.testing.assert_allclose(frame.to_world(1000 * up + frame.floor_point_mm), [0, 1, 0], atol=1e-9)
    assert frame.height_m == pytest.approx(1.7) and frame.tilt_deg == pytest.approx(tilt, abs=1e-4)
    if abs(tilt) < 90:
        assert frame.roll_deg == pytest.approx(roll)
        ahead = frame.to_world(np.array([0, 0, 1000.0])) - frame.to_world(np.zeros(3))
        assert ahead[2] < 0 and ahead[0] == pytest.approx(0, abs=1e-9)  # away from the camera, straight on
    again = WorldFrame.from_words(frame.words())
    np.testing.assert_allclose(again.camera_to_world, frame.camera_to_world, atol=1e-8)
