"""Estimators that regress a body from the crop of one person (GraphCMR, SPIN, ProHMR), and their people in the original
image.

Letters: B people, one a crop, K keypoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from mmengine.structures import InstanceData
from mmpose.models.pose_estimators.base import BasePoseEstimator
from mmpose.structures import PoseDataSample
from mmpose.utils.typing import ConfigType, OptConfigType, OptMultiConfig, SampleList
from torch import Tensor

from das_mm.bodies.people_of_crops import crop_translation, describe_crop_meshes, people_of_crops, person_of_crop
from das_mm.registry import MODELS
from das_mm.structures import KEYPOINT_SETS
from das_mm.structures.image_frame import known_camera
from das_mm.structures.task_fields import TaskDescription
from das_mm.structures.tensor_rotations import matrix_to_axis_angle

from ..body_models.protocol import BodyModelProtocol
from ..body_models.super_joints import superset_layer

if TYPE_CHECKING:
    from mmengine.config import Config

#: keypoint of the supersets that is the root of a person
ROOT: Sequence[str] = ('pelvis',)


class RegressedBody(NamedTuple):
    """What a network says of B people.

    Attributes:
        rotations: (B, 24, 3, 3), in the camera frame of the crop, root first.
        betas: (B, 10).
        camera: (B, 3), scale s and shift (tx, ty) in metres.
    """

    rotations: Tensor
    betas: Tensor
    camera: Tensor


class CropEstimator(BasePoseEstimator):
    """What a network that reads one person's crop says of itself (:mod:`das_mm.models.estimator_protocol`).

    Args:
        backbone, head, train_cfg, data_preprocessor, init_cfg, metainfo: As in mmpose.
        test_cfg: ``score_thr`` (0; a crop has the score of its box) and ``default_fov_deg`` of images of unknown
            intrinsics.
    """

    #: it reads crops of one person
    input_view = 'person'
    max_frame_gap: int | None = None
    uses_sigma = False
    test_cfg: Mapping[str, Any]
    # what a loader tells of it, see das_mm.checkpoints.model_loader
    cfg: Config
    dataset_meta: dict[str, Any]
    provenance: dict[str, Any]

    def __init__(
        self,
        backbone: ConfigType,
        head: ConfigType,
        train_cfg: OptConfigType = None,
        test_cfg: OptConfigType = None,
        data_preprocessor: OptConfigType = None,
        init_cfg: OptMultiConfig = None,
        metainfo: dict | None = None,
    ) -> None:
        super().__init__(
            backbone=backbone,
            head=head,
            train_cfg=train_cfg,
            test_cfg=test_cfg or {},
            data_preprocessor=data_preprocessor,
            init_cfg=init_cfg,
            metainfo=metainfo,
        )

    @property
    def score_thr(self) -> float:
        """People of a lower score are left out; by default whoever is in a box is told."""
        return float(self.test_cfg.get('score_thr', 0.0))

    def forget(self) -> None:
        """Another video begins; it remembers nothing anyway."""


class CropBodyEstimator(CropEstimator):
    """A crop's person as a body of parameters, with the keypoints of a superset.

    Args:
        backbone, head: As in mmpose.
        body_model: Config of the body that is regressed; the generated one by default.
        kwargs: Of :class:`CropEstimator`.
    """

    #: its keypoints: ``spin49`` or ``prohmr44``
    superset: str

    def __init__(self, backbone: ConfigType, head: ConfigType, body_model: OptConfigType = None, **kwargs: Any) -> None:
        super().__init__(backbone, head, **kwargs)
        self.body_model = MODELS.build(body_model or dict(type='SMPLBody'))
        self.keypoint_layer = superset_layer(self.body_model, self.superset)

    @property
    def tasks(self) -> Mapping[str, TaskDescription]:
        """Poses, and the meshes that they are of."""
        return dict(pose=TaskDescription('pose'), mesh=describe_crop_meshes(self.body_model, ROOT))

    @property
    def body(self) -> BodyModelProtocol:
        """The body that is regressed."""
        return self.body_model

    @property
    def num_keypoints(self) -> int:
        """Of the superset."""
        return KEYPOINT_SETS[self.superset].num_keypoints


def add_people(
    samples: SampleList, found: RegressedBody, points: Tensor, body: BodyModelProtocol, fov_deg: float | None
) -> SampleList:
    """Adds ``pred_instances`` of one person to each sample, and the ``camera`` used to its metainfo.

    Args:
        samples: B packed crops, neither turned nor mirrored.
        found: Of the crops.
        points: (B, K, 3) m, the keypoints of the bodies.
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
        one = slice(row, row + 1)
        sample.pred_instances = _person(sample, pose[one], betas[one], cameras[row], points_mm[one], body, fov_deg)
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
