"""DAS at inference in the three parts of a graph, as torch modules: network, candidates of a level, suppression.

They give what ``DASHead.predict`` gives, by the head's own methods, in operations that can be recorded. Where that one
looks at its tensors to decide what to run, the parts run everything; that a level without a candidate is skipped is the
graph's business (see :mod:`.onnx_graph`).

Letters: B images, L levels, h and w of a level, P candidates, K keypoints.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from mmpose.models.data_preprocessors import PoseDataPreprocessor
from torch import Tensor, nn

from das_mm.errors import UserError
from das_mm.models.heads import DASHead, LevelScales
from das_mm.models.layers import PointIndex
from das_mm.models.pose_estimators import DAS
from das_mm.models.task_modules import OKSNMS
from das_mm.structures.keypoint_similarity import object_keypoint_similarity


class Pixels(nn.Module):
    """What the data preprocessor does to a batch of images of one size: channels, mean and deviation, padding."""

    def __init__(self, preprocessor: PoseDataPreprocessor):
        super().__init__()
        self.preprocessor = preprocessor

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) float32 in 0..255, as loaded, to the network input (B, 3, H', W')."""
        steps: Any = self.preprocessor  # mmengine tells no types of its buffers
        if steps._channel_conversion:
            images = torch.stack([images[:, channel] for channel in (2, 1, 0)], dim=1)
        if steps._enable_normalize:
            images = (images - steps.mean) / steps.std
        height, width = images.shape[-2:]
        divisor = steps.pad_size_divisor
        return F.pad(images, (0, -width % divisor, 0, -height % divisor), value=float(steps.pad_value))


class Network(nn.Module):
    """Network input to the features of every level, and how likely each of its points is a person's centre."""

    def __init__(self, model: DAS):
        super().__init__()
        self.model, self.dtype = model, next(model.backbone.parameters()).dtype

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """(B, C, H, W) to L features (B, C, h, w) and L confidences (B, h, w)."""
        feats = self.model.extract_feat(inputs.to(self.dtype))
        return (*feats, *(logits.float().sigmoid() for logits in self.model.head.forward_centers(feats)))


class LevelCandidates(nn.Module):
    """Features of one level to its candidates, decoded; the same weights for every level.

    Args:
        head: The head.
        num_best: At most so many candidates of a level and image.
        error_spread: (D,) of the error over its scale, as the head has it; None where no scales are to be given.
    """

    error_spread: Tensor | None

    def __init__(self, head: DASHead, num_best: int, error_spread: Tensor | None):
        super().__init__()
        self.head, self.num_best = head, num_best
        self.register_buffer('error_spread', error_spread)

    def forward(
        self, feat: Tensor, confidence: Tensor, score_thr: Tensor, scales: Tensor, stride: Tensor
    ) -> dict[str, Tensor]:
        """Candidates image by image, the best of an image first, and a row of nobody: of score -1, at the end.

        Many an operation of a graph cannot do with no rows at all.

        Args:
            feat: (B, C, h, w).
            confidence: (B, h, w).
            score_thr: () scores must be higher.
            scales: (4,) of the level, see :class:`DASHead`.
            stride: () float, of the level.

        Returns:
            ``image`` (P,) long and the fields of ``DASHead.predict``, (P, ...) float32.
        """
        head = self.head
        reg = head.reg_tower(feat)
        centerness = head.centerness_branch(reg)[:, 0].float()
        points, scores = self._best(confidence * centerness.sigmoid(), score_thr)
        outputs = head.regress(
            feat, reg, points, LevelScales(scales, stride), self.error_spread is not None, self._last_offsets
        )
        return dict(image=points.batch, **head.decoder.decode(outputs, scores, self.error_spread))

    def _last_offsets(self, pose: Tensor, first: Tensor, points: PointIndex) -> list[Tensor]:
        return [self.head.update.recordable(pose, first, points)]

    def _best(self, scores: Tensor, score_thr: Tensor) -> tuple[PointIndex, Tensor]:
        """Points (P,) and scores (P,) of a map (B, h, w) of scores."""
        width = scores.shape[-1]
        passing = torch.where(scores > score_thr, scores, -1.0).flatten(1)
        # one more than a map may have: then the number to take is a constant
        best, place = F.pad(passing, (0, self.num_best), value=-1.0).topk(self.num_best)
        image, rank = torch.nonzero(best >= 0, as_tuple=True)
        place, best, image = (
            F.pad(values, (0, 1), value=nobody)
            for values, nobody in ((place[image, rank], 0), (best[image, rank], -1.0), (image, 0))
        )
        row = place // width
        return PointIndex(image, row, place - row * width), best


class Suppression(nn.Module):
    """:class:`OKSNMS` of all images of a batch at once: one step of the loop keeps one more person in every image.

    Raises:
        UserError: The suppression is of another kind.
    """

    def __init__(self, nms: OKSNMS):
        super().__init__()
        if type(nms) is not OKSNMS:
            raise UserError(
                f'a {type(nms).__name__} cannot be written as a graph', field='model.head.nms', remedy='use OKSNMS'
            )
        self.nms = nms

    def forward(self, keypoints_px: Tensor, scores: Tensor, image: Tensor, confidence: Tensor) -> Tensor:
        """Rows (n,) of the people that stay, image by image, best first.

        Args:
            keypoints_px: (P, K, 2), P >= 1.
            scores: (P,); below 0 there is nobody.
            image: (P,) long.
            confidence: (B, h, w); it tells B.
        """
        max_people, threshold = self.nms.max_people, self.nms.threshold
        order = torch.topk(scores, scores.shape[0]).indices  # the first of equal ones first, in a graph
        poses, image, alive = keypoints_px[order], image[order], scores[order] >= 0
        alive = alive & torch.isfinite(poses).flatten(1).all(1)
        areas = (poses.amax(1) - poses.amin(1)).prod(1)
        rows = torch.arange(alive.shape[0], device=alive.device)
        own = image == torch.arange(confidence.shape[0], device=image.device)[:, None]  # (B, P)
        rank = torch.full_like(image, max_people)

        def goes_on(step: Tensor, alive: Tensor, rank: Tensor) -> Tensor:
            return (step < max_people) & alive.any()

        def keep_one(step: Tensor, alive: Tensor, rank: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            best = (own & alive).to(torch.int32).argmax(dim=1)[image]  # (P,) the first one alive of the same image
            is_best = alive & (rows == best)
            squared = (poses - poses[best]).square().sum(-1)
            differs = object_keypoint_similarity(squared, (areas + areas[best]) / 2, self.nms.kappa) <= threshold
            return step + 1, alive & differs & ~is_best, torch.where(is_best, step, rank)

        _, _, rank = torch.while_loop(goes_on, keep_one, (torch.zeros((), dtype=torch.long), alive, rank))
        kept = torch.nonzero(rank < max_people).squeeze(1)
        place = image[kept] * max_people + rank[kept]
        return order[kept[torch.topk(place, place.shape[0], largest=False).indices]]
