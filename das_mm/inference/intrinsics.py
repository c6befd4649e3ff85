"""Which camera an image was taken with: what the user says, what the photograph says, or a stated assumption.

In this order: intrinsics given by the user (``source`` 'user'), EXIF ('exif'), a field of view given by the user
('fov'), the model's default field of view ('default_fov').

A file of intrinsics is json or yaml. Either one camera for every image::

    {"fx": 1450, "fy": 1450, "cx": 959.5, "cy": 539.5, "width": 1920, "height": 1080, "dist": [k1, k2, p1, p2, k3]}

or ``{"K": [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]}``, where ``width``, ``height`` (the size of the image that the numbers
are for: images of another size get them scaled) and ``dist`` (OpenCV's) may be left out; or one for each image, by file
name: ``{"a.jpg": {"K": …}, "b.jpg": {"fx": …}}``.
"""

from __future__ import annotations

import logging
import os
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from das_mm.engine.json_files import read_json
from das_mm.engine.regular_files import open_regular
from das_mm.errors import UserError
from das_mm.printable import printable_lines
from das_mm.structures import check_intrinsics, default_intrinsics, transform_intrinsics

from .exif import exif_intrinsics

_FOCAL_KEYS = ('fx', 'fy', 'cx', 'cy')
_KEYS = {'K', *_FOCAL_KEYS, 'dist', 'width', 'height'}
_REMEDY = 'give fx,fy,cx,cy in pixels, or a .json or .yaml file with K (3×3) or with fx, fy, cx and cy'
_TOLD, _TOLD_CHARACTERS = 5, 200
_LARGEST_SIDE_PX = 1_000_000
_SAME_RATIO = 0.02  # scaling by different factors in x and y beyond this is no resizing

Intrinsics = str | Path | Mapping | Sequence | np.ndarray


@dataclass(frozen=True)
class GivenCamera:
    """Intrinsics given by a user.

    Attributes:
        K: (3, 3).
        dist: (5,) OpenCV's k1, k2, p1, p2, k3, or None.
        size: (width, height) of the image that K is for; None for "whatever image it is used with".
        file, field: Where it was given, for messages.
    """

    K: np.ndarray
    dist: np.ndarray | None = None
    size: tuple[int, int] | None = None
    file: str | None = None
    field: str | None = None

    def for_size(self, size: tuple[int, int]) -> np.ndarray:
        """K (3, 3) for an image of ``size`` (width, height).

        Raises:
            UserError: The image has another ratio of sides than the one K is for: it is a cut or turned image.
        """
        if self.size is None or self.size == tuple(size):
            return self.K
        sx, sy = size[0] / self.size[0], size[1] / self.size[1]
        if abs(sx / sy - 1) > _SAME_RATIO:
            raise UserError(
                f'the intrinsics are for {_by(self.size)} px, and the image is {_by(size)} px: it is not '
                'the same image at another size',
                file=self.file,
                field=self.field,
                remedy='give the intrinsics of this image (as it is shown, turned upright)',
            )
        return transform_intrinsics(self.K, np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2]]))


class CameraFinder:
    """Finds the camera of image after image.

    Args:
        intrinsics: A file, 'fx,fy,cx,cy', four numbers, a matrix (3, 3), or what a file holds; None if unknown.
        fov_deg: Field of view along the longer image side, for images that tell nothing; None for the model's default.

    Raises:
        UserError: They cannot be read or make no camera.
    """

    def __init__(self, intrinsics: Intrinsics | None = None, fov_deg: float | None = None):
        self._given = {} if intrinsics is None else parse_intrinsics(intrinsics)
        if fov_deg is not None:
            default_intrinsics(1, 1, fov_deg)  # says what is wrong with it
        self._fov_deg = fov_deg
        self._warned = False

    def told(self, file: str | None) -> dict[str, Any]:
        """What was given for a file, as json has it: the same for two runs means the same camera."""
        given = self._given_for(file)
        K, dist, size = (None, None, None) if given is None else (given.K, given.dist, given.size)
        as_list = lambda array: None if array is None else array.tolist()
        return dict(K=as_list(K), dist=as_list(dist), size=None if size is None else list(size), fov_deg=self._fov_deg)

    def find(self, size: tuple[int, int], file: str | None = None, is_photo: bool = True) -> dict[str, Any]:
        """The camera of an image.

        Args:
            size: (width, height) of the image, upright.
            file: Where it is from.
            is_photo: Look for EXIF data there.

        Returns:
            ``K`` (3, 3) or None where the model is to assume one, ``dist`` (5,) or None, ``source`` and, for EXIF,
            ``detail``.

        Raises:
            UserError: The given intrinsics are for an image of another shape.
        """
        given = self._given_for(file)
        if given is not None:
            K = given.for_size(size)
            self._warn_if_outside(K, size, file)
            return dict(K=K, dist=given.dist, source='user', detail=None)
        told = None if file is None or not is_photo else exif_intrinsics(file, size)
        if told is not None:
            return dict(K=told[0], dist=None, source='exif', detail=told[1])
        if self._fov_deg is not None:
            return dict(K=default_intrinsics(*size, self._fov_deg), dist=None, source='fov', detail=None)
        return dict(K=None, dist=None, source='default_fov', detail=None)

    def _given_for(self, file: str | None) -> GivenCamera | None:
        if None in self._given or not self._given:
            return self._given.get(None)
        names = [] if file is None else [str(file), Path(file).name, Path(file).stem]
        found = next((self._given[name] for name in names if name in self._given), None)
        if found is None:
            self._warn(
                f'the intrinsics name no image {names[1] if names else "of an array"}: its camera is looked for '
                'elsewhere, and so are those of others that are not named'
            )
        return found

    def _warn_if_outside(self, K: np.ndarray, size: tuple[int, int], file: str | None) -> None:
        center = K[:2, 2]
        if (center < 0).any() or (center > np.array(size) - 1).any():
            self._warn(
                f'the principal point ({center[0]:.0f}, {center[1]:.0f}) lies outside {file or "the image"} '
                f'({_by(size)} px); if the intrinsics are for another size, give its width and height in a file'
            )

    def _warn(self, message: str) -> None:
        """Once: a folder of images would say it a thousand times."""
        if not self._warned:
            logging.getLogger('das_mm').warning(printable_lines(message))
        self._warned = True


def parse_intrinsics(given: Intrinsics) -> dict[str | None, GivenCamera]:
    """Cameras by image name; by None the one for all images.

    Raises:
        UserError: No file, not json or yaml, or numbers that make no camera; the message names file and field.
    """
    if isinstance(given, (str, Path)):
        text = str(given)
        if os.path.isfile(text) or Path(text).suffix.lower() in ('.json', '.yaml', '.yml'):
            return _parse_content(_read(Path(text)), text)
        try:
            given = [float(part) for part in text.split(',')]
        except ValueError:
            told = reprlib.repr(text)
            raise UserError(f'{told} is neither a file nor fx,fy,cx,cy', field='intrinsics', remedy=_REMEDY) from None
    if isinstance(given, Mapping):
        return _parse_content(given, None)
    try:
        array = np.asarray(given, dtype=object)
    except ValueError:  # nested unevenly, or too deeply
        array = np.zeros(0)
    if array.shape == (4,):
        return {None: GivenCamera(_matrix(array, None, 'intrinsics'), field='intrinsics')}
    if array.shape == (3, 3):
        return {None: GivenCamera(check_intrinsics(given, field='intrinsics'), field='intrinsics')}
    raise UserError(f'there are {array.size} numbers, which make no camera', field='intrinsics', remedy=_REMEDY)


def _read(path: Path) -> Any:
    if path.suffix.lower() == '.json':
        what, remedy = 'the file of intrinsics', 'correct the file'
        return read_json(path, what=what, absent='check the path', remedy=remedy, field='intrinsics')
    with open_regular(path, 'intrinsics') as file:
        text = file.read()
    try:
        return yaml.safe_load(text.decode('utf-8-sig'))
    except RecursionError:
        problem = 'its lists are nested too deeply'
    except (ValueError, yaml.YAMLError) as error:
        problem = ' '.join(str(error).split())
    raise UserError(
        f'the intrinsics cannot be read: {problem}', file=path, field='intrinsics', remedy='correct the file'
    )


def _parse_content(content: Any, file: str | None) -> dict[str | None, GivenCamera]:
    if not isinstance(content, Mapping) or not content:
        raise UserError('it holds no camera', file=file, field='intrinsics', remedy=_REMEDY)
    if _KEYS & set(content):
        return {None: _camera(content, file, None)}
    return {str(name): _camera(entry, file, str(name)) for name, entry in content.items()}


def _camera(entry: Any, file: str | None, name: str | None) -> GivenCamera:
    at = lambda key: key if name is None else f'{name}.{key}'
    if not isinstance(entry, Mapping):
        entry = dict(K=entry)
    unknown = sorted(map(str, set(entry) - _KEYS))
    if unknown:
        raise UserError(
            f'these are not known: {", ".join(unknown[:_TOLD])[:_TOLD_CHARACTERS]}',
            file=file,
            field=name or 'intrinsics',
            remedy=f'known are {", ".join(sorted(_KEYS))}; take the rest out',
        )
    if 'K' in entry:
        K, field = check_intrinsics(entry['K'], file=file, field=at('K')), at('K')
    else:
        missing = [key for key in _FOCAL_KEYS if key not in entry]
        if missing:
            raise UserError('it is missing', file=file, field=at(missing[0]), remedy=_REMEDY)
        K, field = _matrix([entry[key] for key in _FOCAL_KEYS], file, at('fx, fy, cx, cy')), at('fx')
    return GivenCamera(K, _distortion(entry.get('dist'), file, at('dist')), _size(entry, file, at), file, field)


def _matrix(numbers: Sequence | np.ndarray, file: str | None, field: str) -> np.ndarray:
    fx, fy, cx, cy = numbers
    return check_intrinsics([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], file=file, field=field)


def _distortion(given: Any, file: str | None, field: str) -> np.ndarray | None:
    if given is None:
        return None
    try:
        dist = np.asarray(given, dtype=np.float64).ravel()
    except (TypeError, ValueError, OverflowError):
        dist = np.zeros(0)
    if len(dist) not in (4, 5) or not np.isfinite(dist).all():
        raise UserError(
            f'{reprlib.repr(given)} is no lens distortion',
            file=file,
            field=field,
            remedy="give OpenCV's k1, k2, p1, p2 and k3 as finite numbers, or leave it out",
        )
    return np.pad(dist, (0, 5 - len(dist)))


def _size(entry: Mapping, file: str | None, at) -> tuple[int, int] | None:
    if 'width' not in entry and 'height' not in entry:
        return None
    for key in ('width', 'height'):
        told = entry.get(key)
        if not isinstance(told, int) or isinstance(told, bool) or not 1 <= told <= _LARGEST_SIDE_PX:
            raise UserError(
                f'{reprlib.repr(told)} is no number of pixels',
                file=file,
                field=at(key),
                remedy='give width and height of the image that the intrinsics are for, or neither',
            )
    return entry['width'], entry['height']


def _by(size: tuple[int, int]) -> str:
    return f'{size[0]}×{size[1]}'
