"""ProSkeleton: what poses in space keypoints in an image may be of (thesis §4.4, "2D pose lifting").

Letters: B people, S samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mmengine.structures import InstanceData
from mmpose.models.pose_estimators.base import BasePoseEstimator
from mmpose.utils.typing import ConfigType, OptConfigType, OptMultiConfig, OptSampleList, SampleList
from torch import Tensor

from das_mm.errors import UserError
from das_mm.registry import MODELS
from das_mm.structures.task_fields import TaskDescription

from .quantisation import quantise
from .skeleton_flow import SampledPoses
from .skeleton_joints import INPUT_JOINTS, OUTPUT_JOINTS, rows_of, with_root

if TYPE_CHECKING:
    from mmengine.config import Config


@MODELS.register_module()
class ProSkeleton(BasePoseEstimator):
    """A lifting network whose answer is a density.

    Args:
        backbone: Config of a :class:`.LiftingNetwork`.
        head: Config of a :class:`.SkeletonFlow`, or of a :class:`.SkeletonRegression`, which has no density.
        standardiser: Config of a :class:`.KeypointStandardiser`.
        train_cfg: ``criterion``, config of a :class:`.SkeletonLoss`.
        test_cfg: ``num_samples`` beside the mode (0); ``num_drawn``, of which they are those that stand for all
            (:func:`.quantise`), by default as many; and ``seed`` of their chance (none).
        data_preprocessor, init_cfg: Of mmpose.

    Attributes:
        initialized: () bool, whether the flow has been started from labelled poses; part of every checkpoint.
    """

    #: it reads keypoints, see das_mm.models.estimator_protocol
    input_view = 'keypoints'
    max_frame_gap: int | None = None
    uses_sigma = False
    body = None
    score_thr = 0.0
    cfg: Config
    dataset_meta: dict[str, Any]
    provenance: dict[str, Any]
    initialized: Tensor

    def __init__(
        self,
        backbone: ConfigType,
        head: ConfigType,
        standardiser: OptConfigType = None,
        train_cfg: OptConfigType = None,
        test_cfg: OptConfigType = None,
        data_preprocessor: OptConfigType = None,
        init_cfg: OptMultiConfig = None,
    ) -> None:
        super().__init__(
            backbone=backbone,
            head=head,
            train_cfg=train_cfg,
            test_cfg=test_cfg,
            data_preprocessor=data_preprocessor,
            init_cfg=init_cfg,
        )
        self.standardiser = MODELS.build(standardiser or dict(type='KeypointStandardiser'))
        self.criterion = MODELS.build(self.train_cfg.get('criterion') or dict(type='SkeletonLoss'))
        self.register_buffer('initialized', torch.tensor(False))

    # ---------------------------------------------------------------- training

    def loss(self, inputs: Tensor, data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of a batch; the first one with labels starts the flow from its poses.

        Args:
            inputs: (B, 17, 2) px.
            data_samples: With the labels of :class:`.PackSkeletonInputs`.
        """
        labels = [sample.gt_instance_labels for sample in data_samples]
        stacked = lambda name: torch.cat([torch.as_tensor(label[name]) for label in labels]).to(inputs.device)
        known = stacked('has_pose_3d') > 0
        context, targets = self._context(inputs)[known], stacked('keypoints_3d')[known]
        if not self.initialized and len(targets):
            self.head.initialise(targets, context)
            self.initialized.fill_(True)
        return self.criterion(self.head, context, targets)

    def _context(self, places: Tensor) -> Tensor:
        with torch.autocast(places.device.type, enabled=False):
            return self.backbone(self.standardiser(places))

    # ---------------------------------------------------------------- what it is asked

    def mode(self, places: Tensor) -> SampledPoses:
        """The most likely poses of keypoints (B, 17, 2) px in the order of :data:`.INPUT_JOINTS`; S = 1.

        Raises:
            UserError: Another number of joints, or a flow that was never started from labelled poses.
        """
        self._check()
        return self.head.mode(self._context(places))

    def sample(self, places: Tensor, num: int, generator: torch.Generator | None = None) -> SampledPoses:
        """Random poses of keypoints; arguments and errors as of :meth:`mode`, S = ``num``."""
        self._check()
        return self.head.sample(num, self._context(places), generator)

    def log_prob(self, points: Tensor, places: Tensor) -> Tensor:
        """log p (B, S) of poses (B, S, 16, 3) m about the pelvis, :data:`.OUTPUT_JOINTS`, given keypoints.

        Raises:
            UserError: As of :meth:`mode`.
        """
        self._check()
        if points.shape[-2:] != (len(OUTPUT_JOINTS), 3):
            raise UserError(
                f'the poses have shape {tuple(points.shape)}, not (people, samples, {len(OUTPUT_JOINTS)}, 3)',
                field='points',
                remedy='give the 16 joints about the pelvis, which is left out',
            )
        return self.head.log_prob(points, self._context(places))[0]

    def _check(self) -> None:
        if not self.initialized:
            raise UserError(
                'its flow was never started from labelled poses (initialized is false)',
                file=(getattr(self, 'provenance', None) or {}).get('weights'),
                field='state_dict.initialized',
                remedy='give a checkpoint that was written after the first step of a training',
            )

    # ---------------------------------------------------------------- inference (das_mm.models.estimator_protocol)

    @property
    def tasks(self) -> Mapping[str, TaskDescription]:
        """Poses alone."""
        return dict(pose=TaskDescription('pose'))

    @property
    def num_keypoints(self) -> int:
        """Of ``j17``."""
        return len(OUTPUT_JOINTS) + 1

    def input_tensor(self, places_px: np.ndarray) -> Tensor:
        """Places (n, 17, 2) px of ``j17`` to the network's input."""
        return torch.from_numpy(np.ascontiguousarray(places_px[:, rows_of(INPUT_JOINTS)], dtype=np.float32))

    def forget(self) -> None:
        """Another video begins; it remembers nothing anyway."""

    def _forward(self, inputs: Tensor, data_samples: OptSampleList = None) -> SampledPoses:
        """Mode 'tensor': the most likely poses."""
        return self.mode(inputs)

    @torch.no_grad()
    def predict(self, inputs: Tensor, data_samples: SampleList) -> SampleList:
        """The samples with ``pred_instances`` added, one person each, arrays.

        ``keypoints_3d`` (1, 17, 3) mm of the mode in the order of ``j17``, about the pelvis; ``sampled_keypoints_3d``
        (1, S, 17, 3); ``log_prob`` (1, 1 + S), the mode's first. Nobody where the input or the answer is not finite.
        """
        usable = inputs.isfinite().flatten(1).all(1)
        places = torch.where(usable[:, None, None], inputs, 0.0)
        found = [self.mode(places)]
        if num := int(self.test_cfg.get('num_samples', 0)):
            drawn = max(num, int(self.test_cfg.get('num_drawn', 0)))
            samples = self.sample(places, drawn, self._generator(inputs.device))
            found.append(representatives(samples, num) if drawn > num else samples)
        points = 1e3 * with_root(torch.cat([one.points for one in found], 1).double().cpu().numpy())
        log_prob = torch.cat([one.log_prob for one in found], 1).double().cpu().numpy()
        usable = usable.cpu().numpy() & np.isfinite(points).all((1, 2, 3))
        for row, sample in enumerate(data_samples):
            rows = slice(row, row + int(usable[row]))
            sample.pred_instances = InstanceData(
                keypoints_3d=points[rows, 0], sampled_keypoints_3d=points[rows, 1:], log_prob=log_prob[rows]
            )
        return data_samples

    def _generator(self, device: torch.device) -> torch.Generator | None:
        seed = self.test_cfg.get('seed')
        return None if seed is None else torch.Generator(device).manual_seed(int(seed))


def representatives(samples: SampledPoses, num: int) -> SampledPoses:
    """Of the S samples of each person the ``num`` that stand for all; fewer clusters than that are filled up with the
    first samples. Who has a sample that is not finite keeps the first ones."""
    rows = torch.arange(num).repeat(len(samples.points), 1)
    points = samples.points.detach().cpu().numpy()
    for person in np.flatnonzero(np.isfinite(points).all((1, 2, 3))):
        chosen = quantise(points[person], num)
        others = np.setdiff1d(np.arange(len(points[person])), chosen)[: num - len(chosen)]
        rows[person] = torch.from_numpy(np.concatenate([chosen, others]))
    rows = rows.to(samples.points.device)
    person = torch.arange(len(rows), device=rows.device)[:, None]
    return SampledPoses(*(values[person, rows] for values in samples))
