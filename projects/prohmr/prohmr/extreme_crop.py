"""Crops that cut people at the hips, the shoulders or the neck (thesis §4.4.1; as EFT has them)."""

from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from das_mm.errors import UserError
from das_mm.registry import TRANSFORMS
from das_mm.structures import KEYPOINT_SETS
from das_mm.structures.keypoint_sets import OPENPOSE_SUFFIX

_SET = KEYPOINT_SETS['prohmr44']
_SIDES = ('left', 'right')


def _indices(names: str, openpose: bool) -> list[int]:
    """Of names that stand for both sides where they begin with ``*_``."""
    suffix = OPENPOSE_SUFFIX if openpose else ''
    sided = [name.replace('*', side) for name in names.split() for side in (_SIDES if '*' in name else ('',))]
    return [_SET.index(f'{name}{suffix}') for name in sided]


_FEET = _indices('*_big_toe *_small_toe *_heel', True)
_LEGS = _indices('*_knee *_ankle', True) + _indices('*_knee *_ankle', False)
_BELOW_SHOULDERS = (
    _indices('*_elbow *_wrist mid_hip *_hip', True) + _indices('*_hip *_wrist *_elbow pelvis thorax spine', False)
)  # fmt: skip
#: keypoints that are out of the new box, and its side over the longer side of the box about the others
HIPS = ([*_LEGS, *_FEET], 1.1)
SHOULDERS = ([*_LEGS, *_FEET, *_BELOW_SHOULDERS], 1.2)
HEAD = ([*SHOULDERS[0], *_indices('*_shoulder', False)], 1.3)
#: what every box about keypoints is enlarged by before
_BOX_FACTOR = 1.2

_LIMBS = '*_shoulder *_elbow *_wrist *_knee *_ankle'
_WHOLE = (_indices(_LIMBS, False), _indices(_LIMBS, True))
_UPPER = _indices('*_shoulder neck head_top jaw head_h36m', False) + _indices('nose neck *_eye *_ear', True)


def shows_whole_body(confidence: np.ndarray) -> bool:
    """Whether shoulders, elbows, wrists, knees and ankles are all known, annotated or detected, from (44,)."""
    annotated, detected = (confidence[part] for part in _WHOLE)
    return bool((np.maximum(annotated, detected) > 0).all())


def shows_upper_body(confidence: np.ndarray) -> bool:
    """Whether no knee or ankle and at least two of shoulders and head are known, from (44,)."""
    return not (confidence[_LEGS] > 0).any() and (confidence[_UPPER] > 0).sum() >= 2


def box_without(keypoints: np.ndarray, cut: list[int], factor: float) -> tuple[np.ndarray, float] | None:
    """Centre (2,) and side, px, of the square about the keypoints that are left; None where fewer than two are.

    Args:
        keypoints: (44, 3) px and confidence.
        cut: Those that are left out.
        factor: See :data:`HIPS`.
    """
    confidence = keypoints[:, 2].copy()
    confidence[cut] = 0
    if not confidence.sum() > 1:
        return None
    left = keypoints[confidence > 0, :2]
    low, high = left.min(0), left.max(0)
    return (low + high) / 2, float(factor * _BOX_FACTOR * (high - low).max())


@TRANSFORMS.register_module()
class ExtremeCrop(BaseTransform):
    """Moves the square of a record of a :class:`das_mm.datasets.PersonViewDataset` with ``prohmr44``, before
    :class:`das_mm.datasets.PersonCrop`.

    People who are seen whole are cut at the hips (70 %), the shoulders (20 %) or the neck (10 %); those who are seen
    without their legs at the shoulders (90 %) or the neck; others stay. The labels stay in all cases: what is out of
    the crop is to be told all the same.

    Args:
        prob: Of a cut.
        seed: Of cuts that follow from the person alone, for tests; None: from numpy's random numbers, as training's.

    Raises:
        UserError: Another keypoint set, or no probability.
    """

    def __init__(self, prob: float = 0.1, seed: int | None = None) -> None:
        if not 0 <= prob <= 1:
            raise UserError(f'{prob} is no probability', field='prob', remedy='give 0 to 1')
        self.prob, self.seed = prob, seed

    @cache_randomness
    def _draw(self) -> tuple[bool, float]:
        return bool(np.random.rand() < self.prob), float(np.random.rand())

    def transform(self, results: dict) -> dict:
        if results['keypoint_set'] != _SET.name:
            raise UserError(
                f'the keypoints are {results["keypoint_set"]}',
                field='keypoint_set',
                remedy=f'give the PersonView keypoint_set={_SET.name!r}, or leave ExtremeCrop out',
            )
        chosen, where = self._draw()
        if self.seed is not None:
            rng = np.random.default_rng([self.seed, results['sample_key'][1]])
            chosen, where = bool(rng.random() < self.prob), float(rng.random())
        keypoints = np.asarray(results['keypoints_2d'], np.float64)
        if not chosen:
            return results
        if shows_whole_body(keypoints[:, 2]):
            cut = HIPS if where < 0.7 else SHOULDERS if where < 0.9 else HEAD
        elif shows_upper_body(keypoints[:, 2]):
            cut = SHOULDERS if where < 0.9 else HEAD
        else:
            return results
        box = box_without(keypoints, *cut)
        if box is not None and box[1] > 0:
            results['box_center'], results['box_scale'] = box
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(prob={self.prob}, seed={self.seed})'
