"""What the regression heads share: targets and losses of a batch, and people out of outputs.

Shapes: B people, K keypoints, D coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.structures import InstanceData
from mmpose.models.heads.base_head import BaseHead
from mmpose.utils.typing import ConfigType, InstanceList, OptConfigType, OptSampleList
from torch import Tensor

from das_mm.registry import KEYPOINT_CODECS, MODELS

from ..errors import check_labels
from .keypoint_estimate import RegressionOutput, flip_average, read_output


class KeypointRegressionHead(BaseHead):
    """Base of the heads that regress coordinates with scales; subclasses give :meth:`forward`.

    Args:
        num_keypoints: K.
        dims: D, 2 or 3.
        loss: Config of the loss, :class:`.ResidualLikelihoodLoss` or :class:`.MixedDimensionLoss`.
        decoder: Config of the codec, :class:`.CenteredRegressionLabel`.
        root_index: Keypoint that depths are told relative to.
    """

    def __init__(
        self,
        num_keypoints: int,
        dims: int = 2,
        loss: ConfigType | None = None,
        decoder: OptConfigType = None,
        root_index: int = 0,
        init_cfg: OptConfigType = None,
    ):
        super().__init__(init_cfg)
        self.num_keypoints, self.dims = num_keypoints, dims
        default = dict(type='ResidualLikelihoodLoss', dims=2) if dims == 2 else dict(type='MixedDimensionLoss')
        self.loss_module = MODELS.build({'_scope_': 'das_mm', **(loss or default)})
        self.decoder: Any = None if decoder is None else KEYPOINT_CODECS.build({'_scope_': 'das_mm', **decoder})
        self.root_index = root_index if dims == 3 else None

    @property
    def uses_sigma(self) -> bool:
        """Whether the network learns scales."""
        return self.loss_module.uses_sigma

    def forward(self, feats: tuple[Tensor, ...]) -> RegressionOutput:
        """Output of the network for features as the neck gives them."""
        raise NotImplementedError

    def loss(self, feats: tuple[Tensor, ...], batch_data_samples: OptSampleList, train_cfg: Any = None) -> dict:
        """Losses of a batch.

        Args:
            feats: Of the neck.
            batch_data_samples: One person each, with ``keypoint_labels`` (1, K, D) and ``keypoint_weights`` (1, K) or
                (1, K, D).

        Raises:
            UserError: Labels of another number of keypoints or coordinates than the head has.
        """
        labels, weights = (
            torch.cat([getattr(sample.gt_instance_labels, name) for sample in batch_data_samples or []])
            for name in ('keypoint_labels', 'keypoint_weights')
        )
        return self.loss_by_feat(self.forward(feats), labels, weights)

    def loss_by_feat(self, output: RegressionOutput, labels: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """Losses of outputs, labels (B, K, D) and weights (B, K) or (B, K, D)."""
        check_labels(labels, self.num_keypoints, self.dims)
        return dict(loss_kpt=self.loss_module(output.coords, output.raw_sigma, labels, weights))

    def predict(self, feats: Any, batch_data_samples: OptSampleList, test_cfg: Mapping[str, Any] | None = None):
        """One :class:`InstanceData` a person; see :meth:`predict_by_feat`.

        Args:
            feats: Of the neck; with ``test_cfg['flip_test']`` a list of those of the crops and of their mirror images.
            batch_data_samples: With ``flip_indices`` in their metainfo.
            test_cfg: ``flip_test``, ``shift_coords`` (True).
        """
        test_cfg = test_cfg or {}
        if not test_cfg.get('flip_test', False):
            return self.predict_by_feat(self.forward(feats))
        meta = (batch_data_samples or [])[0].metainfo
        flip = (meta['flip_indices'], test_cfg.get('shift_coords', True))
        return self.predict_by_feat(self.forward(feats[0]), self.forward(feats[1]), *flip)

    @torch.no_grad()
    def predict_by_feat(
        self,
        output: RegressionOutput,
        mirrored: RegressionOutput | None = None,
        flip_indices: Any = None,
        shift: bool = True,
    ) -> InstanceList:
        """People in the crop: ``keypoints`` (1, K, 2) px, ``keypoint_scores`` (1, K), ``relative_depths_mm`` (1, K) of
        heads with depths, and ``keypoints_sigma`` (1, K, D) px, mm of heads that learn scales.

        σ is that of the crop itself: see :func:`.flip_average`.
        """
        plain = estimate = read_output(output, self.root_index)
        if mirrored is not None:
            other = read_output(mirrored, self.root_index)
            estimate = flip_average(plain, other, flip_indices, self.decoder.input_size[0], shift)
        keypoints, depths = self.decoder.decode(estimate.coords.float().cpu().numpy())  # (B, K, 2), (B, K) or None
        scores = estimate.confidence.float().cpu().numpy()
        people = [
            InstanceData(keypoints=keypoints[i : i + 1], keypoint_scores=scores[i : i + 1]) for i in range(len(scores))
        ]
        sigma = None if plain.sigma is None else self.decoder.decode_scale(plain.sigma.float().cpu().numpy())
        for i, person in enumerate(people):
            if depths is not None:
                person.relative_depths_mm = depths[i : i + 1]
            if sigma is not None:
                person.keypoints_sigma = sigma[i : i + 1]
        return people
