"""Settings of a synthetic set, and the random streams that follow from them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

import numpy as np

from das_mm.errors import UserError

GENERATOR_VERSION = 1  # raise it whenever the same settings would give another set

# One independent stream for each purpose, so that a change of, say, the clothes moves nobody.
_STREAMS = {'layout': 0, 'appearance': 1, 'environment': 2, 'image': 3, 'noise': 4}


@dataclass(frozen=True)
class SyntheticConfig:
    """What is generated; everything here enters the hash under which a set is cached.

    Attributes:
        num_images: Number of images (of clips: frames in all, see ``clip_length``).
        image_size: (width, height) px.
        people: Fewest and most people in a scene; a crowded small image may hold fewer than were drawn, never more.
        seed: Image i depends on (seed, i) and the settings of its drawing, on nothing else.
        split: Names the files and enters the seed, so that 'train' and 'val' of one seed share no scene.
        kind: 'scenes' (unrelated images) or 'clips' (moving people and camera, identities kept).
        clip_length: Frames of a clip, 16 to 64; the last clip is cut where ``num_images`` ends.
        fps: Frames a second of a clip.
        subject_share: Least and greatest height of a standing adult of the main group over the height of the image.
        share_spread: How much that of each group differs from it: the standard deviation of its logarithm.
        clothes: 'varied', or 'suits' whose every limb has its own colour, from which a small network learns quickly.
        joint_sets: One annotation file each, over the same images.
        jpeg_quality: 1 to 100.
        save_vertices: Also keep the vertices (camera frame, m) of every person in the SMPL file: 41 kB a person. They
            are computed again from the parameters by ``vertices_from_row`` otherwise.
    """

    num_images: int = 200
    image_size: tuple[int, int] = (832, 512)
    people: tuple[int, int] = (1, 8)
    seed: int = 0
    split: str = 'train'
    kind: str = 'scenes'
    clip_length: int = 24
    fps: float = 15.0
    subject_share: tuple[float, float] = (0.25, 1.35)
    share_spread: float = 0.45
    clothes: str = 'varied'
    joint_sets: tuple[str, ...] = ('panoptic15', 'coco17')
    jpeg_quality: int = 92
    save_vertices: bool = False

    def __post_init__(self):
        for name in ('image_size', 'people', 'subject_share', 'joint_sets'):  # lists come from config files
            object.__setattr__(self, name, tuple(getattr(self, name)))
        self._require('num_images', self.num_images >= 1, 'give at least 1')
        self._require(
            'image_size',
            len(self.image_size) == 2 and min(self.image_size) >= 32,
            'give (width, height), each at least 32 px',
        )
        self._require(
            'people',
            len(self.people) == 2 and 0 <= self.people[0] <= self.people[1] <= 20,
            'give (fewest, most) with 0 <= fewest <= most <= 20',
        )
        self._require('seed', self.seed >= 0, 'give a whole number that is not negative')
        self._require('split', self.split.isidentifier(), 'use letters, digits and underscores')
        self._require('kind', self.kind in ('scenes', 'clips'), "use 'scenes' or 'clips'")
        self._require('clip_length', 16 <= self.clip_length <= 64, 'a clip has 16 to 64 frames')
        self._require('fps', 1 <= self.fps <= 120, 'give 1 to 120 frames a second')
        self._require('joint_sets', len(self.joint_sets) > 0, "name at least one, for instance ('panoptic15',)")
        self._require(
            'subject_share',
            len(self.subject_share) == 2 and 0.1 <= self.subject_share[0] <= self.subject_share[1] <= 1.9,
            'give (least, greatest) with 0.1 <= least <= greatest <= 1.9',
        )
        self._require('clothes', self.clothes in ('varied', 'suits'), "use 'varied' or 'suits'")
        self._require('share_spread', 0 <= self.share_spread <= 1, 'give 0 to 1')
        self._require('jpeg_quality', 1 <= self.jpeg_quality <= 100, 'give 1 to 100')

    def _require(self, field: str, holds: bool, remedy: str) -> None:
        if not holds:
            raise UserError(f'{getattr(self, field)!r} is not possible', field=field, remedy=remedy)

    @property
    def key(self) -> str:
        """16 hex digits that change with any setting and with the generator's version, and with nothing else.

        Made of the settings as text, so it is the same on every machine.
        """
        text = json.dumps({'version': GENERATOR_VERSION, **asdict(self)}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def rng(self, index: int, stream: str, person: int = 0) -> np.random.Generator:
        """The generator of one ``stream`` ('layout', 'appearance', …) of a scene or clip, or of one person in it."""
        split = int.from_bytes(hashlib.sha256(self.split.encode()).digest()[:4], 'little')
        return np.random.Generator(np.random.PCG64([self.seed, split, index, _STREAMS[stream], person]))
