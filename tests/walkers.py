"""A stand-in for a network: people who walk through a video, known exactly, in an order that tells nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from mmengine.structures import InstanceData

K = np.array([[100.0, 0, 47.5], [0, 100, 31.5], [0, 0, 1]])


@dataclass
class Walkers:
    """Stands for ``model.test_step``. Person i walks to the right in a row of its own and comes in again at the left.

    Attributes:
        count: People. size: (width, height) px of the video. meshes: With SMPL's parameters.
        jitter_px: Noise, another in every frame.
        asked: Numbers of the frames that it was asked for.
    """

    count: int = 3
    size: tuple[int, int] = (96, 64)
    meshes: bool = False
    jitter_px: float = 0.0

    def __post_init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, batch: dict) -> list:
        for sample in batch['data_samples']:
            frame = sample.metainfo['frame'] or 0
            self.asked.append(frame)
            camera = sample.metainfo['camera']
            known = camera.get('K')
            sample.set_metainfo(dict(camera=dict(camera, K=K if known is None else known)))
            sample.pred_instances = self.people(frame)
        return batch['data_samples']

    def roots_px(self, frame: int) -> np.ndarray:
        """(count, 2) by person."""
        width, height = self.size
        rows = np.arange(self.count)
        return np.stack([(10 + 20 * rows + 0.8 * frame) % width, height * (rows + 1) / 6], axis=1)

    def people(self, frame: int) -> InstanceData:
        rng = np.random.default_rng(frame)
        order = rng.permutation(self.count)
        roots = self.roots_px(frame)[order]
        shape = np.stack([np.tile([-4.0, 0, 4], 5), np.repeat([-10.0, -5, 0, 5, 10], 3)], axis=1)  # (15, 2)
        shape -= shape[2]  # the root is the third keypoint
        points = roots[:, None] + shape + rng.normal(0, 1, (self.count, 15, 2)) * self.jitter_px
        depths = np.full(self.count, 20.0) + order
        found = dict(
            keypoints=points,
            keypoint_scores=np.full((self.count, 15), 0.8),
            scores=0.9 - 0.1 * order / self.count,
            bboxes=np.concatenate([points.min(1), points.max(1)], axis=1),
            roots_px=points[:, 2],
            root_depths_norm=depths,
            root_depths_mm=100 * depths,
            relative_depths_mm=np.zeros((self.count, 15)),
            keypoints_3d=np.concatenate(
                [
                    (points - K[:2, 2]) * depths[:, None, None],
                    np.broadcast_to(100 * depths[:, None, None], (self.count, 15, 1)),
                ],
                axis=2,
            ),
        )
        if self.meshes:
            upright = np.zeros((self.count, 24, 3))
            upright[:, 0, 0] = np.pi  # the camera's y points down
            upright[:, 16, 2] = -1 + 0.01 * frame % 1
            found.update(
                smpl_global_orient=upright[:, 0],
                smpl_body_pose=upright[:, 1:],
                smpl_betas=rng.normal(0, 0.1, (self.count, 10)),
                smpl_root_mm=np.full((self.count, 3), [0, 200, 0]),
            )
        return InstanceData(**{name: np.asarray(values, np.float32) for name, values in found.items()})
