"""OpenPose's own output, a json an image, matched to the people of a data set as SPIN does it."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from das_mm.errors import UserError
from das_mm.registry import TASK_UTILS
from das_mm.structures.keypoint_conversion import convert_indices
from das_mm.structures.keypoint_sets import KEYPOINT_SETS, KeypointSet

_LIMBS = KEYPOINT_SETS['lsp14'].keypoints[:12]
_OPENPOSE_LIMBS = [KEYPOINT_SETS['openpose25'].index(name) for name in _LIMBS]


@TASK_UTILS.register_module()
class OpenPoseFolder:
    """Detections out of ``STEM_keypoints.json``, one for each image, of OpenPose's BODY_25.

    A labelled person takes the detection with the least mean distance over the twelve limb joints; only detections of
    all twelve are candidates. A file that is absent or damaged, or has no candidate, gives none (confidence 0); damaged
    ones are told once.

    Args:
        folder: Of the json files; files of images in folders lie in folders of the same names, or all in one.
        source: Keypoint set of the data set.
        reject_below_px: SPIN's released preprocessing throws away a match that is farther than a tenth of the person's
            size and nearer than this (30 for MPII, 10 for COCO, else 0: never). Odd, but its detections are such.

    Raises:
        UserError: There is no such folder, or the data set does not label limbs.
    """

    def __init__(self, folder: str | Path, source: KeypointSet, reject_below_px: float = 0.0):
        self.folder, self.reject_below_px = Path(folder), reject_below_px
        if not self.folder.is_dir():
            raise UserError(
                'there is no such folder',
                file=folder,
                field='openpose.folder',
                remedy="give that of OpenPose's json files",
            )
        self.rows = convert_indices(source, 'lsp14')[:12]
        if (self.rows < 0).any():
            raise UserError(
                f'{source.name} has not all limb joints', field='openpose', remedy="take type='DetectionFile' instead"
            )
        self.damaged: set[str] = set()

    def of(self, image: dict, place: int, row: int) -> np.ndarray:
        """See :class:`.Detections`."""
        people = self._read(Path(image['img_path']))
        points = image['keypoints'][place][self.rows].astype(np.float64)
        known = image['keypoints_flags'][place][self.rows] > 0
        if not len(people) or not known.any():
            return np.zeros((25, 3))
        limbs = people[:, _OPENPOSE_LIMBS]  # (n, 12, 3)
        distance = np.linalg.norm(limbs[:, known, :2] - points[known], axis=-1).mean(1)
        distance[~(limbs[..., 2] > 0).all(axis=1)] = np.inf
        best = int(distance.argmin())
        size = max(np.ptp(points[known], axis=0).max(), 1.0)
        rejected = distance[best] > 0.1 * size and distance[best] < self.reject_below_px
        return people[best] if np.isfinite(distance[best]) and not rejected else np.zeros((25, 3))

    def _read(self, image: Path) -> np.ndarray:
        """(n, 25, 3) of all people found in an image."""
        name = f'{image.stem}_keypoints.json'
        path = next((p for p in (self.folder / image.parent.name / name, self.folder / name) if p.exists()), None)
        if path is None:
            return np.empty((0, 25, 3))
        try:
            content = json.loads(path.read_text(encoding='utf-8'))
            people = [np.asarray(person['pose_keypoints_2d'], np.float64) for person in content['people']]
            found = np.array(people).reshape(-1, 25, 3)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            if str(path) not in self.damaged:
                self.damaged.add(str(path))
                print_log(f"{path}: no output of OpenPose's; nobody is found", logger='current', level=logging.WARNING)
            return np.empty((0, 25, 3))
        return found[np.isfinite(found).all((1, 2))]
