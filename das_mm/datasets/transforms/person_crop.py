"""Cuts one person out of the image, with the augmentation of HMR's family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from das_mm.errors import UserError
from das_mm.registry import TRANSFORMS
from das_mm.structures import get_keypoint_set, invert_warp, transform_intrinsics, warp_points
from das_mm.structures.crop_transform import MIRROR, augment_pose, crop_frame, crop_matrix, crop_warp, whole_crop_pixels

from .geometry import warp_image


@dataclass(frozen=True)
class CropAugmentation:
    """What is drawn for each person; defaults are GraphCMR's and SPIN's.

    Attributes:
        flip_prob: Of the mirror.
        rotation_deg: Standard deviation of the turn, which is cut at twice as much.
        rotation_prob: Of a turn at all.
        scale: Standard deviation of the square's factor about 1, cut at one of it (SPIN .25, ProHMR .3).
        shift: Standard deviation of the centre's shift over the square's side, cut at one of it (ProHMR .02).
        color: Each channel is multiplied by a number between 1 - color and 1 + color (SPIN .4, ProHMR .2).
    """

    flip_prob: float = 0.5
    rotation_deg: float = 30.0
    rotation_prob: float = 0.4
    scale: float = 0.25
    shift: float = 0.0
    color: float = 0.4

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            most = 1 if name.endswith('prob') else 90 if name == 'rotation_deg' else 0.99
            if not 0 <= value <= most:
                raise UserError(
                    f'{value!r} is not possible', field=f'augmentation.{name}', remedy=f'give 0 to {most:g}'
                )

    def draw(self) -> dict[str, Any]:
        """``flip``, ``rotation_deg``, ``scale``, ``shift`` (2,) and ``color`` (3,) of one person."""
        turned = np.random.rand() < self.rotation_prob
        return dict(
            flip=bool(np.random.rand() < self.flip_prob),
            rotation_deg=float(self.rotation_deg * np.clip(np.random.randn(), -2, 2)) if turned else 0.0,
            scale=float(1 + self.scale * np.clip(np.random.randn(), -1, 1)),
            shift=self.shift * np.clip(np.random.randn(2), -1, 1),
            color=np.random.uniform(1 - self.color, 1 + self.color, 3),
        )


def no_augmentation() -> dict[str, Any]:
    """What :meth:`CropAugmentation.draw` gives in a test."""
    return dict(flip=False, rotation_deg=0.0, scale=1.0, shift=np.zeros(2), color=np.ones(3))


@TRANSFORMS.register_module()
class PersonCrop(BaseTransform):
    """The square crop of a record of :class:`.PersonViewDataset`; labels and SMPL parameters follow it.

    Sets ``img`` (crop_px, crop_px, 3); ``keypoints_2d`` (K, 3) in [-1, 1] of the crop; ``keypoints_3d`` (K, 4) and
    ``smpl_pose`` (72,) in the crop's camera frame; ``input_K`` (3, 3) of the crop, or None; ``augmentation``; and
    ``warp_mat`` (2, 3) from px of the image to px of the crop. ``gt`` stays that of the image. The crop's [-1, 1] spans
    its pixels from edge to edge: x px is 2(x + 0.5) / crop_px - 1. All is done in one interpolation; what lies outside
    of the image is black.

    Args:
        crop_px: Side of the crop.
        augmentation: Arguments of :class:`CropAugmentation`; None for tests.
        flip_after_rotation: The crop is cut with its rotation and mirrored afterwards (GraphCMR, SPIN); or the image is
            mirrored first (ProHMR).
        whole_pixels: 2D keypoints are cut to whole pixels of the crop as GraphCMR's and SPIN's are:
            x = trunc(M·x) + 1, then 2x / crop_px - 1.
    """

    def __init__(
        self,
        crop_px: int = 224,
        augmentation: Mapping[str, Any] | None = None,
        flip_after_rotation: bool = True,
        whole_pixels: bool = False,
    ):
        if crop_px < 8:
            raise UserError(f'a crop of {crop_px} px is no crop', field='crop_px', remedy='give at least 8')
        self.crop_px, self.flip_after_rotation, self.whole_pixels = crop_px, flip_after_rotation, whole_pixels
        self.augmentation = None if augmentation is None else CropAugmentation(**augmentation)

    @cache_randomness
    def _draw(self) -> dict[str, Any]:
        return no_augmentation() if self.augmentation is None else self.augmentation.draw()

    def transform(self, results: dict) -> dict:
        drawn = self._draw()
        side = results['box_scale'] * drawn['scale']
        center = results['box_center'] + results['box_scale'] * drawn['shift']
        frame = crop_frame(drawn['rotation_deg'], drawn['flip'], self.flip_after_rotation)
        warp = crop_warp(center, side, self.crop_px, frame)
        order = list(get_keypoint_set(results['keypoint_set']).flip_indices) if drawn['flip'] else slice(None)

        results['img'] = _coloured(
            warp_image(results['img'], warp, (self.crop_px, self.crop_px), (0, 0, 0)), drawn['color']
        )
        keypoints_2d = np.array(results['keypoints_2d'], np.float64)
        keypoints_2d[:, :2] = self._places(keypoints_2d[:, :2], center, side, drawn)
        keypoints_2d[:, :2] *= keypoints_2d[:, 2:] > 0  # nothing is known of the others
        keypoints_3d = np.array(results['keypoints_3d'], np.float64)
        keypoints_3d[:, :3] = keypoints_3d[:, :3] @ frame.T
        results['keypoints_2d'], results['keypoints_3d'] = keypoints_2d[order], keypoints_3d[order]
        if results['has_smpl']:
            pose = results['smpl_pose'].reshape(24, 3)
            results['smpl_pose'] = augment_pose(
                pose, drawn['rotation_deg'], drawn['flip'], self.flip_after_rotation
            ).reshape(72)
        K = results['camera_matrix']
        results.update(
            img_shape=(self.crop_px, self.crop_px),
            warp_mat=warp,
            crop_to_image=invert_warp(warp),
            flip=drawn['flip'],
            input_K=None if K is None else transform_intrinsics(np.asarray(K, np.float64), warp),
            augmentation=dict(
                rotation_deg=drawn['rotation_deg'],
                flip=drawn['flip'],
                scale=drawn['scale'],
                shift=tuple(drawn['shift'].tolist()),
                flip_after_rotation=self.flip_after_rotation,
            ),
        )
        return results

    def _places(self, points: np.ndarray, center: np.ndarray, side: float, drawn: dict) -> np.ndarray:
        """Pixels of the image (K, 2) to [-1, 1] of the crop, left and right still as in the image."""
        mirrored_after = drawn['flip'] and self.flip_after_rotation  # after the cut to whole pixels
        frame = crop_frame(drawn['rotation_deg'], drawn['flip'] and not mirrored_after, False)
        places = warp_points(points, crop_matrix(center, side, self.crop_px, frame))
        if self.whole_pixels:
            places = whole_crop_pixels(places)
        places = 2 * places / self.crop_px - 1
        return places @ MIRROR[:2, :2] if mirrored_after else places

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(crop_px={self.crop_px}, augmentation={self.augmentation}, '
            f'flip_after_rotation={self.flip_after_rotation}, whole_pixels={self.whole_pixels})'
        )


def _coloured(image: np.ndarray, factors: np.ndarray) -> np.ndarray:
    if (factors == 1).all():
        return image
    return np.clip(np.rint(image * factors), 0, 255).astype(np.uint8)
