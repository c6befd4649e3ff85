"""The rules of the annotation format, one a kind of fault: for the reader, the check and the converters alike.

A rule takes the numbers of many entries at once, (rows, …), and says which of them are sound. Letters: J keypoints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from das_mm.errors import UserError

from .values import MAX_MM, MAX_PX, MAX_SIDE_PX

# nobody is nearer to a camera than this on average: smaller depths mean metres or centimetres
LEAST_MEDIAN_DEPTH_MM = 250.0


@dataclass(frozen=True)
class Rule:
    """One kind of fault.

    Attributes:
        problem: What is wrong; follows the name of the field in a sentence.
        meaning: What comes of it, or how it usually comes about.
        remedy: What to do.
        test: Numbers (rows, …) -> (rows, …) bool, whether they are sound; None for what is no matter of numbers alone.
    """

    problem: str
    meaning: str
    remedy: str
    test: Callable[[np.ndarray], np.ndarray] | None = None

    def holds(self, values: np.ndarray) -> np.ndarray:
        """(rows,) bool of values (rows, …): whether all numbers of a row are sound."""
        assert self.test is not None
        sound = self.test(values)
        return sound.all(axis=tuple(range(1, sound.ndim)))

    def demand(self, values: np.ndarray, file: object, field: str) -> None:
        """For converters: the values (…) of one entry must be sound.

        Raises:
            UserError: They are not; it names ``file`` and ``field``.
        """
        if not self.holds(np.asarray(values, np.float64)[None])[0]:
            raise self.error(file, field)

    def error(self, file: object, field: str | None, detail: str = '') -> UserError:
        """The error of an entry that breaks the rule."""
        return UserError(
            f'{self.problem}: {detail}' if detail else self.problem, file=file, field=field, remedy=self.remedy
        )


def _within(limit: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda values: np.abs(values) <= limit  # False for NaN


def _is_mark(values: np.ndarray) -> np.ndarray:
    return (values == 0) | (values == 1)


def _is_flag(values: np.ndarray) -> np.ndarray:
    return _is_mark(values) | (values == 2)


# of any field
OBJECT = Rule('holds entries that are no objects', 'they cannot be read', 'write the file again')
MISSING = Rule('is missing', 'nothing can be done with the entry', 'write it into every entry')
NUMBERS = Rule(
    'is not a regular list of numbers',
    'it cannot be read',
    'give plain numbers, not in quotes, in lists of the same length',
)
NUMBER = Rule('is no number', 'it cannot be read', 'give a plain number, not in quotes')
WHOLE = Rule('is not a whole number of at most 64 bits', 'it is an id or a count', 'give a whole number, not in quotes')
UNIQUE = Rule(
    'is used before', 'ids must be unique: two files must not simply be joined', 'give every entry an id of its own'
)
MARK = Rule(
    'is neither true nor false',
    'it is not known what is meant',
    'give 0 or 1, true or false, or leave it out',
    _is_mark,
)
TEXT = Rule('is no text', 'it is a name', 'give text (UTF-8, without zero bytes), or leave it out')

# of images
FILE_NAME = Rule(
    'is no text', 'the image cannot be found', 'give its path below the image folder, in UTF-8 and without zero bytes'
)
SIDE = Rule(
    'is not a positive whole number of pixels',
    'boxes are cut to it, and images are checked against it',
    f'write the size of the image file in px, at most {MAX_SIDE_PX:g}',
    lambda values: (values >= 1) & (values <= MAX_SIDE_PX) & (values == np.rint(values)),
)
CROWD_INDEX = Rule(
    'is not between 0 and 1',
    "it is CrowdPose's share of crowding",
    'give a number from 0 to 1, or leave it out',
    lambda values: (values >= 0) & (values <= 1),
)
ACTIVITY = Rule(
    'is no number of an activity', 'results are told by it', 'give a whole number below 32768', _within(2**15 - 1)
)
CAMERA = Rule(
    'has no K', 'without K nothing can be projected', 'give K, or leave cam_param out where the camera is not known'
)
REGIONS = Rule(
    'holds no polygon',
    'what is to be ignored is not known',
    f'give a list of polygons [[x, y], [x, y], [x, y], …] in px, within ±{MAX_PX:g}',
    _within(MAX_PX),
)

# of people
IMAGE_ID = Rule(
    'names no image',
    'the file may be cut, or images were removed without their annotations',
    'remove the annotation, or add the image',
)
FLAGS = Rule(
    'holds a flag that is not 0, 1 or 2',
    'it is not known which keypoints are labelled',
    'the third number is 0 not labelled, 1 labelled but hidden or outside, 2 visible: no confidence',
    _is_flag,
)
LABELLED = Rule(
    'holds NaN, infinity or numbers beyond all images where labelled',
    'a training would end in NaN',
    f'set the flag of keypoints that are not known to 0; pixels lie within ±{MAX_PX:g}',
    _within(MAX_PX),
)
BOX = Rule(
    'holds NaN, infinity or numbers beyond all images',
    'the person has no place',
    f'bbox is x, y, width, height in px, within ±{MAX_PX:g}',
    _within(MAX_PX),
)
BOX_SIDES = Rule(
    'has a negative width or height',
    'corners may have been exchanged',
    'bbox is x, y, width, height in px',
    lambda boxes: boxes[:, 2:] >= 0,
)
AREA = Rule(
    'is no area',
    'the similarity of keypoints (OKS) is measured with it',
    'give px², 0 or more, or leave it out: then that of the box is taken',
    lambda values: (values >= 0) & (values <= MAX_PX**2),
)
ROOT_DEPTH = Rule(
    'is not in front of the camera',
    'it is the z of the root in the camera frame',
    'give mm along the optical axis, or null where it is not known',
    lambda values: (values > 0) & (values <= MAX_MM),
)
VALID_3D = Rule(
    'is missing',
    'it is not known which of keypoints_3d may be learnt',
    'say with 0 and 1 which of keypoints_3d (camera-space mm) are known',
)
POINTS_3D = Rule(
    'holds NaN, infinity or lengths beyond all measure',
    'a training would end in NaN',
    'set keypoints_3d_valid to 0 for keypoints that are not known',
    _within(MAX_MM),
)
IN_FRONT = Rule(
    'has keypoints behind the camera (z <= 0)',
    'usually world instead of camera coordinates, the sign of T, or y and z exchanged',
    'store R·X + T: x right, y down, z forward; or set keypoints_3d_valid to 0 for keypoints that are not known',
    lambda depths: depths > 0,
)
UNIV = Rule(
    'is missing, or holds NaN or infinity',
    'others have it: metrics would mix two truths',
    'give it wherever keypoints_3d is valid, in the same shape, or nowhere',
    _within(MAX_MM),
)
MILLIMETRES = Rule(
    'is not in millimetres',
    'nobody is so near to a camera: metres or centimetres were stored',
    'multiply metres by 1000, centimetres by 10 (root_depth and T too)',
)


def shape_rule(shape: tuple[int, ...], remedy: str) -> Rule:
    """Of a field that must have this shape."""
    return Rule(f'does not have the shape {shape_text(shape)}', 'the numbers cannot be told apart', remedy)


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape in words."""
    return '×'.join(map(str, shape)) if shape else 'of one number'
