"""Writes UP-3D: one person an image, with joints, a fitted body and its rendering on white."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from das_mm.errors import UserError

from .base import Layout, SceneGroundTruth
from .one_person import largest

_GREY = 160


class UP3DLayout(Layout):
    """Whoever is largest in each image. Lists of other splits than the one that is written are left alone."""

    name = 'up-3d'
    splits = ('train', 'val', 'trainval', 'test')

    def write(self, scenes: Sequence[SceneGroundTruth], root: Path, split: str) -> None:
        self.check_split(split)
        root = Path(root)
        root.mkdir(parents=True, exist_ok=True)
        sightings = [sighting for scene in scenes if (sighting := largest(scene)) is not None]
        if not sightings:
            raise UserError(
                'there is nobody in any of the images', field='--people', remedy='ask for at least 1 person'
            )
        for number, sighting in enumerate(sightings):
            stem, person = root / f'{number:05d}', sighting.person
            cv2.imwrite(f'{stem}_image.png', sighting.scene.image())
            np.save(f'{stem}_joints.npy', np.vstack([person.px('lsp14').T, person.seen('lsp14') > 0]))
            smpl = person.smpl
            body = dict(
                pose=np.concatenate([smpl['global_orient'], smpl['body_pose'].ravel()]),
                betas=smpl['betas'],
                trans=smpl['transl'],
            )
            Path(f'{stem}_body.pkl').write_bytes(pickle.dumps(body, protocol=2))
            mask = coco_mask.decode(dict(person.segmentation))  # type: ignore[arg-type]
            rendered = np.where(mask[..., None] > 0, _GREY, 255).astype(np.uint8)
            cv2.imwrite(f'{stem}_render_light.png', np.repeat(rendered, 3, axis=2))
        lines = '\n'.join(f'/{number:05d}_image.png' for number in range(len(sightings)))
        (root / f'{split}.txt').write_text(lines + '\n')
