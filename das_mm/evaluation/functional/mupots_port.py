"""MuPoTS-3D as the evaluation in the released DAS code does it: a python port that departs from the official one.

It is here to compare with numbers that came from it, never as a measure: truth is ``annot3``; x and y of the
root-relative prediction are multiplied by true over predicted root depth; people take the prediction of the most
similar pose (a prediction may serve several), up to a mean error of 250 mm; bones are rescaled along wrong parents
(:data:`das_mm.evaluation.functional.mupots.PORT_BONES`); the absolute pose stands at the predicted root. An image
without predictions is given one zero pose, whose errors are no numbers: its people count as found and wrong.
"""

from __future__ import annotations

import numpy as np

from .mupots import PORT_BONES, ROOT, MuPoTSErrors, rescale_bones


def port_image_errors(
    gt: np.ndarray, valid: np.ndarray, occluded: np.ndarray, pred: np.ndarray, threshold_mm: float = 250.0
) -> MuPoTSErrors:
    """Errors of the people of one image.

    Args:
        gt: (N, 17, 3) mm, metric truth (``annot3``).
        valid, occluded: (N, 17).
        pred: (M, 17, 3) mm.
        threshold_mm: Largest mean error of a pair (inclusive).

    Returns:
        Errors as those of :func:`das_mm.evaluation.functional.mupots.image_errors`; no pairs in depth order.

    Example:
        >>> gt = np.random.default_rng(0).normal(size=(2, 17, 3)) * 300 + [0, 0, 3000]
        >>> errors = port_image_errors(gt, np.ones((2, 17)), np.zeros((2, 17)), gt[::-1])
        >>> float(errors.relative.max().round(6)), errors.matched.tolist()
        (0.0, [True, True])
    """
    pred = pred[pred[:, ROOT, 2] != 0]
    gt_relative = gt - gt[:, [ROOT]]
    relative, absolute = (np.full(gt.shape[:2], np.inf) for _ in range(2))
    matched = np.full(len(gt), len(pred) == 0)
    for person, true_pose in enumerate(gt_relative):
        candidates = pred - pred[:, [ROOT]]
        candidates[..., :2] *= (gt[person, ROOT, 2] / pred[:, ROOT, 2])[:, None, None]
        mapped = [rescale_bones(candidate, true_pose, PORT_BONES) for candidate in candidates]
        means = [np.linalg.norm(pose - true_pose, axis=-1).mean() for pose in mapped]
        nearest = int(np.argmin(means)) if means else -1
        # a mean that is no number is not above the threshold, and argmin takes the first such
        if nearest >= 0 and not means[nearest] > threshold_mm:
            matched[person] = True
            relative[person] = np.linalg.norm(mapped[nearest] - true_pose, axis=-1)
            absolute[person] = np.linalg.norm(mapped[nearest] + pred[nearest, ROOT] - gt[person], axis=-1)
    relative, absolute = (np.nan_to_num(errors, nan=np.inf) for errors in (relative, absolute))
    return MuPoTSErrors(relative, absolute, np.asarray(valid) > 0, np.asarray(occluded) > 0, matched)
