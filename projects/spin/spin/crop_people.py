"""What the network says of crops, placed before the camera of the original image. Letters: B people, one a crop."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from mmpose.utils.typing import SampleList
from torch import Tensor

from das_mm.bodies.people_of_crops import crop_translation, people_of_crops, person_of_crop
from das_mm.models.body_models.protocol import BodyModelProtocol
from das_mm.structures.image_frame import known_camera
from das_mm.structures.tensor_rotations import matrix_to_axis_angle

from .ief_head import RegressedBody

#: of the 49 keypoints
ROOT: Sequence[str] = ('pelvis',)


def add_people(
    samples: SampleList, found: RegressedBody, points: Tensor, body: BodyModelProtocol, fov_deg: float | None
) -> SampleList:
    """Adds ``pred_instances`` of one person to each sample, and the ``camera`` used to its metainfo.

    Args:
        samples: B packed crops, neither turned nor mirrored.
        found: Of the crops.
        points: (B, 49, 3) m, the keypoints of the bodies.
        body: That was regressed.
        fov_deg: Of images of unknown intrinsics.

    Raises:
        ValueError: A crop was turned or mirrored.
    """
    pose = matrix_to_axis_angle(found.rotations).cpu().numpy()
    betas, cameras, points_mm = (
        values.detach().cpu().numpy().astype(np.float64) for values in (found.betas, found.camera, 1000 * points)
    )
    for row, sample in enumerate(samples):
        sample.pred_instances = _person(
            sample, pose[row : row + 1], betas[row : row + 1], cameras[row], points_mm[row : row + 1], body, fov_deg
        )
    return samples


def _person(
    sample: PoseDataSample,
    pose: np.ndarray,
    betas: np.ndarray,
    crop_camera: np.ndarray,
    points_mm: np.ndarray,
    body: BodyModelProtocol,
    fov_deg: float | None,
) -> InstanceData:
    meta = sample.metainfo
    camera = known_camera(meta.get('camera'), meta['ori_shape'], fov_deg)
    sample.set_metainfo(dict(camera=camera))
    translation = crop_translation(crop_camera[None], meta, camera)
    fields = people_of_crops(pose, betas, 1000 * translation, points_mm, camera, body, ROOT)
    return InstanceData(metainfo=None, **person_of_crop(fields, meta))
