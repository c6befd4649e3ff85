"""Body meshes as a plug-in branch of DAS (journal paper §3.4, §4.2).

A point of the pyramid regresses 145 numbers of its person: a weak-perspective camera (3), the rotations of the root and
of 21 body joints in 6D (22 × 6; SMPL's two hand joints stay at rest) and the shape (10). Where a loss learns a scale as
well (RLE), as many scales follow. Letters: P points, n people of an image, K keypoints of the keypoint set, V vertices.

Frames. Rotations and the mesh are in the camera frame of the network input (x right, y down, z forward), metres. The
camera of a point p of stride t is (s, tx, ty): a mesh keypoint X is seen at

    p + t · (tx, ty) + s · (X − X_root)_xy ,    s = t · s0 · exp(raw) pixels a metre,

so (tx, ty) says where the root of the keypoint set is seen. That is ROMP's camera with the point as its origin, which
makes it independent of where in the image a person stands. Its depth would be f / s; the pose branch knows the depth of
the same root better, and in absolute terms. So a mesh is moved such that its own root lies on the root of the pose
branch: pose, mesh and box of a person agree, and the perspective image of the mesh lies on the person.
``placement='camera'`` takes f / s instead, for a model without depths.
"""

from __future__ import annotations

import numpy as np
import torch
from mmpose.utils.typing import ConfigType
from torch import Tensor

from das_mm.bodies.body_in_camera import place_bodies
from das_mm.bodies.smpl_fields import SMPL_FIELDS
from das_mm.models.argument_groups import takes_flat
from das_mm.models.losses import positive_scale
from das_mm.models.task_modules import PersonLabels
from das_mm.registry import MODELS
from das_mm.structures import get_keypoint_set, weak_perspective, weak_perspective_depth
from das_mm.structures.task_fields import TaskDescription
from das_mm.structures.tensor_rotations import matrix_to_axis_angle, matrix_to_rotation_6d, rotation_6d_to_matrix

from ..scene_people import ScenePeople
from .coherence_losses import CoherenceLosses
from .mesh_loss_configs import FLAT_LOSSES, mesh_loss_configs
from .task_branch import BaseTaskBranch

NUM_CAMERA, NUM_ROTATIONS, NUM_BETAS = 3, 22, 10
_POSE = slice(NUM_CAMERA, NUM_CAMERA + 6 * NUM_ROTATIONS)
_SHAPE = slice(_POSE.stop, _POSE.stop + NUM_BETAS)
NUM_PARAMETERS = _SHAPE.stop  # 145

# Pixels a metre at raw = 0, in strides: a person of the middle of a level's range is some 10 strides high
_SCALE_START = 4.0
_SCALE_LIMIT = 4.0  # of |raw|, beyond any person; keeps exp finite
# Upright before a camera whose y points down: half a turn about x
_FACING_CAMERA = (1.0, -1.0, -1.0)  # diagonal


@MODELS.register_module()
class MeshBranch(BaseTaskBranch):
    """SMPL parameters at every positive point, and the mesh of every person found.

    Terms are masked by what an image is labelled with: 2D keypoints, 3D keypoints, SMPL, or any mixture; the prior acts
    on everybody, since it needs no label. The weights are the paper's.

    Args:
        keypoint_set: The set the model learns; its keypoints are taken from the body for the keypoint losses.
        body: The body model (:class:`SMPLBody`; None in it: the generated body).
        losses: The losses and their weights:

            * ``keypoints_2d``, on projected keypoints, px of the network input;
            * ``keypoints_3d``, on keypoints relative to the root, mm; it is told the root;
            * ``pose``, on the 6D rotations, (P * 22, 6): ``RotationDistanceLoss`` (ROMP's), ``RotationL2Loss``, or
              ``RLELoss`` with a flow of 6 dimensions;
            * ``shape``, on the shape, (P, 10): ``L2ParameterLoss`` or ``RLELoss`` with 10;
            * ``prior``: ``SMPLifyPrior`` or None; ``prior_weight`` (0.16), its weight;
            * ``interpenetration`` and ``depth_order``: CRMH's, between the people of an image, or None
              (:class:`CoherenceLosses`); the gradient reaches the roots of the pose too, by which meshes are placed;
            * ``weight`` (1.0), λ4 of Eq. 12: of all terms together against those of the pose.

            The flat arguments of before (``loss_pose``, ``prior_weight``, ``loss_weight``, …) are taken too.
        sigma_floor: Least scale that a likelihood may learn (6D entries and betas have no unit; 0.05 in a column is
            three degrees), so that joints that hardly turn in some data set do not get gradients that drown all others.
        placement: 'root' (the pose branch's root) or 'camera' (the branch's own camera).
        with_vertices: Run the body model for everybody found and give ``vertices``.
    """

    start_6d: Tensor  # (22, 6), the pose at raw = 0

    @takes_flat(dict(losses=FLAT_LOSSES))
    def __init__(
        self,
        keypoint_set: str = 'panoptic15',
        body: ConfigType | None = None,
        losses: ConfigType | None = None,
        sigma_floor: float = 0.05,
        placement: str = 'root',
        with_vertices: bool = False,
        **kwargs,
    ):
        if placement not in ('root', 'camera'):
            raise ValueError(f"placement is 'root' or 'camera', not {placement!r}")
        losses = mesh_loss_configs(losses)
        loss_pose, loss_shape = MODELS.build(losses['pose']), MODELS.build(losses['shape'])
        self._sigma_sizes = dict(pose=6 * NUM_ROTATIONS * loss_pose.uses_sigma, shape=NUM_BETAS * loss_shape.uses_sigma)
        super().__init__(out_channels=NUM_PARAMETERS + sum(self._sigma_sizes.values()), **kwargs)
        self.keypoint_set = get_keypoint_set(keypoint_set, field='keypoint_set')
        self.body = MODELS.build(body or dict(type='das_mm.SMPLBody'))
        self.body_keypoints = self.body.keypoint_layer(self.keypoint_set.keypoints)
        self.loss_keypoints_2d = MODELS.build(losses['keypoints_2d'])
        self.loss_keypoints_3d = MODELS.build({'root': self.keypoint_set.root_sources, **losses['keypoints_3d']})
        self.loss_pose, self.loss_shape = loss_pose, loss_shape
        self.loss_prior = None if losses['prior'] is None else MODELS.build(losses['prior'])
        self.coherence = CoherenceLosses(losses['interpenetration'], losses['depth_order'])
        self.prior_weight, self.loss_weight, self.sigma_floor = losses['prior_weight'], losses['weight'], sigma_floor
        self.placement, self.with_vertices = placement, with_vertices
        rest = torch.eye(3).expand(NUM_ROTATIONS, 3, 3).clone()
        rest[0] = torch.diag(torch.tensor(_FACING_CAMERA))
        self.register_buffer('start_6d', matrix_to_rotation_6d(rest), persistent=False)

    # ---------------------------------------------------------------- parameters

    def split(self, raw: Tensor) -> dict[str, Tensor]:
        """Parameters out of the raw numbers (P, out_channels), float32.

        Returns:
            ``camera`` (P, 3), ``rotations_6d`` (P, 22, 6), ``betas`` (P, 10) and, where learnt, ``sigma_pose`` (P, 22,
            6) and ``sigma_shape`` (P, 10).
        """
        raw = raw.float()
        parts = dict(
            camera=raw[:, :NUM_CAMERA],
            betas=raw[:, _SHAPE],
            rotations_6d=raw[:, _POSE].reshape(-1, NUM_ROTATIONS, 6) + self.start_6d,
        )
        begin = NUM_PARAMETERS
        for name, size in self._sigma_sizes.items():
            if size:
                scale = positive_scale(raw[:, begin : begin + size])
                parts[f'sigma_{name}'] = self.sigma_floor + (1 - self.sigma_floor) * scale
            begin += size
        if 'sigma_pose' in parts:
            parts['sigma_pose'] = parts['sigma_pose'].reshape(-1, NUM_ROTATIONS, 6)
        return parts

    @staticmethod
    def rotations(rotations_6d: Tensor) -> Tensor:
        """(P, 24, 3, 3) matrices, root first, of (P, 22, 6); the hands at rest."""
        matrices = rotation_6d_to_matrix(rotations_6d)
        hands = torch.eye(3, dtype=matrices.dtype, device=matrices.device).expand(len(matrices), 2, 3, 3)
        return torch.cat([matrices, hands], dim=1)

    @staticmethod
    def camera_px(camera: Tensor, points_px: Tensor, strides: Tensor) -> tuple[Tensor, Tensor]:
        """Scale (P,) px a metre and place of the root (P, 2) px, both in the network input."""
        scale = strides * _SCALE_START * camera[:, 0].clamp(-_SCALE_LIMIT, _SCALE_LIMIT).exp()
        return scale, points_px + strides[:, None] * camera[:, 1:]

    def relative_keypoints(self, matrices: Tensor, betas: Tensor) -> Tensor:
        """(P, K, 3) keypoints of the body minus its root, m."""
        points = self.body_keypoints(matrices[:, 0], matrices[:, 1:], betas)
        return points - self._root(points)[:, None]

    def _root(self, keypoints: Tensor) -> Tensor:
        return keypoints[:, list(self.keypoint_set.root_sources)].mean(dim=1)

    # ---------------------------------------------------------------- training

    def loss(
        self, raw: Tensor, labels: PersonLabels, person: Tensor, points_px: Tensor, strides: Tensor, num_pos: Tensor
    ) -> dict[str, Tensor]:
        """Terms of L_param: 2D and 3D keypoints, pose, shape, prior.

        Beside the labels of the pose it reads ``keypoints_3d_mm`` (N, K, 3) and ``keypoints_3d_weights`` (N, K) of the
        camera frame of the input, ``smpl_pose_matrices`` (N, 24, 3, 3), ``smpl_betas`` (N, 10) and ``smpl_weights``
        (N,) (:class:`AddMeshLabels` packs them).
        """
        with torch.autocast(raw.device.type, enabled=False):
            parts = self.split(raw)
            matrices = self.rotations(parts['rotations_6d'])
            points_m = self.relative_keypoints(matrices, parts['betas'])
            losses = dict(
                loss_mesh_2d=self._loss_2d(points_m, parts['camera'], labels, person, points_px, strides, num_pos),
                loss_mesh_3d=self.loss_keypoints_3d(
                    1000 * points_m,
                    labels.keypoints_3d_mm[person],
                    labels.keypoints_3d_weights[person],
                    avg_factor=num_pos,
                ),
                **self._parameter_losses(parts, labels, person, num_pos),
            )
            if self.loss_prior is not None:
                body_pose = matrix_to_axis_angle(matrices[:, 1:])
                energy = self.loss_prior(body_pose, parts['betas'])
                losses['loss_mesh_prior'] = self.prior_weight * energy.sum() / num_pos
            return {name: self.loss_weight * value for name, value in losses.items()}

    def _loss_2d(self, points_m, camera, labels, person, points_px, strides, num_pos) -> Tensor:
        scale, root_px = self.camera_px(camera, points_px, strides)
        seen_px = weak_perspective(points_m, scale, root_px)
        return self.loss_keypoints_2d(
            seen_px, labels.keypoints[person], labels.keypoints_weights[person], avg_factor=num_pos
        )

    def _parameter_losses(self, parts, labels, person, num_pos) -> dict[str, Tensor]:
        known = labels.smpl_weights[person] > 0
        matrices = labels.smpl_pose_matrices[person][known][:, :NUM_ROTATIONS].flatten(0, 1)
        sigma_pose, sigma_shape = parts.get('sigma_pose'), parts.get('sigma_shape')
        fitted = None
        if self.loss_pose.uses_sigma:
            # a joint at rest to the last digit was never fitted (hands and feet of many files). A likelihood would be
            # right about it without end: scales and flow would serve this joint alone
            fitted = (matrices != torch.eye(3, device=matrices.device)).any(dim=(1, 2)).float()
        pose = self.loss_pose(
            parts['rotations_6d'][known].flatten(0, 1),
            None if sigma_pose is None else sigma_pose[known].flatten(0, 1),
            matrix_to_rotation_6d(matrices),
            fitted,
            avg_factor=num_pos * NUM_ROTATIONS,
        )
        shape = self.loss_shape(
            parts['betas'][known],
            None if sigma_shape is None else sigma_shape[known],
            labels.smpl_betas[person][known],
            avg_factor=num_pos,
        )
        return dict(loss_mesh_pose=pose, loss_mesh_shape=shape)

    @property
    def judges_scenes(self) -> bool:
        return self.coherence.active

    def scene_loss(self, raw: Tensor, scene: ScenePeople) -> dict[str, Tensor]:
        with torch.autocast(raw.device.type, enabled=False):
            vertices = self.vertices_in_camera(raw, scene)
            losses = self.coherence(vertices, self.body.faces, scene)
        return {name: self.loss_weight * value for name, value in losses.items()}

    def vertices_in_camera(self, raw: Tensor, scene: ScenePeople) -> Tensor:
        """(n, V, 3) m in the cameras of the network inputs: meshes as :meth:`to_camera` places them, with gradient."""
        parts = self.split(raw)
        matrices = self.rotations(parts['rotations_6d'])
        vertices, joints = self.body(matrices[:, 0], matrices[:, 1:], parts['betas'])
        roots_px, depths_norm = scene.roots_px, scene.root_depths_norm
        if self.placement == 'camera':
            scale, roots_px = self.camera_px(parts['camera'], scene.outputs.points_px, scene.outputs.strides)
            depths_norm = weak_perspective_depth(scale, scale.new_tensor(1000.0))
        root = self.body.keypoints(self._root_names, vertices, joints).mean(1)
        return vertices + (scene.positions_m(roots_px, depths_norm) - root)[:, None]

    # ---------------------------------------------------------------- inference

    def decode(self, raw: Tensor, points_px: Tensor, strides: Tensor) -> dict[str, Tensor]:
        """``smpl_matrices`` (n, 24, 3, 3), ``smpl_betas`` (n, 10), ``smpl_scale`` (n,) px a metre and ``smpl_root_px``
        (n, 2), in the network input. The body model does not run here: most candidates are suppressed."""
        parts = self.split(raw)
        scale, root_px = self.camera_px(parts['camera'], points_px, strides)
        return dict(
            smpl_matrices=self.rotations(parts['rotations_6d']),
            smpl_betas=parts['betas'],
            smpl_scale=scale,
            smpl_root_px=root_px,
        )

    @torch.no_grad()
    def to_camera(
        self, fields: dict[str, np.ndarray], instances, camera: dict, warp_mat: np.ndarray
    ) -> dict[str, np.ndarray]:
        """``smpl_global_orient`` (n, 3) and ``smpl_body_pose`` (n, 23, 3) rad, ``smpl_betas`` (n, 10),
        ``smpl_transl_mm`` (n, 3) and, where asked for, ``vertices`` (n, V, 3) mm: camera frame of the original image.

        ``smpl_root_mm`` (n, 3) is where the root lies before the translation: with it a mesh can be moved to another
        root without the body model.
        """
        root = self._root_names
        fields = place_bodies(fields, instances, camera, warp_mat, self.body, root, self.placement)
        if self.with_vertices:
            axis_angle = np.concatenate([fields['smpl_global_orient'][:, None], fields['smpl_body_pose']], axis=1)
            vertices, _ = self.body.posed(axis_angle, fields['smpl_betas'])
            fields['vertices'] = (1000 * vertices + fields['smpl_transl_mm'][:, None]).astype(np.float32)
        return fields

    def describe(self) -> TaskDescription:
        """SMPL's parameters, the body they are of, and how it is placed."""
        body = dict(self.body.describe(), root=list(self._root_names), placement=self.placement)
        return TaskDescription('mesh', SMPL_FIELDS, body)

    @property
    def is_declared(self) -> bool:
        return type(self).to_camera is MeshBranch.to_camera and not self.with_vertices

    @property
    def _root_names(self) -> tuple[str, ...]:
        return tuple(self.keypoint_set.keypoints[row] for row in self.keypoint_set.root_sources)
