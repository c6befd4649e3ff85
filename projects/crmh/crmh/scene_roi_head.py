"""mmdet's RoI head with a branch of bodies beside that of boxes. Letters: B images, P positive proposals of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from mmpose.utils.typing import ConfigType
from torch import Tensor

from das_mm.registry import MODELS

from .scene_labels import SceneLabels
from .smpl_roi_head import RegionBodies


class PositiveRegions(NamedTuple):
    """The P proposals of a batch that a person was assigned to.

    Attributes:
        boxes: (P, 4) xyxy px of the proposals.
        image: (P,) number of the image.
        person: (P,) row of the assigned person in the labels of that image.
        logits: (P,) raw scores for a person, detached.
    """

    boxes: Tensor
    image: Tensor
    person: Tensor
    logits: Tensor


@MODELS.register_module()
class SceneRoIHead(StandardRoIHead):
    """Boxes as in mmdet, and bodies from RoI features of the same pyramid: of the positive proposals in training, of
    the detected boxes at test.

    Args:
        smpl_roi_extractor: Config, of the branch alone.
        smpl_head: Config of a :class:`.SMPLRoIHead`.
        kwargs: Those of mmdet's ``StandardRoIHead``.
    """

    def __init__(self, smpl_roi_extractor: ConfigType, smpl_head: ConfigType, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.smpl_roi_extractor = MODELS.build(smpl_roi_extractor)
        self.smpl_head = MODELS.build(smpl_head)

    def regress(self, feats: Sequence[Tensor], rois: Tensor) -> RegionBodies:
        """Bodies of regions (N, 5), the number of the image before xyxy px."""
        return self.smpl_head(self.smpl_roi_extractor(feats[: self.smpl_roi_extractor.num_inputs], rois))

    def train_regions(
        self, feats: Sequence[Tensor], proposals: Sequence[InstanceData], labels: Sequence[SceneLabels]
    ) -> tuple[dict[str, Tensor], PositiveRegions, RegionBodies | None]:
        """The losses of the boxes, the positive proposals, and their bodies.

        Args:
            feats: Maps (B, C, H, W) of the levels.
            proposals: ``bboxes`` of each image.
            labels: Of each image.

        Returns:
            The bodies are None where nothing is positive: batch norm has no statistics of nobody.
        """
        sampled = []
        for number, (found, known) in enumerate(zip(proposals, labels)):
            priors = InstanceData(priors=found.bboxes, scores=found.scores)
            assigned = self.bbox_assigner.assign(priors, known.people, known.ignored)
            levels = [level[number][None] for level in feats]
            sampled.append(self.bbox_sampler.sample(assigned, priors, known.people, feats=levels))
        boxes = self.bbox_loss(feats, sampled)
        regions = _positive_regions(sampled, boxes['cls_score'])
        bodies = self.regress(feats, bbox2roi([one.pos_priors for one in sampled])) if len(regions.boxes) else None
        return boxes['loss_bbox'], regions, bodies

    def find(
        self, feats: Sequence[Tensor], proposals: Sequence[InstanceData], metas: Sequence[dict]
    ) -> list[InstanceData]:
        """People of each image: ``bboxes`` (n, 4) px of the input, ``scores`` (n,), ``rotations``, ``betas`` and
        ``camera`` as :class:`.RegionBodies` has them."""
        found = self.predict_bbox(feats, metas, proposals, self.test_cfg, rescale=False)
        counts = [len(one) for one in found]
        bodies = self.regress(feats, bbox2roi([one.bboxes for one in found]))
        for one, *parts in zip(found, *(part.split(counts) for part in bodies)):
            for name, part in zip(RegionBodies._fields, parts):
                one.set_field(part, name)
        return found


def _positive_regions(sampled: Sequence[Any], scores: Tensor) -> PositiveRegions:
    """Of the samples of each image, whose scores (samples, 2) lie end to end, positive ones first."""
    of_images = scores[:, 0].detach().split([len(one.priors) for one in sampled])
    return PositiveRegions(
        torch.cat([one.pos_priors for one in sampled]),
        torch.cat([one.pos_assigned_gt_inds.new_full((len(one.pos_priors),), n) for n, one in enumerate(sampled)]),
        torch.cat([one.pos_assigned_gt_inds for one in sampled]),
        torch.cat([logits[: len(one.pos_priors)] for one, logits in zip(sampled, of_images)]),
    )


def best_of_each(regions: PositiveRegions, usable: Tensor) -> list[tuple[int, Tensor]]:
    """Of each image the rows of the proposals, among the usable ones (P,) bool, with the highest raw score of their
    person: one a person, so that the proposals of one person do not collide with each other.

    Returns:
        (number of the image, rows) of the images that have any.
    """
    chosen = []
    for image in regions.image[usable].unique().tolist():
        rows = []
        inside = usable & (regions.image == image)
        for person in regions.person[inside].unique().tolist():
            own = torch.nonzero(inside & (regions.person == person)).squeeze(1)
            rows.append(own[regions.logits[own].argmax()])
        chosen.append((image, torch.stack(rows)))
    return chosen
