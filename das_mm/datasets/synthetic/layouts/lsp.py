"""Writes LSP and LSPET: joints.mat and one person an image."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from das_mm.errors import UserError

from .base import Layout, SceneGroundTruth
from .one_person import Sighting, largest


class _LeedsLayout(Layout):
    digits: int

    def write(self, scenes: Sequence[SceneGroundTruth], root: Path, split: str) -> None:
        from scipy.io import savemat

        self.check_split(split)
        sightings = [sighting for scene in scenes if (sighting := largest(scene)) is not None]
        if not sightings:
            raise UserError(
                'there is nobody in any of the images', field='--people', remedy='ask for at least 1 person'
            )
        (Path(root) / 'images').mkdir(parents=True, exist_ok=True)
        for number, sighting in enumerate(sightings):
            shutil.copyfile(sighting.scene.image_path, Path(root) / 'images' / f'im{number + 1:0{self.digits}d}.jpg')
        savemat(str(Path(root) / 'joints.mat'), dict(joints=np.stack([self.joints(s) for s in sightings], -1)))

    def joints(self, sighting: Sighting) -> np.ndarray:
        """What the file holds of one image; pixels count from 1."""
        raise NotImplementedError


class LSPLayout(_LeedsLayout):
    """Both halves at once: 'train' is the first half of the images, 'test' the second."""

    name = 'lsp'
    splits = ('train', 'test')
    digits = 4

    def joints(self, sighting: Sighting) -> np.ndarray:
        """(3, 14): x, y, 1 where the joint is hidden."""
        hidden = sighting.person.seen('lsp14') < 2
        return np.vstack([sighting.person.px('lsp14').T + 1, hidden])


class LSPETLayout(_LeedsLayout):
    """Joints that are not seen are not labelled."""

    name = 'lspet'
    digits = 5

    def joints(self, sighting: Sighting) -> np.ndarray:
        """(14, 3): x, y, 1 where the joint is labelled."""
        labelled = sighting.person.seen('lsp14') == 2
        px = np.where(labelled[:, None], sighting.person.px('lsp14') + 1, 0)
        return np.column_stack([px, labelled])
