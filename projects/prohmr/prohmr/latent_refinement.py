"""What ProHMR's first answer is refined by, where its ``test_cfg`` asks for it: keypoints, other views (§4.3.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmpose.structures import PoseDataSample
from torch import Tensor, nn

from das_mm.errors import UserError
from das_mm.models.pose_estimators.crop_bodies import RegressedBody

from .latent_bodies import LatentBodies
from .latent_fitting_crops import CropFitOptions, CropFitter
from .multi_view import MultiViewRefiner, rotation_average
from .multi_view_groups import view_groups
from .smpl_flow_head import SMPLFlowHead

#: names in ``test_cfg``
REFINEMENTS = ('fit', 'views')


def refine(
    head: SMPLFlowHead,
    points: nn.Module,
    context: Tensor,
    body: RegressedBody,
    samples: Sequence[PoseDataSample],
    test_cfg: Mapping[str, Any],
) -> RegressedBody:
    """The bodies of B crops, refined as ``test_cfg`` says; as they are where it says nothing.

    ``fit``: arguments of :class:`.CropFitOptions`. ``views``: ``to_camera``, rotations (N, 3, 3) from a rig's frame to
    its cameras, in the order of the samples (None: not known); ``by``: 'batch' (all samples are views of one person) or
    'moment' (of a data set: those of one sequence and frame); ``method``: 'fit', or the baseline 'average'; and
    arguments of :class:`.MultiViewRefiner`.

    Args:
        head: In evaluation mode.
        points: (global_orient, body_pose, betas) -> (B, 44, 3) m.
        context: (B, C) of the head.
        body: What the network says.
        samples: The crops.
        test_cfg: Of the estimator.

    Raises:
        UserError: Options that are not known, or views that are not of one person.
    """
    views, fit = test_cfg.get('views'), test_cfg.get('fit')
    if views:
        body = _with_views(head, context, body, samples, {} if views is True else dict(views))
    if fit:
        options = {} if fit is True else dict(fit)
        crop_px = int(samples[0].metainfo['img_shape'][0])
        fitter = CropFitter(points, crop_px, CropFitOptions(**options), test_cfg.get('default_fov_deg'))
        body = fitter(LatentBodies(head, context), body, samples)
    return body


def _with_views(
    head: SMPLFlowHead, context: Tensor, body: RegressedBody, samples: Sequence[PoseDataSample], options: dict[str, Any]
) -> RegressedBody:
    by, method = options.pop('by', 'batch'), options.pop('method', 'fit')
    to_camera = options.pop('to_camera', None)
    if method not in ('fit', 'average'):
        raise UserError(f'{method!r} is not possible', field='views.method', remedy="use 'fit' or 'average'")
    if to_camera is not None:
        to_camera = torch.as_tensor(to_camera).to(body.betas)
    refiner = MultiViewRefiner(**options)
    rotations, betas = body.rotations.clone(), body.betas.clone()
    groups = view_groups(samples, by)
    if method == 'average':
        for rows in groups:
            rotations[rows] = rotation_average(body.rotations[rows], None if to_camera is None else to_camera[rows])
            betas[rows] = body.betas[rows].mean(0)
        return RegressedBody(rotations, betas, body.camera)
    found = refiner.refine_people(LatentBodies(head, context), body.betas, groups, to_camera)
    for rows, views in zip(groups, found):
        rotations[rows], betas[rows] = views.rotations, views.betas
    return RegressedBody(rotations, betas, body.camera)
