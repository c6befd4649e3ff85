"""ProHMR: a distribution of bodies given the crop of a person (thesis chapter 4).

Letters: B people, one a crop, S bodies of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from mmengine import dist
from mmpose.utils.typing import ConfigType, OptSampleList, SampleList
from torch import Tensor

from das_mm.errors import UserError
from das_mm.models.discriminators import AdversarialStep
from das_mm.models.pose_estimators.crop_bodies import CropBodyEstimator, add_people
from das_mm.registry import MODELS, TASK_UTILS
from das_mm.structures.crop_cameras import camera_translation, project_crop
from das_mm.structures.task_fields import TaskDescription
from das_mm.structures.tensor_rotations import matrix_to_rotation_6d

from .latent_refinement import REFINEMENTS, refine
from .person_targets import PersonTargets
from .prohmr_loss import ProjectedBodies
from .sampled_people import add_samples, describe_samples
from .smpl_flow_head import NUM_JOINTS, POSE_6D, BodySamples

#: of the released training: the mode and one sample
_NUM_TRAIN_SAMPLES = 2


@MODELS.register_module()
class ProHMR(CropBodyEstimator):
    """Backbone, pooled feature, conditional flow; in training an adversary beside it.

    Args:
        backbone: Config, a ResNet; its last map is averaged.
        head: Config of a :class:`.SMPLFlowHead`.
        body_model: Config of a body.
        train_cfg: ``criterion``, config of a :class:`.ProHMRLoss`; ``num_samples`` (2), bodies of each person, the mode
            among them; ``noisy_start`` (False): the flow is set from labelled poses with the likelihood's noise on
            them, for sets in which a joint never moves (four ActNorms in a row would divide by nothing);
            ``discriminator``, config of a :class:`das_mm.models.discriminators.BodyPoseDiscriminator`, and ``mocap``,
            config of real bodies (:class:`das_mm.datasets.MoCapBodies`): without it there is no adversary.
        test_cfg: ``num_samples`` (0): so many bodies of each person are told beside the mode; ``default_fov_deg`` of
            images of unknown intrinsics; ``fit`` and ``views``, by which the modes are refined (:func:`.refine`).
    """

    superset = 'prohmr44'
    #: what ``test_cfg`` may ask for beside the first answer
    refinements = REFINEMENTS
    discriminator: torch.nn.Module | None

    def __init__(self, backbone: ConfigType, head: ConfigType, **kwargs: Any) -> None:
        super().__init__(backbone, head, **kwargs)
        options = dict(self.train_cfg)
        self.criterion = MODELS.build(options.get('criterion') or dict(type='ProHMRLoss'))
        self.num_train_samples = int(options.get('num_samples', _NUM_TRAIN_SAMPLES))
        adversary = options.get('discriminator')
        self.discriminator = None if adversary is None else MODELS.build(adversary)
        self.mocap = None if adversary is None else TASK_UTILS.build(options.get('mocap') or dict(type='MoCapBodies'))

    # ---------------------------------------------------------------- the distribution

    def extract_context(self, inputs: Tensor) -> Tensor:
        """What poses are conditioned on, (B, C), of normalised crops (B, 3, H, W)."""
        return self.head.context(self.extract_feat(inputs)[-1])

    def log_prob(self, poses: Tensor, inputs: Tensor) -> Tensor:
        """Log-densities (B, S) of the six numbers of poses given normalised crops (B, 3, H, W).

        Args:
            poses: Rotation matrices (B, S, 24, 3, 3) or their first two columns (B, S, 144), in the frame of the crops.

        Raises:
            UserError: Another shape, or numbers that are not finite.
        """
        if poses.shape[-3:] == (NUM_JOINTS, 3, 3):
            poses = matrix_to_rotation_6d(poses).flatten(-2)
        if poses.ndim != 3 or poses.shape[0] != len(inputs) or poses.shape[-1] != POSE_6D:
            raise UserError(
                f'{tuple(poses.shape)} are no poses of {len(inputs)} crops',
                field='poses',
                remedy=f'give rotations ({len(inputs)}, S, {NUM_JOINTS}, 3, 3) or six numbers of each, (…, {POSE_6D})',
            )
        if not poses.isfinite().all():
            raise UserError('a pose is not finite', field='poses', remedy='leave such poses out')
        return self.head.log_prob(poses, self.extract_context(inputs))[0]

    def sample(self, inputs: Tensor, num_samples: int, generator: torch.Generator | None = None) -> BodySamples:
        """Bodies drawn for each of the normalised crops (B, 3, H, W); the mode is not among them."""
        return self.head(self.extract_context(inputs), num_samples, generator=generator)

    def mode(self, inputs: Tensor) -> BodySamples:
        """The most probable body of each of the normalised crops (B, 3, H, W), S = 1."""
        return self.head.mode(self.extract_context(inputs))

    def keypoints(self, bodies: BodySamples) -> Tensor:
        """(B, S, 44, 3) m."""
        return self.keypoint_layer(*bodies.flat()).unflatten(0, bodies.log_prob.shape)

    def project(self, bodies: BodySamples, crop_px: int) -> ProjectedBodies:
        """Keypoints of bodies in space and as their cameras show them in a crop of so many px."""
        points = self.keypoints(bodies)
        return ProjectedBodies(0.5 * project_crop(points, camera_translation(bodies.camera, crop_px), crop_px), points)

    # ---------------------------------------------------------------- training

    def loss(self, inputs: Tensor, data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of a batch of normalised crops (B, 3, H, W), H = W, with labels."""
        return self._judged(inputs, data_samples)[0]

    def train_step(self, data: dict | tuple | list, optim_wrapper: Any) -> dict[str, Tensor]:
        """One step of the network and, where there is an adversary, one of the discriminator after it.

        Raises:
            UserError: There is an adversary and one optimizer.
        """
        if self.discriminator is None:
            return super().train_step(data, optim_wrapper)
        step = AdversarialStep(optim_wrapper, self.discriminator, self.criterion.adversarial)
        batch = self.data_preprocessor(data, True)

        def loss() -> tuple[Tensor, tuple[dict[str, Tensor], BodySamples]]:
            losses, bodies = self._judged(batch['inputs'], batch['data_samples'])
            total, logged = self.parse_losses(losses)
            return total, (logged, bodies)

        logged, bodies = step.step_generator(self, loss)
        _, body_rotations, betas = bodies.flat()
        real = tuple(part.to(betas.device) for part in self.mocap.draw(len(betas)))
        return {**logged, 'discriminator': step.step_discriminator(self, (body_rotations, betas), real)}

    def _judged(self, inputs: Tensor, data_samples: SampleList) -> tuple[dict[str, Tensor], BodySamples]:
        """Losses, and the bodies (the mode first) that they are of."""
        context = self.extract_context(inputs)
        targets = PersonTargets.of_samples(data_samples, inputs)
        of_labelled = context[targets.has_smpl]
        if self.training and not self.head.flow.initialized:
            first = self.criterion.noisy(targets.pose_6d) if self.train_cfg.get('noisy_start') else targets.pose_6d
            self.initialize_flow(first, of_labelled.detach())
        # each has its own statistics of the batch: samples, mode, labels
        drawn = self.head(context, self.num_train_samples - 1) if self.num_train_samples > 1 else None
        bodies = self.head.mode(context)
        bodies = bodies if drawn is None else bodies.joined(drawn)
        labelled = self.criterion.noisy(targets.pose_6d) if self.training else targets.pose_6d
        log_prob = self.head.log_prob(labelled[:, None], of_labelled)[0][:, 0]
        scores = None if self.discriminator is None else self.discriminator(*(p.float() for p in bodies.flat()[1:]))
        projected = self.project(bodies, inputs.shape[-1])
        return self.criterion(bodies, projected, targets, log_prob, scores), bodies

    @torch.no_grad()
    def initialize_flow(self, pose_6d: Tensor, context: Tensor) -> None:
        """Sets the ActNorms from labelled poses (N, 144) and their contexts (N, C), those of all ranks together.

        With fewer than two people nothing is set, and the next batch is asked.
        """
        pairs = dist.all_gather_object((pose_6d.cpu(), context.cpu()))
        poses, contexts = (torch.cat(parts).to(pose_6d.device) for parts in zip(*pairs))
        if len(poses) > 1:
            self.head.log_prob(poses[:, None], contexts)
            for parameter in self.head.flow.parameters():
                dist.broadcast(parameter.data)

    # ---------------------------------------------------------------- inference (das_mm.models.estimator_protocol)

    @property
    def tasks(self) -> Mapping[str, TaskDescription]:
        """Poses, meshes, and samples where they are asked for."""
        tasks = dict(super().tasks)
        if number := self.num_test_samples:
            tasks['samples'] = describe_samples(number)
        return tasks

    @property
    def num_test_samples(self) -> int:
        """Bodies of each person that are told beside the mode."""
        return int(self.test_cfg.get('num_samples', 0))

    def _forward(self, inputs: Tensor, data_samples: OptSampleList = None) -> tuple[Tensor, ...]:
        """Mode 'tensor': rotations, betas and camera of the modes of the crops."""
        return self.mode(inputs).body()

    @torch.no_grad()
    def predict(self, inputs: Tensor, data_samples: SampleList) -> SampleList:
        """The samples with ``pred_instances`` added: the mode of each person, original image px, camera mm, arrays; and
        ``sample_keypoints_cam_mm`` and the rest of :func:`.describe_samples` where samples are asked for."""
        context = self.extract_context(inputs)
        mode = self.head.mode(context)
        fov_deg = self.test_cfg.get('default_fov_deg')
        body = refine(self.head, self.keypoint_layer, context, mode.body(), data_samples, self.test_cfg)
        points = self.keypoint_layer(body.rotations[:, 0], body.rotations[:, 1:], body.betas)
        found = add_people(data_samples, body, points, self.body_model, fov_deg)
        return add_samples(self, found, context, self.num_test_samples) if self.num_test_samples else found
