"""UP-3D (Lassner et al. 2017): images with SMPL bodies that were fitted and then accepted by people."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np

from das_mm.bodies.smpl_pickle import STAND_INS, plain
from das_mm.engine.array_files import read_npy
from das_mm.engine.restricted_pickle import load_pickle
from das_mm.errors import UserError

from ..annotations.values import MAX_PX
from .base import Converter, Job, Part, flags_in_image, image_size, person_entry
from .smpl_rows import smpl_entry

_NUMBER = re.compile(r'(\d{5})')
_IMAGES_A_JOB = 500
_WHITE = 255  # of the renderings' background


class UP3DConverter(Converter):
    """One person an image: LSP's 14 joints in 2D, and SMPL's pose and shape; the camera is not told.

    The box is that of the rendered body (``render_light.png``), as GraphCMR takes it; that of the joints without one.
    """

    name = 'up-3d'
    title = 'UP-3D'
    keypoint_set = 'lsp14'
    splits = ('train', 'val', 'trainval', 'test')
    tree = (
        'DIR/train.txt, val.txt, trainval.txt, test.txt\n'
        'DIR/00000_image.png, 00000_joints.npy (3 × 14), 00000_body.pkl, 00000_render_light.png …'
    )

    def jobs(self) -> list[Job]:
        listed = self.require(self.root / f'{self.split}.txt', f'the list of the split {self.split!r}')
        try:
            found = [_NUMBER.search(line) for line in listed.read_text().split()]
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f'cannot be read ({error})', file=listed, remedy='unpack the archive again') from None
        numbers = [match[1] for match in found if match]
        if not numbers:
            raise UserError(
                'it names no image', file=listed, remedy='it must hold lines like /00000_image.png; unpack it again'
            )
        return [
            Job(f'{self.split}_{start:05d}', dict(numbers=numbers[start : start + _IMAGES_A_JOB]), (listed,))
            for start in range(0, len(numbers), _IMAGES_A_JOB)
        ]

    def convert(self, job: Job) -> Part:
        part = Part()
        for number in job.arguments['numbers']:
            name = f'{number}_image.png'
            size = image_size(self.root / name)
            if size is None:
                part.miss(name)
                continue
            person = self._person(number, size, part)
            part.images.append(dict(file_name=name, width=size[0], height=size[1], annotations=[person]))
        return part

    def _person(self, number: str, size: tuple[int, int], part: Part) -> dict:
        px, known = self._joints(self.root / f'{number}_joints.npy')
        nowhere = known & ~(np.abs(px) <= MAX_PX).all(-1)
        if nowhere.any():
            part.tell('joints left out: NaN, or beyond all images', f'{number}: {px[nowhere][0].tolist()}')
        flags = flags_in_image(px, known, size)
        box = _rendered_box(self.root / f'{number}_render_light.png', size)
        if box is None:
            part.tell('people without a rendered body; the box is that of their joints', number)
        return person_entry(
            self.keypoint_set, px, flags, size, bbox_xywh=box, smpl=self._body(self.root / f'{number}_body.pkl', part)
        )

    def _joints(self, path: Path) -> tuple[np.ndarray, np.ndarray]:
        """Pixels (14, 2) and who is labelled (14,)."""
        joints = read_npy(self.require(path, 'the joints of an image'), 'unpack the archive again')
        if joints.shape != (3, 14) or joints.dtype.kind not in 'fiu':
            raise UserError(
                f'it holds {joints.dtype} of the shape {joints.shape}, not numbers of (3, 14)',
                file=path,
                remedy='unpack the archive again; it must be that of UP-3D',
            )
        return joints[:2].T.astype(np.float64), joints[2] > 0

    def _body(self, path: Path, part: Part) -> dict | None:
        """SMPL's entry; None, counted, where the numbers are no body."""
        stored = load_pickle(self.require(path, 'the body of an image'), allow=STAND_INS)
        arrays = []
        for key, count in (('pose', 72), ('betas', 10), ('trans', 3)):
            value = plain(stored.get(key)) if isinstance(stored, dict) else None
            try:
                array = np.zeros(3) if key == 'trans' and value is None else np.asarray(value, np.float64).ravel()
            except (TypeError, ValueError):
                array = np.empty(0)
            if len(array) < count:
                raise UserError(
                    f'it is no array of {count} numbers', file=path, field=key, remedy='unpack the archive again'
                )
            arrays.append(array[:count])
        if not all(np.isfinite(array).all() for array in arrays):
            part.tell('people without SMPL: numbers not finite', path.name)
            return None
        pose, betas, transl = arrays
        return smpl_entry(pose[:3], pose[3:], betas, transl)


def _rendered_box(path: Path, size: tuple[int, int]) -> np.ndarray | None:
    """x, y, width, height px about what is not white; None without a rendering of this image."""
    image = cv2.imread(str(path)) if path.exists() else None
    if image is None or image.shape[1::-1] != size:
        return None
    rows, columns = np.nonzero(image.min(axis=2) < _WHITE)
    if not len(rows):
        return None
    low = np.array([columns.min(), rows.min()])
    return np.concatenate([low, np.array([columns.max(), rows.max()]) + 1 - low]).astype(np.float64)
