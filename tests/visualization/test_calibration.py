from __future__ import annotations

import cv2
import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.evaluation.functional.calibration import calibrate, plain_density
from das_mm.visualization.calibration import _RMS_COLOR, plot_calibration

DENSITIES = {'learned': plain_density('gaussian', 3), 'laplace': plain_density('laplace', 3)}


def found(stretch: float):
    rng = np.random.default_rng(0)
    sigma = rng.uniform(10, 60, (3000, 3))
    return calibrate(rng.normal(size=sigma.shape) * sigma, stretch * sigma, DENSITIES)


def test_the_curve_lies_where_it_should(tmp_path):
    """Below the diagonal of every upper panel where σ is too large, on it where it is honest."""
    slopes = {}
    for stretch in (1, 2):
        image = cv2.imread(str(plot_calibration(found(stretch), tmp_path / f'{stretch}.png')))
        assert image is not None and image.std() > 5
        panel = image[: image.shape[0] // 2, : image.shape[1] // 4]
        color = [int(_RMS_COLOR[i : i + 2], 16) for i in (5, 3, 1)]
        rows, columns = np.nonzero(np.abs(panel.astype(int) - color).max(-1) < 40)
        below_legend = rows > 0.45 * len(panel)
        slopes[stretch] = -np.polyfit(columns[below_legend], rows[below_legend], 1)[0]
    assert slopes[1] == pytest.approx(1, abs=0.15) and slopes[2] == pytest.approx(0.5, abs=0.1)


def test_unwritable(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match='file'):
        plot_calibration(found(1), tmp_path / 'file' / 'p.png')
