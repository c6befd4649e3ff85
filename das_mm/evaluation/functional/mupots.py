"""MuPoTS-3D: the semantics of the official MATLAB evaluation (Mehta et al., 3DV 2018; relative and absolute as used by
Moon et al. 2019; PCK_root and PCOD as added by Zhen et al. (SMAP) 2020).

Every array is in the 17 keypoints of ``KEYPOINT_SETS['mupots17']``. Letters: N true, M predicted people of an image;
px of the stored image; mm, camera frame. Steps for one image:

1. Pairs are made in the image, greedily in the order of the true people: each takes the free prediction with most of
   13 joints (no head top, pelvis, spine, head) within 40 px in x and in y (:func:`match_greedily`).
2. Relative mode subtracts each pose's own pelvis; absolute mode subtracts nothing: the *predicted* root counts.
3. In both modes the bones of the prediction get the lengths of the true ones (:func:`rescale_bones`).
4. PCK counts 14 joints (no pelvis, spine, head) with an error *below* 150 mm, AUC is the mean of its curve at
   0, 5, …, 150 mm (so perfection is 96.77). People without prediction are wrong in every joint ("all") or left out
   ("matched"). PCK_root: pelvis, absolute, ≤ 150 mm.
5. PCOD: share of the pairs of people whose order in depth is right (:func:`ordinal_depth`).

PCK, AUC and PCOD are plain means over the sequences; PCK_root pools the people of all sequences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache

import numpy as np

from das_mm.structures.keypoint_sets import KEYPOINT_SETS

from .pck import auc, pck

ROOT = KEYPOINT_SETS['mupots17'].index('pelvis')  # 14
PCK_JOINTS = np.arange(14)
MATCHING_JOINTS = np.arange(1, 14)
#: Depth of a person who was not found, in mode "all", mm.
MISSED_MM = 1e5

# parent of each joint, and the joints in an order that puts parents first (the root stays where it is)
_PARENTS = (1, 15, 1, 2, 3, 1, 5, 6, 14, 8, 9, 14, 11, 12, 14, 14, 1)
_TRAVERSAL = (15, 1, 0, 16, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)
#: (joint, parent) as the python port in circulation pairs them: the parent is looked up by the place in the traversal
#: instead of by the joint, an error that its numbers contain.
PORT_BONES = tuple(zip(_TRAVERSAL, _PARENTS))


@lru_cache
def bones_between(available: tuple[bool, ...] = (True,) * 17) -> tuple[tuple[int, int], ...]:
    """(joint, parent) in the order of rescaling; a parent that is not available gives way to its own parent.

    So with 15 joints (no spine, no head) the neck hangs on the pelvis, as SMAP's evaluation has it.

    Example:
        >>> bones_between()[:3]
        ((15, 14), (1, 15), (0, 1))
        >>> bones_between((True, ) * 15 + (False, False))[:2]
        ((1, 14), (0, 1))
    """
    bones = []
    for joint in _TRAVERSAL:
        parent = _PARENTS[joint]
        while not available[parent] and parent != ROOT:
            parent = _PARENTS[parent]
        if available[joint]:
            bones.append((joint, parent))
    return tuple(bones)


def match_greedily(
    gt_px: np.ndarray,
    gt_labelled: np.ndarray,
    pred_px: np.ndarray,
    pred_available: np.ndarray,
    threshold_px: float = 40.0,
) -> np.ndarray:
    """Pairs of the official evaluation: one-to-one, in the order of the true people, scores play no part.

    Args:
        gt_px: (N, 17, 2).
        gt_labelled: (N, 17) bool, also out of the image.
        pred_px: (M, 17, 2); a joint at exactly (0, 0) counts as not predicted.
        pred_available: (17,) bool, joints that the predictions have at all.
        threshold_px: Largest difference in x and in y (exclusive).

    Returns:
        (N,) index of the prediction, -1 for none.

    Example:
        >>> gt = np.arange(34.).reshape(1, 17, 2); seen = np.ones((1, 17), bool)
        >>> match_greedily(gt, seen, np.concatenate([gt + 41, gt + 39]), seen[0])
        array([1])
    """
    pairs = np.full(len(gt_px), -1, dtype=np.int64)
    predicted = (pred_px != 0).any(-1) & pred_available  # (M, 17)
    near = (np.abs(gt_px[:, None] - pred_px[None]) < threshold_px).all(-1)  # (N, M, 17)
    near &= gt_labelled[:, None] & predicted[None]
    agreeing = near[..., MATCHING_JOINTS].sum(-1)  # (N, M)
    for person, counts in enumerate(agreeing):
        if counts.size and counts.max() > 0:
            pairs[person] = counts.argmax()
            agreeing[:, pairs[person]] = 0
    return pairs


def rescale_bones(pred: np.ndarray, gt: np.ndarray, bones: Sequence[tuple[int, int]] | None = None) -> np.ndarray:
    """Give the bones of a predicted pose the lengths of the true ones; directions stay, the root stays.

    Args:
        pred, gt: (17, 3) mm.
        bones: (joint, parent) in the order of work; default: all of the set.

    Returns:
        (17, 3) mm. A bone of no length has no direction: its joint and all that hang on it are NaN.

    Example:
        >>> gt = np.random.default_rng(0).normal(size=(17, 3))
        >>> bool(np.allclose(rescale_bones(gt[ROOT] + 2 * (gt - gt[ROOT]), gt), gt))
        True
    """
    mapped = np.array(pred, dtype=np.float64)
    for joint, parent in bones or bones_between():
        bone = pred[joint] - pred[parent]
        length = np.linalg.norm(bone)
        factor = np.linalg.norm(gt[joint] - gt[parent]) / length if length > 0 else np.nan
        mapped[joint] = mapped[parent] + bone * factor
    return mapped


def ordinal_depth(gt_z: np.ndarray, pred_z: np.ndarray, threshold_mm: float = 300.0) -> tuple[int, int]:
    """Pairs of people of one image whose order in depth is right, and pairs in all (PCOD).

    Right: the differences of true and predicted root depth have the same sign, or both are below the threshold.

    Args:
        gt_z, pred_z: (N,) root depths, mm.

    Example:
        >>> ordinal_depth(np.array([2000., 2100., 4000.]), np.array([2100., 2000., 2050.]))  # right: (0, 1), (1, 2)
        (2, 3)
    """
    first, second = np.triu_indices(len(gt_z), 1)
    gt, pred = gt_z[first] - gt_z[second], pred_z[first] - pred_z[second]
    right = (gt * pred > 0) | ((np.abs(gt) < threshold_mm) & (np.abs(pred) < threshold_mm))
    return int(right.sum()), len(first)


@dataclass(frozen=True)
class MuPoTSErrors:
    """Errors of the N people of one image or sequence; +inf for who was not found.

    Attributes:
        relative, absolute: (N, 17) mm.
        valid: (N, 17) bool, labelled and predicted at all.
        occluded: (N, 17) bool.
        matched: (N,) bool.
        pairs: (2, 2) depth order, (right, in all) of all people and of the matched ones.
    """

    relative: np.ndarray = field(default_factory=lambda: np.zeros((0, 17)))
    absolute: np.ndarray = field(default_factory=lambda: np.zeros((0, 17)))
    valid: np.ndarray = field(default_factory=lambda: np.zeros((0, 17), bool))
    occluded: np.ndarray = field(default_factory=lambda: np.zeros((0, 17), bool))
    matched: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    pairs: np.ndarray = field(default_factory=lambda: np.zeros((2, 2), np.int64))

    @classmethod
    def join(cls, parts: Sequence[MuPoTSErrors]) -> MuPoTSErrors:
        """Errors of several images as one."""
        parts = [cls(), *parts]
        columns = {item.name: [getattr(part, item.name) for part in parts] for item in fields(cls)}
        pairs = np.sum(columns.pop('pairs'), axis=0)
        return cls(**{name: np.concatenate(column) for name, column in columns.items()}, pairs=pairs)


def image_errors(
    gt: np.ndarray, valid: np.ndarray, occluded: np.ndarray, pred: np.ndarray, pairs: np.ndarray
) -> MuPoTSErrors:
    """Steps 2, 3 and 5 of the head of the module.

    Args:
        gt: (N, 17, 3) mm; the root of everybody must be valid.
        valid, occluded: (N, 17).
        pred: (M, 17, 3) mm.
        pairs: (N,) index of the prediction or -1.

    Example:
        >>> gt = np.random.default_rng(0).normal(size=(1, 17, 3)) * 300 + [0, 0, 3000]
        >>> seen = np.ones((1, 17), bool)
        >>> errors = image_errors(gt, seen, ~seen, gt + [0, 0, 200.], np.array([0]))
        >>> float(errors.relative.max().round(9)), float(errors.absolute.min().round(9))
        (0.0, 200.0)
    """
    relative, absolute = (np.full(gt.shape[:2], np.inf) for _ in range(2))
    for person, index in enumerate(pairs):
        if index < 0:
            continue
        # moving a pose does not change its bones, so both modes share the mapped one
        mapped = rescale_bones(pred[index], gt[person], bones_between(tuple(valid[person].tolist())))
        absolute[person] = np.linalg.norm(mapped - gt[person], axis=-1)
        relative[person] = np.linalg.norm((mapped - mapped[ROOT]) - (gt[person] - gt[person, ROOT]), axis=-1)
    matched = pairs >= 0
    gt_z = gt[:, ROOT, 2]
    pred_z = np.where(matched, np.append(pred[:, ROOT, 2], MISSED_MM)[pairs], MISSED_MM)
    order = [ordinal_depth(gt_z, pred_z), ordinal_depth(gt_z[matched], pred_z[matched])]
    relative, absolute = (np.nan_to_num(errors, nan=np.inf) for errors in (relative, absolute))
    return MuPoTSErrors(
        relative,
        absolute,
        np.asarray(valid, bool),
        np.asarray(occluded, bool),
        matched,
        np.array(order, dtype=np.int64),
    )


def sequence_table(errors: MuPoTSErrors, threshold_mm: float = 150.0) -> dict[str, float]:
    """PCK, AUC and PCOD of one sequence in percent; see :func:`mupots_table` for the names.

    Example:
        >>> table = sequence_table(MuPoTSErrors.join([]))
        >>> bool(np.isnan(list(table.values())).all())
        True
    """
    table = {}
    valid = errors.valid[:, PCK_JOINTS]
    for suffix, rows, (right, total) in (
        ('', slice(None), errors.pairs[0]),
        ('_matched', errors.matched, errors.pairs[1]),
    ):
        for mode, joint_mm in (('rel', errors.relative), ('abs', errors.absolute)):
            table[f'pck_{mode}{suffix}'] = pck(joint_mm[rows][:, PCK_JOINTS], valid[rows], threshold_mm)
            table[f'auc_{mode}{suffix}'] = auc(joint_mm[rows][:, PCK_JOINTS], valid[rows])
        table[f'pcod{suffix}'] = 100.0 * float(right) / float(total) if total else float('nan')
    # the official tables by occlusion count an error *equal* to the threshold as right
    for name, mask in (('visible', ~errors.occluded), ('occluded', errors.occluded)):
        counted = valid & mask[:, PCK_JOINTS]
        table[f'pck_rel_{name}'] = pck(errors.relative[:, PCK_JOINTS], counted, threshold_mm, inclusive=True)
    return table


def mupots_table(sequences: dict[str, MuPoTSErrors], threshold_mm: float = 150.0) -> dict[str, float]:
    """The benchmark's numbers, all in percent.

    ===========================  ======================================================================================
    ``pck_rel``, ``auc_rel``     relative to the root, all people; mean over the sequences
    ``pck_abs``, ``auc_abs``     in the camera frame, all people; mean over the sequences
    ``pcod``                     order in depth, all people; mean over the sequences that have two people in an image
    ``pck_root``                 roots in the camera frame, people of all sequences pooled
    ``pck_rel_visible`` …        joints labelled visible or occluded; mean over the sequences
    ``…_matched``                the same over the people who were found
    ``num_gt``, ``num_matched``  people; ``num_sequences``
    ===========================  ======================================================================================

    Sequences in which a number has no meaning (nobody found, no pair of people) are left out of its mean.

    Example:
        >>> gt = np.random.default_rng(0).normal(size=(2, 17, 3)) * 300 + [0, 0, 3000]
        >>> seen = np.ones((2, 17), bool)
        >>> found = image_errors(gt, seen, ~seen, gt, np.array([0, 1]))
        >>> missed = image_errors(gt, seen, ~seen, gt, np.array([-1, -1]))
        >>> table = mupots_table(dict(TS1=found, TS2=missed))
        >>> table['pck_rel'], table['pck_rel_matched'], round(table['auc_rel_matched'], 2), table['pck_root']
        (50.0, 100.0, 96.77, 50.0)
    """
    tables = [sequence_table(errors, threshold_mm) for errors in sequences.values()]
    everybody = MuPoTSErrors.join(list(sequences.values()))
    table = {}
    for name in tables[0] if tables else sequence_table(everybody):
        values = np.array([row[name] for row in tables])
        values = values[np.isfinite(values)]
        table[name] = float(values.mean()) if len(values) else float('nan')
    roots = everybody.absolute[:, [ROOT]]
    for suffix, rows in (('', slice(None)), ('_matched', everybody.matched)):
        counted = np.ones_like(roots[rows], dtype=bool)
        table[f'pck_root{suffix}'] = pck(roots[rows], counted, threshold_mm, inclusive=True)
    table.update(
        num_gt=float(len(everybody.matched)),
        num_matched=float(everybody.matched.sum()),
        num_sequences=float(len(sequences)),
    )
    return table
