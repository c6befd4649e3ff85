"""Percentage of correct keypoints and the area under its curve, all in percent (0 to 100).

With the errors e (mm) of the valid keypoints V, ``PCK(t) = 100 / |V| · Σ_{i in V} [e_i < t]``, reported at t = 150 mm
(DAS, CVPR 2022 §4.1), and ``AUC = 1 / 31 · Σ PCK(t)`` over t = 0, 5, …, 150 mm (Mehta et al., 3DV 2017, in the words of
the SPIN authors: Kolotouros' thesis §3.6.3). PCK_rel, PCK_abs and PCK_root differ in what is aligned before e is taken.

A keypoint is correct when its error is *below* the threshold (strict, as in the official MuPoTS-3D evaluation); only
PCK_root counts an error equal to the threshold as correct. A missed person enters with errors of +inf: every one of
its keypoints is wrong at every threshold. Keypoints are pooled over all persons.
"""

from __future__ import annotations

import numpy as np

#: 0, 5, …, 150 mm: 31 thresholds. Nothing is below 0, so even perfect predictions reach only 30/31 = 96.77.
AUC_THRESHOLDS_MM = np.arange(0.0, 151.0, 5.0)


def pck(errors: np.ndarray, valid: np.ndarray, threshold_mm: float = 150.0, *, inclusive: bool = False) -> float:
    """Share of the valid keypoints whose error is below the threshold.

    Args:
        errors: (N, K) mm; +inf for keypoints of missed persons.
        valid: (N, K).
        threshold_mm: Threshold.
        inclusive: Count an error equal to the threshold as correct (PCK_root).

    Returns:
        Percent, pooled over all valid keypoints; NaN when there is none.

    Example:
        >>> errors, valid = np.array([[10., 150., np.inf, 20.]]), np.array([[True, True, True, False]])
        >>> round(pck(errors, valid), 2), round(pck(errors, valid, inclusive=True), 2)
        (33.33, 66.67)
    """
    errors = np.asarray(errors, dtype=np.float64)[np.asarray(valid, dtype=bool)]
    if errors.size == 0:
        return float('nan')
    return 100.0 * float(np.mean(errors <= threshold_mm if inclusive else errors < threshold_mm))


def pck_per_joint(errors: np.ndarray, valid: np.ndarray, threshold_mm: float = 150.0) -> np.ndarray:
    """PCK of every keypoint by itself, (K,) percent; NaN for a keypoint that is never valid.

    Example:
        >>> pck_per_joint(np.array([[10., 200.], [10., 20.]]), np.ones((2, 2)))
        array([100.,  50.])
    """
    valid = np.asarray(valid, dtype=bool)
    correct, count = ((errors < threshold_mm) & valid).sum(0), valid.sum(0)
    return np.divide(100.0 * correct, count, out=np.full(len(count), np.nan), where=count > 0)


def pck_curve(errors: np.ndarray, valid: np.ndarray, thresholds_mm: np.ndarray = AUC_THRESHOLDS_MM) -> np.ndarray:
    """PCK at each of T thresholds, (T,) percent; NaN where no keypoint is valid.

    Example:
        >>> pck_curve(np.array([[4., 9.]]), np.ones((1, 2)), np.array([0., 5., 10.]))
        array([  0.,  50., 100.])
    """
    errors = np.sort(np.asarray(errors, dtype=np.float64)[np.asarray(valid, dtype=bool)])
    if errors.size == 0:
        return np.full(len(thresholds_mm), np.nan)
    return 100.0 * np.searchsorted(errors, thresholds_mm, side='left') / errors.size


def auc(errors: np.ndarray, valid: np.ndarray, thresholds_mm: np.ndarray = AUC_THRESHOLDS_MM) -> float:
    """Mean of the PCK curve, percent.

    Example:
        >>> round(auc(np.zeros((1, 5)), np.ones((1, 5))), 2)
        96.77
    """
    return float(pck_curve(errors, valid, thresholds_mm).mean())
