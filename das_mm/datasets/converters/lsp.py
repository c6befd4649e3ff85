"""Leeds Sports Pose (Johnson and Everingham 2010) and its extension LSPET (2011). Pixels of both count from 1."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from das_mm.errors import UserError

from ..annotations.rules import MARK
from ..annotations.values import MAX_PX
from .base import Converter, Job, Part, flags_in_image, image_size, person_entry
from .mat_files import check_shape, read_mat


class _LeedsConverter(Converter):
    """One person an image, in the order of ``lsp14``; no 3D. Others in the image are not annotated.

    Args:
        images: Folder of the images, by default ``images`` below the root, else the root.
    """

    keypoint_set = 'lsp14'

    def __init__(self, root: str | Path, split: str = 'train', images: str | Path | None = None):
        super().__init__(root, split)
        usual = self.root / 'images'
        self.images = Path(images) if images is not None else usual if usual.is_dir() else self.root

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument('--images', metavar='DIR', help='folder of the images; default: images below --root')

    @property
    def image_root(self) -> Path:
        return self.images

    def jobs(self) -> list[Job]:
        file = self.require(self.root / 'joints.mat', 'the annotation')
        return [Job(self.split, dict(file=str(file)), (file,))]

    def _read(self, file: str, *shape: int | None) -> np.ndarray:
        (joints,) = read_mat(file, 'joints')
        if joints.shape[:2] == shape[1::-1]:
            raise UserError(
                f'it has the shape {joints.shape}: that is the other of LSP and LSPET, whose third numbers '
                'mean the opposite',
                file=file,
                field='joints',
                remedy='convert lspet instead of lsp, or the other way round',
            )
        check_shape(joints, shape, file, 'joints')
        joints = joints.astype(float)
        MARK.demand(np.take(joints, 2, axis=0 if shape[0] == 3 else 1), file, 'joints, third number')
        return joints

    def _part(self, names: list[str], px: np.ndarray, known: np.ndarray, hidden: np.ndarray) -> Part:
        """px (N, 14, 2) from 0, known and hidden (N, 14)."""
        part = Part()
        for row, name in enumerate(names):
            size = image_size(self.images / name)
            if size is None:
                part.miss(name)
                continue
            if not known[row].any():
                part.counts['images without joints'] += 1
                continue
            nowhere = known[row] & ~(np.abs(px[row]) <= MAX_PX).all(-1)
            if nowhere.any():
                part.tell('joints left out: NaN, or beyond all images', f'{name}: {px[row][nowhere][0].tolist()}')
            flags = flags_in_image(px[row], known[row], size, hidden[row])
            part.images.append(
                dict(
                    file_name=name,
                    width=size[0],
                    height=size[1],
                    annotations=[person_entry(self.keypoint_set, px[row], flags, size)],
                )
            )
        return part


class LSPConverter(_LeedsConverter):
    """LSP, original size or 150 px: the first half of the 2000 images trains, the second tests."""

    name = 'lsp'
    title = 'Leeds Sports Pose'
    splits = ('train', 'test')
    tree = 'DIR/joints.mat      (3 × 14 × 2000)\nDIR/images/im0001.jpg … im2000.jpg'

    def convert(self, job: Job) -> Part:
        joints = self._read(job.arguments['file'], 3, 14, None).transpose(2, 1, 0)  # (N, 14, 3)
        half = len(joints) // 2
        rows = np.arange(half) if self.split == 'train' else np.arange(half, len(joints))
        # the third number says that a joint is hidden; all are labelled
        return self._part(
            [f'im{row + 1:04d}.jpg' for row in rows],
            joints[rows, :, :2] - 1,
            np.ones(joints[rows].shape[:2], bool),
            joints[rows, :, 2] > 0,
        )

    def expected(self) -> dict[str, str]:
        return {'images': '1000', 'people': '1000'}


class LSPETConverter(_LeedsConverter):
    """LSPET: 10 000 training images, or the larger ones of the same set (hr-lspet, png with gaps in their numbers).

    It has no official split. Here ``val_tenth`` are the images whose number ends in 0, ``train_rest`` all others, and
    ``train`` all of them.
    """

    name = 'lspet'
    title = 'Leeds Sports Pose Extended'
    splits = ('train', 'train_rest', 'val_tenth')
    tree = (
        'DIR/joints.mat      (14 × 3 × 10000)\nDIR/images/im00001.jpg … im10000.jpg      (hr-lspet: DIR/im00001.png …)'
    )

    def convert(self, job: Job) -> Part:
        joints = self._read(job.arguments['file'], 14, 3, None).transpose(2, 0, 1)  # (N, 14, 3)
        names = sorted(path.name for path in self.images.glob('im?????.png'))
        if names and len(names) != len(joints):
            raise UserError(
                f'there are {len(names)} images im*.png, but joints of {len(joints)}',
                file=self.images,
                field='joints',
                remedy='unpack the archive again: the images are counted in their order',
            )
        if not names:
            names = [f'im{row + 1:05d}.jpg' for row in range(len(joints))]
        # the third number says that a joint is labelled; where it is 0 the coordinates mean nothing
        known = joints[..., 2] > 0
        tenth = np.array([int(Path(name).stem[2:]) % 10 == 0 for name in names], dtype=bool)
        rows = np.flatnonzero({'train': np.ones_like(tenth), 'train_rest': ~tenth, 'val_tenth': tenth}[self.split])
        px = joints[rows, :, :2] - 1
        return self._part([names[row] for row in rows], px, known[rows], np.zeros_like(known[rows]))

    def expected(self) -> dict[str, str]:
        return {'images': '10000 (hr-lspet: about 9400)'}
