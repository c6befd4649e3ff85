"""Crops whose bodies are fitted to keypoints: which keypoints, under which camera, and back to a camera of the crop."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from mmengine.logging import print_log
from mmpose.structures import PoseDataSample
from torch import Tensor, nn

from das_mm.errors import UserError
from das_mm.fitting import FittingCamera, LBFGSOptions
from das_mm.models.pose_estimators.crop_bodies import RegressedBody
from das_mm.structures import KEYPOINT_SETS, warp_points
from das_mm.structures.crop_cameras import (
    CROP_PX,
    camera_translation,
    full_frame_camera,
    full_frame_translation,
    translation_camera,
)
from das_mm.structures.image_frame import known_camera

from .latent_bodies import LatentBodies
from .latent_fitting import LatentEnergy, LatentFitter
from .latent_fitting_baseline import GenericFitter

FRAMES, SOURCES, PRIORS = ('image', 'crop'), ('detected', 'labels', 'openpose'), ('image', 'generic')
_NUM_OPENPOSE = KEYPOINT_SETS['openpose25'].num_keypoints
_NUM_KEYPOINTS = KEYPOINT_SETS['prohmr44'].num_keypoints
#: error of a keypoint of confidence 1, px of an image of 1000: with it 4²·‖z‖² and the data term are -ln p of the pose
#: and of keypoints with Gaussian errors, times the same factor (½ ‖z‖² and ½ Δ²/σ²)
CERTAIN_PX = 4.0


@dataclass(frozen=True)
class CropFitOptions:
    """How bodies of crops are fitted.

    Attributes:
        keypoints: 'detected', those of the metainfo ``detected_keypoints``; 'labels', the 2D keypoints of the sample's
            labels; or 'openpose', the detections among these alone.
        prior: 'image': the image's distribution; or 'generic', the baseline (:class:`.GenericFitter`, in the crop).
        frame: 'image': in pixels of the whole image and under its camera; or 'crop'.
        hips: See :class:`.LatentEnergy`.
        outer_steps: Of L-BFGS at most; the released evaluations took 30. Of the baseline ten times as many of Adam.
        focal_px: In place of the camera's own focal length, with the principal point in the middle of the image (5000
            in the released fitting).

    Raises:
        UserError: Words that are not known, or numbers that are not positive.
    """

    keypoints: str = 'detected'
    prior: str = 'image'
    frame: str = 'image'
    hips: bool = False
    outer_steps: int = 10
    focal_px: float | None = None

    def __post_init__(self) -> None:
        for name, known in (('keypoints', SOURCES), ('prior', PRIORS), ('frame', FRAMES)):
            if getattr(self, name) not in known:
                raise UserError(f'{getattr(self, name)!r} is not possible', field=f'fit.{name}', remedy=f'use {known}')
        if self.outer_steps < 1 or (self.focal_px is not None and not self.focal_px > 0):
            raise UserError('a number is not positive', field='fit', remedy='give positive outer_steps and focal_px')


class CropFitter:
    """Fits the bodies of crops; who has no keypoints keeps what the network says, and is counted.

    Args:
        points: Keypoints of bodies; see :class:`.LatentFitter`.
        crop_px: Side of the crops.
        options: See there.
        fov_deg: Of images of unknown intrinsics.
    """

    def __init__(
        self, points: nn.Module, crop_px: int, options: CropFitOptions | None = None, fov_deg: float | None = None
    ) -> None:
        self.options, self.crop_px, self.fov_deg = options or CropFitOptions(), crop_px, fov_deg
        steps = LBFGSOptions(outer_steps=self.options.outer_steps, inner_steps=20)
        self.fitter = LatentFitter(points, LatentEnergy(hips=self.options.hips), steps)
        self.generic = GenericFitter(points, 10 * self.options.outer_steps) if self.options.prior == 'generic' else None
        self.in_crop = self.options.frame == 'crop' or self.generic is not None
        self.side_px = CROP_PX if self.generic is not None else crop_px  # of the crop's pixels

    def __call__(self, bodies: LatentBodies, body: RegressedBody, samples: Sequence[PoseDataSample]) -> RegressedBody:
        """Bodies and cameras of B crops after the fit.

        Args:
            bodies: The distributions of the crops.
            body: What the network says of them; it is not changed.
            samples: The crops, neither turned nor mirrored.
        """
        like = body.betas
        keypoints = np.stack([self._keypoints(sample) for sample in samples])
        shapes = np.array([sample.metainfo['ori_shape'][:2] for sample in samples], np.float64)
        observed = torch.as_tensor(keypoints).to(like)
        if self.in_crop:
            camera, side = FittingCamera.crop(self.side_px), torch.full((len(like),), float(self.side_px))
            place = camera_translation(body.camera, self.side_px)
        else:
            K, dist = self._cameras(samples, shapes)
            camera, side = FittingCamera.full_frame(K, dist), torch.as_tensor(shapes.max(1))
            tensors = [torch.as_tensor(values).to(like) for values in (*self._boxes(samples), K)]
            place = full_frame_translation(body.camera, *tensors)
        if self.generic is not None:
            fit = self.generic.fit(body.rotations, body.betas, place, observed, camera)
        else:
            fit = self.fitter.fit(bodies, body.betas, place, observed, camera, side)
        self._tell(fit.valid)
        back = (
            translation_camera(fit.translation, self.side_px)
            if self.in_crop
            else full_frame_camera(fit.translation, *tensors)
        )
        keep = ~fit.valid
        return RegressedBody(
            torch.where(keep[:, None, None, None], body.rotations, fit.rotations),
            torch.where(keep[:, None], body.betas, fit.betas),
            torch.where(keep[:, None], body.camera, back),
        )

    def _keypoints(self, sample: PoseDataSample) -> np.ndarray:
        """(44, 3) px of image or crop, and confidence."""
        meta, out = sample.metainfo, np.zeros((_NUM_KEYPOINTS, 3))
        if self.options.keypoints != 'detected':
            label = np.asarray(sample.gt_instance_labels['keypoints_2d'][0], np.float64)
            out[:, :2] = warp_points(0.5 * self.crop_px * (label[:, :2] + 1) - 0.5, np.asarray(meta['crop_to_image']))
            out[:, 2] = label[:, 2]
            if self.options.keypoints == 'openpose':
                out[_NUM_OPENPOSE:, 2] = 0
        elif (found := meta.get('detected_keypoints')) is not None:
            found = found.in_superset('prohmr44')
            out[:, :2], out[:, 2] = found.places_px, found.confidence
            if found.sigma_px is not None:
                sigma = np.sqrt(np.square(found.sigma_px).mean(-1))
                out[:, 2] *= CERTAIN_PX * max(meta['ori_shape'][:2]) / 1000 / sigma
        if self.in_crop:
            out[:, :2] = warp_points(out[:, :2], np.asarray(meta['warp_mat'])) + 0.5
            out[:, :2] *= self.side_px / self.crop_px
        out[out[:, 2] <= 0] = 0
        return out

    def _cameras(self, samples: Sequence[PoseDataSample], shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """K (B, 3, 3) and distortions (B, 5) or None."""
        if (focal := self.options.focal_px) is not None:
            K = np.tile(np.diag([focal, focal, 1.0]), (len(samples), 1, 1))
            K[:, :2, 2] = shapes[:, ::-1] / 2
            return K, None
        cameras = [known_camera(s.metainfo.get('camera'), s.metainfo['ori_shape'], self.fov_deg) for s in samples]
        dist = [np.zeros(5) if one.get('dist') is None else np.asarray(one['dist'], np.float64) for one in cameras]
        K = np.stack([np.asarray(one['K'], np.float64) for one in cameras])
        return K, np.stack(dist) if any(one.any() for one in dist) else None

    @staticmethod
    def _boxes(samples: Sequence[PoseDataSample]) -> tuple[np.ndarray, np.ndarray]:
        center = np.stack([np.asarray(sample.metainfo['box_center'], np.float64) for sample in samples])
        return center, np.array([float(sample.metainfo['box_scale']) for sample in samples])

    @staticmethod
    def _tell(valid: Tensor) -> None:
        if count := int((~valid).sum()):
            print_log(
                f'{count} of {len(valid)} people have no keypoint that can be fitted, and keep what the network says',
                logger='current',
                level=logging.WARNING,
            )
