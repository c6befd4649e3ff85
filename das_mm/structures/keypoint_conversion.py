"""From the keypoints of one set to those of another, by name. Letters: K keypoints of a set."""

from __future__ import annotations

import numpy as np

from .keypoint_sets import DERIVATIONS, OPENPOSE_SUFFIX, KeypointSet, get_keypoint_set

# keypoint of the target -> what may stand for it, best first, if the source lacks it and nothing else claims it
SUBSTITUTES: dict[str, tuple[str, ...]] = {
    'neck': ('upper_neck', 'head_bottom', 'smpl_neck'),
    'upper_neck': ('neck', 'head_bottom'),
    'head_bottom': ('neck', 'upper_neck'),
    'head_top': ('head_h36m',),
    'head_h36m': ('head_top',),
    'nose': ('jaw',),
    'jaw': ('head', 'nose'),
    'head': ('jaw',),  # the head of MuPoTS is no face point: never a nose
    'mid_hip': ('pelvis',),
    'pelvis': ('mid_hip',),
}

# the root must exist for a person to be learnt; a derived neck differs from a labelled one, so it is opt-in
DEFAULT_DERIVE = ('mid_hip', 'pelvis')


def superset_indices(src: str | KeypointSet, superset: str | KeypointSet) -> np.ndarray:
    """:func:`convert_indices` to the detections' part of a superset such as ``spin49``; -1 at its ground truth.

    Example:
        >>> superset_indices('openpose25', 'spin49')[:4].tolist()
        [0, 1, 2, 3]
    """
    src, superset = get_keypoint_set(src), get_keypoint_set(superset)
    names = [k.removesuffix(OPENPOSE_SUFFIX) if k.endswith(OPENPOSE_SUFFIX) else None for k in superset.keypoints]
    return np.array([src.index(name) if name in src.keypoints else -1 for name in names], dtype=np.int64)


def convert_indices(src: str | KeypointSet, dst: str | KeypointSet) -> np.ndarray:
    """Index table by name: ``dst[i] = src[table[i]]``, -1 where the source has no such keypoint.

    Exact names go first; a substitute is taken only if no keypoint of ``dst`` bears its very name.

    Returns:
        (K_dst,) int64.
    """
    src, dst = get_keypoint_set(src), get_keypoint_set(dst)
    source_index = {keypoint: i for i, keypoint in enumerate(src.keypoints)}
    table = []
    for keypoint in dst.keypoints:
        substitutes = (s for s in SUBSTITUTES.get(keypoint, ()) if s not in dst.keypoints)
        candidates = (source_index[c] for c in (keypoint, *substitutes) if c in source_index)
        table.append(next(candidates, -1))
    return np.asarray(table, dtype=np.int64)


def convert_keypoints(
    keypoints: np.ndarray,
    valid: np.ndarray,
    src: str | KeypointSet,
    dst: str | KeypointSet,
    derive: tuple[str, ...] = DEFAULT_DERIVE,
) -> tuple[np.ndarray, np.ndarray]:
    """Carries keypoints of one set over to another.

    Args:
        keypoints: (*, K_src, D), any unit.
        valid: (*, K_src) flags (bool or 0/1/2); 0 = not labelled.
        src, dst: Names of the sets.
        derive: Keypoints of ``dst`` that the source lacks and that are made as a mean (:data:`.DERIVATIONS`).

    Returns:
        keypoints (*, K_dst, D) and valid (*, K_dst) of the same types; absent keypoints are 0 with flag 0, a derived
        one has the lesser flag of its sources.

    Raises:
        ValueError: The number of keypoints is not that of ``src``.
    """
    src, dst = get_keypoint_set(src), get_keypoint_set(dst)
    if keypoints.shape[-2] != src.num_keypoints or valid.shape[-1] != src.num_keypoints:
        raise ValueError(
            f'{src.name} has {src.num_keypoints} keypoints, got keypoints {keypoints.shape} and valid {valid.shape}'
        )
    table = convert_indices(src, dst)
    out, out_valid = keypoints[..., table, :], valid[..., table]  # copies: the index is an array
    out[..., table < 0, :] = 0
    out_valid[..., table < 0] = 0
    for i in derived_indices(src, dst, derive):
        sources = [src.index(source) for source in DERIVATIONS[dst.keypoints[i]]]
        out_valid[..., i] = valid[..., sources].min(axis=-1)
        mean = keypoints[..., sources, :].mean(axis=-2)
        out[..., i, :] = np.where(out_valid[..., i, None] > 0, mean, 0)
    return out, out_valid


def derived_indices(
    src: str | KeypointSet, dst: str | KeypointSet, derive: tuple[str, ...] = DEFAULT_DERIVE
) -> list[int]:
    """Indices of ``dst`` that :func:`convert_keypoints` makes as a mean of keypoints of ``src``."""
    src, dst = get_keypoint_set(src), get_keypoint_set(dst)
    table = convert_indices(src, dst)
    return [
        i
        for i, keypoint in enumerate(dst.keypoints)
        if table[i] < 0 and keypoint in derive and set(DERIVATIONS[keypoint]) <= set(src.keypoints)
    ]


def root_of(keypoints: np.ndarray, valid: np.ndarray, keypoint_set: str | KeypointSet) -> tuple[np.ndarray, np.ndarray]:
    """Root of each person: the stored keypoint, or the mean of both hips where the set has none.

    Args:
        keypoints: (*, K, D).
        valid: (*, K) flags.

    Returns:
        root (*, D), 0 where its flag is 0, and flag (*), the lesser flag of its sources.
    """
    sources = list(get_keypoint_set(keypoint_set).root_sources)
    root_valid = valid[..., sources].min(axis=-1)
    return np.where(root_valid[..., None] > 0, keypoints[..., sources, :].mean(axis=-2), 0), root_valid
