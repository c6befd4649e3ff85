"""Reading data samples for evaluation: torch or numpy, ``PoseDataSample`` or the dict that mmengine makes of it.

Letters: N true people, M predictions, K keypoints. Everything is in the frame of the stored image: px, and mm in the
camera frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import DTypeLike

from das_mm.errors import UserError
from das_mm.structures.arrays import to_numpy
from das_mm.structures.keypoint_sets import DERIVATIONS
from das_mm.structures.people import People

from ..functional.alignment import Root, root_position

# names of the root in the keypoint sets of this package and of mmpose, in the order they are looked for
_ROOT_NAMES = ('mid_hip', 'pelvis', 'smpl_pelvis', 'root')

#: Which true keypoints count in 3D: name -> function(valid_3d, flags, inside), all (N, K), giving (N, K) bool.
VISIBILITY_RULES: dict[str, Callable] = dict(
    valid=lambda valid, flags, inside: valid,
    valid_in_image=lambda valid, flags, inside: valid & (flags > 0) & inside,
    visible=lambda valid, flags, inside: valid & (flags == 2) & inside,
)


def as_dict(sample) -> Mapping:
    """A ``BaseDataElement`` as mmengine's evaluator would hand it to a metric; a dict as it is."""
    return sample.to_dict() if hasattr(sample, 'to_dict') else sample


def _field(
    instances: Mapping, name: str, shape: tuple[int, ...], where: str, default=None, dtype: DTypeLike = np.float64
) -> np.ndarray:
    """Field of an instance container, (num, *shape); an empty field may have lost its shape.

    Raises:
        UserError: The field is absent and has no default, or its shape is wrong.
    """
    value = instances.get(name)
    if value is None:
        if default is None:
            raise UserError(f'{where} has no {name}', field=name, remedy='see the fields that the metric needs')
        return default
    value = to_numpy(value, dtype)
    if value.size == 0:
        return value.reshape(0, *shape)
    if value.shape[1:] != shape:
        raise UserError(
            f'{where}.{name} has shape {value.shape}, expected (num, {", ".join(map(str, shape))})',
            field=name,
            remedy='predictions and ground truth must use the same keypoint set',
        )
    return value


def _num_keypoints(instances: Mapping) -> int | None:
    """K of the first field that still knows it (empty fields may have shape (0,))."""
    for name in ('keypoints', 'keypoints_3d'):
        value = instances.get(name)
        if value is not None and len(value.shape) == 3 and value.shape[1] > 0:
            return int(value.shape[1])
    return None


def has_3d(sample: Mapping) -> bool:
    """Whether the image has 3D ground truth: as its ``has_3d`` says, else by the fields of its people."""
    given = sample.get('has_3d')
    return 'keypoints_3d' in (sample.get('gt_instances') or {}) if given is None else bool(given)


def keypoint_indices(dataset_meta: Mapping | None) -> dict[str, int]:
    """Keypoint name -> index, in order; empty when the meta information of the data set does not tell."""
    names = (dataset_meta or {}).get('keypoint_id2name', {})
    return {names[index]: index for index in range(len(names))}


def read_ground_truth(sample: Mapping, root: Root, visibility: str, num_keypoints: int | None = None) -> People:
    """The ``gt_instances`` of a data sample, with the ignore rule of the annotation format applied.

    A person is ignored whose ``is_valid`` is false, who is a crowd, or whose root is unlabelled or out of the image.

    =======================  ==========================================================================================
    ``keypoints_valid``      (N, K) bool, labelled and inside the image
    ``keypoints_cam_valid``  (N, K) bool, those that count in 3D by the visibility rule
    ``data['evaluated']``    (N,) bool; the others are ignored
    ``data['is_region']``    (N,) bool, ignored people known by their box alone
    ``data['has_pose']``     (N,) bool, evaluated people with a valid 3D root and at least one more valid keypoint
    ``data['annotated']``    (N,) bool, neither crowd nor ``is_valid`` false; they need not be in the image
    ``data['flags']``        (N, K) as labelled, also out of the image
    ``data['ann_ids']``      (N,), -1 where there are none
    =======================  ==========================================================================================

    Args:
        sample: Data sample as a dict.
        root: Index or indices of the root.
        visibility: Key of ``VISIBILITY_RULES``.
        num_keypoints: K, where an image without people does not tell.

    Raises:
        UserError: A needed field is missing or misshapen.
    """
    where = f'gt_instances of image {sample.get("img_id")}'
    instances = as_dict(sample.get('gt_instances') or {})
    k = _num_keypoints(instances) or num_keypoints or 0
    keypoints_px = _field(instances, 'keypoints', (k, 2), where, np.zeros((0, k, 2)))
    num = len(keypoints_px)
    flags = instances.get('keypoints_flags')
    if flags is None:  # mmpose's own datasets: visible or not, and no more
        flags = _field(instances, 'keypoints_visible', (k,), where, np.ones((num, k))) > 0
        flags = 2 * flags.astype(np.int64)
    else:
        flags = _field(instances, 'keypoints_flags', (k,), where, dtype=np.int64)
    keypoints_3d = _field(instances, 'keypoints_3d', (k, 3), where, np.zeros((num, k, 3)))
    valid_3d = _field(instances, 'keypoints_3d_valid', (k,), where, np.zeros((num, k))) > 0
    if not has_3d(sample):
        valid_3d = np.zeros_like(valid_3d)
    bboxes = _field(instances, 'bboxes', (4,), where, np.zeros((num, 4)))
    crowd = _field(instances, 'iscrowd', (), where, np.zeros(num)) > 0
    annotated = _field(instances, 'is_valid', (), where, np.ones(num)) > 0
    ann_ids = np.full(num, -1) if instances.get('ann_ids') is None else to_numpy(instances['ann_ids'], np.int64)

    if sample.get('ori_shape') is None:
        raise UserError(
            f'{where}: the sample does not tell its size',
            field='ori_shape',
            remedy="pack 'ori_shape' (height, width) into the meta information of the sample",
        )
    height, width = sample['ori_shape'][:2]
    inside = np.all((keypoints_px >= -0.5) & (keypoints_px < [width - 0.5, height - 0.5]), axis=-1)
    labelled = (flags > 0) & inside
    roots = np.atleast_1d(root)
    root_px = root_position(keypoints_px, root)
    root_inside = np.all((root_px >= -0.5) & (root_px < [width - 0.5, height - 0.5]), axis=-1)
    evaluated = annotated & ~crowd & root_inside & (flags[:, roots] > 0).all(1)

    root_valid = valid_3d[:, roots].all(1)
    counted = VISIBILITY_RULES[visibility](valid_3d, flags, inside)
    counted = counted & root_valid[:, None]
    others = counted.copy()
    if roots.size == 1:
        others[:, roots] = False
    return People(
        bboxes_px=bboxes,
        keypoints_px=keypoints_px,
        keypoints_valid=labelled,
        keypoints_cam_mm=keypoints_3d,
        keypoints_cam_valid=counted,
        data=dict(
            evaluated=evaluated,
            is_region=crowd | ~labelled.any(1),
            has_pose=evaluated & root_valid & others.any(1),
            annotated=annotated & ~crowd,
            flags=flags,
            ann_ids=ann_ids,
        ),
    )


def read_predictions(sample: Mapping, score_thr: float, needs_3d: bool, num_keypoints: int | None = None) -> People:
    """The ``pred_instances`` of a data sample with at least the given score.

    Scores, boxes, keypoints, their scores and (where the sample has them) identities; ``data['usable']`` (M,) bool is
    False where a number is not finite: such a prediction is counted as predicted, never as found.

    Args:
        sample: Data sample as a dict.
        score_thr: Predictions scored below are dropped.
        needs_3d: Require finite 3D keypoints (not in images that have only 2D ground truth).
        num_keypoints: K, where an image without people does not tell.

    Raises:
        UserError: A needed field is missing or misshapen.
    """
    where = f'pred_instances of image {sample.get("img_id")}'
    if sample.get('pred_instances') is None:
        raise UserError(
            'the sample carries no predictions', field='pred_instances', remedy='run the model in test mode'
        )
    instances = as_dict(sample['pred_instances'])
    k = num_keypoints or _num_keypoints(instances) or 0
    keypoints_px = _field(instances, 'keypoints', (k, 2), where)
    num = len(keypoints_px)
    keypoints_3d = _field(instances, 'keypoints_3d', (k, 3), where)
    scores = _field(instances, 'scores', (), where, np.ones(num))
    keypoint_scores = _field(instances, 'keypoint_scores', (k,), where, np.ones((num, k)))
    tight = np.concatenate([keypoints_px.min(1), keypoints_px.max(1)], 1) if num else np.zeros((0, 4))
    bboxes = _field(instances, 'bboxes', (4,), where, tight)
    track_ids = None if instances.get('track_ids') is None else to_numpy(instances['track_ids'], np.int64)

    usable = np.isfinite(keypoints_px).all((1, 2))
    if needs_3d:
        usable &= np.isfinite(keypoints_3d).all((1, 2))
    keep = ~(scores < score_thr)  # a NaN score is kept and counted
    return People(
        scores=scores,
        track_ids=track_ids,
        bboxes_px=bboxes,
        keypoints_px=keypoints_px,
        keypoint_scores=keypoint_scores,
        keypoints_cam_mm=keypoints_3d,
        data=dict(usable=usable),
    ).select(keep)


def resolve_root(root: Root | str | None, names: Mapping[str, int]) -> tuple[int, ...]:
    """Indices whose mean is the root.

    Args:
        root: Index, indices, keypoint name, or None for the set's own root: the keypoint ``mid_hip`` or ``pelvis``
            (or what stands for it) where the set has one, else the mean of left and right hip.
        names: Keypoint name -> index.

    Raises:
        UserError: No such keypoint.

    Example:
        >>> resolve_root(None, dict(left_hip=4, right_hip=5, nose=0)), resolve_root('nose', dict(nose=0))
        ((4, 5), (0,))
    """
    if root is None or (root in _ROOT_NAMES and root not in names):
        for name in _ROOT_NAMES:
            if name in names:
                return (names[name],)
        sources = DERIVATIONS[_ROOT_NAMES[0]]
        if all(source in names for source in sources):
            return tuple(names[source] for source in sources)
        raise UserError(
            'the keypoint set has neither a pelvis nor both hips',
            field='root',
            remedy='give the metric root=<index or keypoint name>',
        )
    if isinstance(root, str):
        if root not in names:
            raise UserError(
                f'{root!r} is not among the keypoints {sorted(names)}',
                field='root',
                remedy='give a keypoint of the set, or its index',
            )
        return (names[root],)
    indices = tuple(int(index) for index in np.atleast_1d(root))
    if names and not all(0 <= index < len(names) for index in indices):
        raise UserError(
            f'{root!r} is out of range for {len(names)} keypoints',
            field='root',
            remedy=f'give indices from 0 to {len(names) - 1}',
        )
    return indices
