"""Heat maps of keypoints as a second lesson of the features, in training only."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from mmpose.utils.typing import ConfigType, SampleList
from torch import Tensor
from torch.nn import functional as F

from das_mm.models.task_modules import PersonLabels
from das_mm.registry import MODELS

from .towers import OutputBranch, init_normal
from .unlabelled_people import partly_labelled

# how much more a pixel at a keypoint weighs than one of the background
_KEYPOINT_WEIGHT = 20.0


@MODELS.register_module()
class KeypointHeatmapHead(BaseModule):
    """Where a keypoint of anybody is, as a map for each kind of keypoint (B, K, h, w).

    Regression teaches features at a few points about the root; a map teaches every pixel, so features that tell limbs
    apart come sooner. Nothing of it is needed at inference: it stands in ``train_cfg=dict(auxiliary_head=…)`` of the
    estimator, and packaged weights are without it.

    The target is the greatest of the Gaussians around that kind's labelled keypoints; the loss is the squared error,
    pixels near a keypoint weighing more. In a sample with ``everyone_labelled=False`` only the boxes of labelled people
    count, and unlabelled keypoints of somebody switch their map off in that box.

    Args:
        num_keypoints: K.
        in_channels: Channels of the pyramid.
        level: Which map of the pyramid; the finest by default.
        stride: Pixels of the network input between its points.
        feat_channels: Channels before the output.
        sigma_share: σ of a Gaussian over the person's size (farthest labelled keypoint from the root), at least
            ``stride`` / 2 px.
        norm_cfg: Normalisation.
        loss_weight: Factor on the loss, whose mean over the pixels is about 0.03.
    """

    def __init__(
        self,
        num_keypoints: int,
        in_channels: int,
        stride: int,
        level: int = 0,
        feat_channels: int = 64,
        sigma_share: float = 0.06,
        loss_weight: float = 20.0,
        norm_cfg: ConfigType | None = None,
    ):
        super().__init__()
        self.level, self.stride, self.sigma_share = level, stride, sigma_share
        self.loss_weight = loss_weight
        norm_cfg = norm_cfg or dict(type='GN', num_groups=8)
        self.branch = OutputBranch(in_channels, num_keypoints, norm_cfg, feat_channels)

    def init_weights(self) -> None:
        super().init_weights()
        init_normal(self.branch)

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Logits (B, K, h, w) from the maps of the pyramid."""
        return self.branch(feats[self.level])

    def loss(self, feats: Sequence[Tensor], batch_data_samples: SampleList) -> dict[str, Tensor]:
        """``loss_heatmap``, a scalar.

        Args:
            feats: L maps (B, in_channels, h, w).
            batch_data_samples: B samples with ``gt_instance_labels``.
        """
        logits = self(feats)
        labels = PersonLabels.from_instances([one.gt_instance_labels for one in batch_data_samples], logits.device)
        partial = partly_labelled(batch_data_samples).to(logits.device)
        target, weight = self.targets(labels, partial, logits.shape)
        with torch.autocast(logits.device.type, enabled=False):
            error = F.mse_loss(logits.float().sigmoid(), target, reduction='none')
            weight = weight * (1 + _KEYPOINT_WEIGHT * target)
            loss = (error * weight).sum() / weight.sum().clamp(min=1)
        return dict(loss_heatmap=self.loss_weight * loss)

    @torch.no_grad()
    def targets(self, labels: PersonLabels, partial: Tensor, shape: torch.Size) -> tuple[Tensor, Tensor]:
        """Maps of 0 to 1 and their weights, both (B, K, h, w).

        Args:
            labels: N people, px of the network input.
            partial: (B,) bool: not everyone is labelled.
            shape: B, K, h, w.
        """
        height, width = shape[2:]
        spread = lambda values: values[:, :, None, None].expand(-1, -1, height, width)
        rows = labels.image[:, None, None, None].expand(-1, *shape[1:])
        any_of = lambda values: values.new_zeros(shape).scatter_reduce_(0, rows, values.expand_as(rows), 'amax')
        xs, ys = (torch.arange(n, device=partial.device) * self.stride + (self.stride - 1) / 2 for n in (width, height))
        left, top, right, bottom = labels.bboxes[:, :, None].unbind(1)  # (N, 1)
        in_x, in_y = (xs >= left) & (xs <= right), (ys >= top) & (ys <= bottom)
        inside = (in_y[:, :, None] & in_x[:, None, :]).float()[:, None]  # (N, 1, h, w)
        # people to ignore teach nothing; the box of another teaches the maps of what is labelled
        known = labels.keypoints_weights > 0
        taught = spread((known & labels.center_valid.bool()[:, None]).float())
        weight = torch.where(partial[:, None, None, None], any_of(inside * taught), 1)
        weight = weight * (1 - any_of(inside * (1 - taught)))
        bump = self._bumps(labels, xs, ys) * spread(known.float())
        target = any_of(bump)
        return target, torch.maximum(weight, (target > 0.05).float())

    def _bumps(self, labels: PersonLabels, xs: Tensor, ys: Tensor) -> Tensor:
        """(N, K, h, w) a Gaussian about every keypoint."""
        places = labels.keypoints.nan_to_num()
        far = (places - labels.root_px.nan_to_num()[:, None]).norm(dim=-1)
        far = far.masked_fill(labels.keypoints_weights <= 0, 0)
        sigma = (self.sigma_share * far.amax(dim=1)).clamp(min=self.stride / 2)[:, None, None]
        along_x = torch.exp(-(xs - places[..., :1]).square() / (2 * sigma.square()))  # (N, K, w)
        along_y = torch.exp(-(ys - places[..., 1:]).square() / (2 * sigma.square()))
        return along_y[..., :, None] * along_x[..., None, :]
