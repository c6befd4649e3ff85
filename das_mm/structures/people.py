"""The people of one image as plain arrays: what predictors and readers give, what drawing, trackers and matchers take.

Letters: N people, K keypoints, V vertices, H × W pixels. Pixels are those of the original image, origin at the centre
of the top-left pixel; the camera frame is x right, y down, z forward.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from .arrays import to_numpy

# np.ndarray | None to people; whoever takes them knows which fields are promised, and need not ask at every use
OptionalArray: TypeAlias = Any

# shape of one person's row; letters must agree from field to field, D is 2 or 3
_ROW_SHAPES: dict[str, tuple[int | str, ...]] = dict(
    scores=(),
    track_ids=(),
    bboxes_px=(4,),
    masks=('H', 'W'),
    roots_px=(2,),
    root_depths_mm=(),
    keypoints_px=('K', 2),
    keypoints_valid=('K',),
    keypoint_scores=('K',),
    keypoints_sigma=('K', 'D'),
    keypoints_cam_mm=('K', 3),
    keypoints_cam_valid=('K',),
    vertices_cam_mm=('V', 3),
)

# field -> its name in the instances of a data sample
_INSTANCE_NAMES = dict(
    scores='scores',
    track_ids='track_ids',
    bboxes_px='bboxes',
    masks='masks',
    roots_px='roots_px',
    root_depths_mm='root_depths_mm',
    keypoints_px='keypoints',
    keypoint_scores='keypoint_scores',
    keypoints_sigma='keypoints_sigma',
    keypoints_cam_mm='keypoints_3d',
    keypoints_cam_valid='keypoints_3d_valid',
    vertices_cam_mm='vertices',
)


@dataclass(frozen=True, eq=False)
class People:
    """N people of one image, true or predicted.

    ``None`` means "not known of anyone"; a number that is not finite, not known of that person. Lengths and shapes are
    checked once, here; an array of nobody may have lost its other axes.

    Attributes:
        scores: (N,) in [0, 1].
        track_ids: (N,) int, identities over time; negative: none.
        bboxes_px: (N, 4) x1, y1, x2, y2.
        masks: (N, H, W) bool.
        roots_px: (N, 2).
        root_depths_mm: (N,) camera depth of the root.
        keypoints_px: (N, K, 2).
        keypoints_valid: (N, K) > 0 where the keypoint may be shown or compared in the image; all when not given.
        keypoint_scores: (N, K) in [0, 1].
        keypoints_sigma: (N, K, 3) standard errors in px, px, mm; (N, K, 2) of a model of the image plane alone.
        keypoints_cam_mm: (N, K, 3) camera frame.
        keypoints_cam_valid: (N, K) > 0 where the keypoint may be shown or compared in 3D; all when not given.
        vertices_cam_mm: (N, V, 3) body surface, camera frame.
        data: Name -> array with a first axis of N: what only some tasks and data sets know of people.

    Raises:
        ValueError: Arrays that do not fit together.

    Example:
        >>> people = People(scores=[0.9, 0.4], keypoints_px=np.zeros((2, 15, 2)), data=dict(heights_mm=[1800., 1650.]))
        >>> len(people), people.select(people.scores > 0.5).data['heights_mm'].tolist()
        (2, [1800.0])
    """

    scores: OptionalArray = None
    track_ids: OptionalArray = None
    bboxes_px: OptionalArray = None
    masks: OptionalArray = None
    roots_px: OptionalArray = None
    root_depths_mm: OptionalArray = None
    keypoints_px: OptionalArray = None
    keypoints_valid: OptionalArray = None
    keypoint_scores: OptionalArray = None
    keypoints_sigma: OptionalArray = None
    keypoints_cam_mm: OptionalArray = None
    keypoints_cam_valid: OptionalArray = None
    vertices_cam_mm: OptionalArray = None
    data: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        put = lambda name, value: object.__setattr__(self, name, value)
        given = {name: value for name in _ROW_SHAPES if (value := getattr(self, name)) is not None}
        arrays = {name: to_numpy(value, np.int64 if name == 'track_ids' else None) for name, value in given.items()}
        data = {name: to_numpy(value) for name, value in self.data.items()}
        _check_lengths({**arrays, **{f'data[{name!r}]': value for name, value in data.items()}})
        sizes: dict[str, tuple[int, str]] = {}
        for name, array in arrays.items():
            put(name, _checked(name, array, sizes))
        put('data', data)

    def arrays(self) -> dict[str, np.ndarray]:
        """The named fields that are known, without ``data``."""
        return {name: value for name in _ROW_SHAPES if (value := getattr(self, name)) is not None}

    def __len__(self) -> int:
        return len(next(iter([*self.arrays().values(), *self.data.values()]), ()))

    def select(self, rows: Any) -> People:
        """The people of some rows: a mask (N,), indices or a slice."""
        data = {name: value[rows] for name, value in self.data.items()}
        return People(**{name: value[rows] for name, value in self.arrays().items()}, data=data)

    @classmethod
    def empty(cls, num_keypoints: int = 0) -> People:
        """Nobody, of whom pixels, camera positions, scores and boxes are known."""
        return cls(
            scores=np.zeros(0),
            bboxes_px=np.zeros((0, 4)),
            keypoints_px=np.zeros((0, num_keypoints, 2)),
            keypoint_scores=np.zeros((0, num_keypoints)),
            keypoints_cam_mm=np.zeros((0, num_keypoints, 3)),
        )

    @classmethod
    def from_instances(cls, instances: Any) -> People:
        """From ``pred_instances`` or ``gt_instances`` of a data sample (or a dict with the same keys).

        Reads keypoints, keypoints_visible (of ground truth only: without scores), keypoints_3d, keypoints_3d_valid,
        keypoint_scores, keypoints_sigma, scores, roots_px, root_depths_mm, bboxes, masks, track_ids and vertices,
        whichever are there; other arrays and tensors go to ``data`` under their own names. A root that is not in front
        of the camera has the depth NaN.

        Raises:
            ValueError: Arrays that do not fit together.
        """
        found = {
            name: value for name, key in _INSTANCE_NAMES.items() if (value := instances.get(key, None)) is not None
        }
        if (visible := instances.get('keypoints_visible', None)) is not None and 'scores' not in found:
            found['keypoints_valid'] = visible
        if 'root_depths_mm' in found:
            depths = to_numpy(found['root_depths_mm'], np.float64)
            found['root_depths_mm'] = np.where(depths > 0, depths, np.nan)
        named = {*_INSTANCE_NAMES.values(), 'keypoints_visible'}
        others = ((name, value) for name, value in instances.items() if name not in named)
        return cls(**found, data={name: value for name, value in others if hasattr(value, 'dtype')})

    def instances(self) -> dict[str, np.ndarray]:
        """The other way round: what is known, by the names of ``pred_instances``, and ``data``."""
        arrays = self.arrays()
        return {**{key: arrays[name] for name, key in _INSTANCE_NAMES.items() if name in arrays}, **self.data}

    @property
    def identities(self) -> np.ndarray:
        """(N,) int: ``track_ids``, or the row number where there are none. They choose the colours."""
        return np.arange(len(self)) if self.track_ids is None else self.track_ids

    @property
    def shown_px(self) -> np.ndarray:
        """(N, K) bool: keypoints with a finite pixel position that are not marked invalid."""
        return self._known(self.keypoints_px, self.keypoints_valid)

    @property
    def shown_cam(self) -> np.ndarray:
        """(N, K) bool: keypoints with a finite camera position, marked invalid neither there nor in the image."""
        return self._known(self.keypoints_cam_mm, self.keypoints_valid, self.keypoints_cam_valid)

    def _known(self, positions: OptionalArray, *valid: OptionalArray) -> np.ndarray:
        if positions is None:
            return np.zeros((len(self), 0), bool)
        known = np.isfinite(positions).all(-1)
        for one in valid:
            known = known if one is None else known & (one > 0)
        return known

    def sizes_px(self, least_side: float = 0.0) -> np.ndarray:
        """(N,) square root of the area of the box, or of that about the shown keypoints if it is larger (boxes end with
        the image); at least 1. Sides of boxes shorter than ``least_side`` px count as that.

        Raises:
            ValueError: There are no boxes.
        """
        if self.bboxes_px is None:
            raise ValueError('people without boxes have no sizes')
        areas = (self.bboxes_px[:, 2:] - self.bboxes_px[:, :2]).clip(min=least_side).prod(1)
        if self.keypoints_px is not None:
            shown = self.shown_px[..., None]
            low = np.where(shown, self.keypoints_px, np.inf).min(1, initial=np.inf)
            high = np.where(shown, self.keypoints_px, -np.inf).max(1, initial=-np.inf)
            areas = np.maximum(areas, np.where(shown.any(1), high - low, 0.0).prod(1))
        return np.sqrt(areas).clip(min=1.0)

    def with_keypoints_above(self, threshold: float) -> People:
        """The same people with keypoints of a lower score made invalid."""
        if self.keypoint_scores is None:
            return self
        valid = self.keypoint_scores >= threshold
        if self.keypoints_valid is not None:
            valid &= self.keypoints_valid > 0
        return replace(self, keypoints_valid=valid)


def _check_lengths(arrays: Mapping[str, np.ndarray]) -> None:
    for name, array in arrays.items():
        if array.ndim == 0:
            raise ValueError(f'{name} has no axis of people')
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f'people of different number: {lengths}')


def _checked(name: str, array: np.ndarray, sizes: dict[str, tuple[int, str]]) -> np.ndarray:
    """The field in its full shape; ``sizes`` gathers what the letters stand for, and in which field they did first."""
    row = _ROW_SHAPES[name]
    if array.size == 0 and len(array) == 0 and array.ndim != 1 + len(row):
        array = array.reshape(0, *(sizes.get(side, (0, ''))[0] if isinstance(side, str) else side for side in row))
    text = ', '.join(map(str, ('N', *row)))
    if array.ndim != 1 + len(row) or any(
        size not in ((2, 3) if side == 'D' else (side,))
        for side, size in zip(row, array.shape[1:])
        if not isinstance(side, str) or side == 'D'
    ):
        raise ValueError(f'{name} of {len(array)} people has shape {array.shape}, expected ({text})')
    for side, size in zip(row, array.shape[1:]):
        if isinstance(side, str) and side != 'D' and size:
            known, first = sizes.setdefault(side, (size, name))
            if len(array) and size != known:
                raise ValueError(
                    f'{name} has shape {array.shape} with {side} = {size}, but {first} has {side} = {known}'
                )
    return array
