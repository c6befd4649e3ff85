"""From what the DAS head says at points to people (journal paper §3.5).

Inference and exported graphs share it. Letters: P points, n people of one image, K keypoints, D coordinates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from das_mm.models.losses import keypoint_confidence
from das_mm.models.task_modules import DASPoseCoder

from .branches.task_branch import BaseTaskBranch
from .point_outputs import PointOutputs


@dataclass
class DASDecoder:
    """Points to people, without a network.

    Attributes:
        coder: Offsets to poses.
        nms: Poses (n, K, 2) and scores (n,) of an image to the rows that stay, best first.
        branches: Decoders of the tasks beside the pose, by name.
        sigma_limit: Greatest scale, at which nothing is known of a keypoint.
    """

    coder: DASPoseCoder
    nms: Callable[[Tensor, Tensor], Tensor]
    branches: Mapping[str, BaseTaskBranch]
    sigma_limit: float = 1.0

    def decode(self, outputs: PointOutputs, scores: Tensor, error_spread: Tensor | None = None) -> dict[str, Tensor]:
        """Fields (P, …) of people in the frame of the network input; doubles are still among them.

        Args:
            outputs: At P points.
            scores: (P,).
            error_spread: (D,) of an error over its scale (:func:`.das_diagnosis.error_spread`); needed where the
                outputs have scales.

        Returns:
            ``scores``, ``roots_px`` (P, 2), ``root_depths_norm`` (P,) mm/px, ``keypoints_px`` (P, K, 2),
            ``relative_depths_mm`` (P, K), where there are scales ``keypoints_sigma`` (P, K, D) standard deviations in
            px, px, mm and ``keypoint_scores`` (P, K), and the fields of the task branches.
        """
        poses = self.coder.decode(outputs.root, outputs.pose[-1], outputs.points_px, outputs.strides)
        fields = dict(vars(poses), scores=scores)
        if outputs.sigma is not None:
            assert error_spread is not None  # where there are scales, see above
            fields['keypoints_sigma'] = self.coder.decode_sigma(outputs.sigma * error_spread, outputs.strides)
            fields['keypoint_scores'] = keypoint_confidence(outputs.sigma / self.sigma_limit)
        for name, branch in self.branches.items():
            fields.update(branch.decode(outputs.tasks[name], outputs.points_px, outputs.strides))
        return fields

    def people(self, fields: Mapping[str, Tensor], image: Tensor, batch_size: int) -> list[InstanceData]:
        """The people of every image, best first, without doubles.

        Args:
            fields: What :meth:`decode` gave.
            image: (P,) whose point it is.
            batch_size: Images.
        """
        results = []
        for index in range(batch_size):
            rows = torch.nonzero(image == index).squeeze(1)
            rows = rows[self.nms(fields['keypoints_px'][rows], fields['scores'][rows])]
            results.append(InstanceData(metainfo=None, **{name: values[rows] for name, values in fields.items()}))
        return results


def best_of_each_image(scores: Tensor, image: Tensor, score_thr: float, limit: int) -> Tensor:
    """Indices of the points that pass ``score_thr``, at most ``limit`` best ones an image.

    Args:
        scores: (P,).
        image: (P,).
    """
    keep = torch.nonzero(scores > score_thr).squeeze(1)
    if len(keep) <= limit:
        return keep
    return torch.cat(
        [
            rows[torch.topk(scores[rows], min(limit, len(rows))).indices]
            for rows in (keep[image[keep] == one] for one in torch.unique(image[keep]))
        ]
    )
