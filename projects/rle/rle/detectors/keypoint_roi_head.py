"""mmdet's RoI head of Mask R-CNN with keypoints in the place of masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from torch import Tensor

from das_mm.registry import MODELS, TRANSFORMS


@MODELS.register_module()
class FlowKeypointRoIHead(StandardRoIHead):
    """Boxes as in mmdet; the branch that it calls the mask's (``mask_roi_extractor``, ``mask_head``) has keypoints.

    ``mask_head`` is a :class:`RoIKeypointFlowHead`. ``gt_instances`` need ``keypoints`` (n, K, 2) px and
    ``keypoint_weights`` (n, K); results get ``keypoints`` (n, K, 2), ``keypoint_scores`` (n, K), ``bbox_scores`` (n,).
    """

    def mask_loss(self, x: Any, sampling_results: list, bbox_feats: Tensor, batch_gt_instances: list):
        """The loss of the keypoints of positive regions, divided by their number; 0 without any."""
        boxes = torch.cat([result.pos_priors for result in sampling_results])
        rows = lambda name: torch.cat(
            [
                getattr(truth, name)[result.pos_assigned_gt_inds]
                for truth, result in zip(batch_gt_instances, sampling_results)
            ]
        )
        output = self._mask_forward(x, bbox2roi([result.pos_priors for result in sampling_results]))['mask_preds']
        losses = self.mask_head.loss_by_feat(output, rows('keypoints'), rows('keypoint_weights'), boxes)
        return dict(mask_preds=output, loss_mask=losses)

    def predict_mask(
        self, x: Any, batch_img_metas: list[dict], results_list: list, rescale: bool = False
    ) -> list[InstanceData]:
        """The results with keypoints, in px of the original image where ``rescale``."""
        boxes = [result.bboxes for result in results_list]
        output = self._mask_forward(x, bbox2roi(boxes))['mask_preds']
        estimate = self.mask_head.predict_by_feat(output, torch.cat(boxes))
        counts = [len(result) for result in results_list]
        parts = zip(results_list, batch_img_metas, estimate.coords.split(counts), estimate.confidence.split(counts))
        for result, meta, keypoints, scores in parts:
            factor = keypoints.new_tensor(meta['scale_factor']) if rescale else keypoints.new_ones(2)
            result.bboxes = result.bboxes / factor.repeat(2)
            result.keypoints, result.keypoint_scores = keypoints / factor, scores
            result.bbox_scores = result.scores
        return results_list


@TRANSFORMS.register_module()
class PeopleForDetector(BaseTransform):
    """After ``PackDASInputs``: ground truth as a detector of mmdet takes it.

    ``gt_instances`` become tensors in px of the network input: ``bboxes``, ``labels`` (all 0), ``keypoints`` and
    ``keypoint_weights``; people who are not to be learnt and regions to ignore are ``ignored_instances``. The metainfo
    gets ``scale_factor``.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        sample = results['data_samples']
        warp = np.asarray(sample.metainfo['warp_mat'])
        sample.set_metainfo(dict(scale_factor=(abs(float(warp[0, 0])), float(warp[1, 1]))))
        if 'gt_instance_labels' in sample:
            people = sample.gt_instance_labels
            sides = people.bboxes[:, 2:] - people.bboxes[:, :2]
            learnt = people.center_valid & (sides > 0).all(dim=1) & (people.keypoints_weights > 0).any(dim=1)
            chosen = people[learnt]
            sample.gt_instances = InstanceData(
                bboxes=chosen.bboxes,
                labels=torch.zeros(len(chosen), dtype=torch.long),
                keypoints=chosen.keypoints,
                keypoint_weights=chosen.keypoints_weights,
            )
            sample.ignored_instances = InstanceData(bboxes=people.bboxes[~learnt])
        return results
