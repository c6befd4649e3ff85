"""What the flows of a DAS head have learnt, and what they learn from: for σ in units of the error, plots, calibration.

A head learns a scale σ of every error, and in its flows how error / σ is distributed. σ alone is known up to a factor
(:class:`.RLELoss`); with the spread of that distribution it is a standard deviation. Letters as in :mod:`.das_network`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from das_mm.models.losses import LikelihoodLoss, residual_spread

if TYPE_CHECKING:
    from mmpose.utils.typing import SampleList

    from .das_head import DASHead

# of every loss that was asked: the state of its weights, and its spread
_spreads: WeakKeyDictionary[LikelihoodLoss, tuple[list[tuple], Tensor]] = WeakKeyDictionary()


@dataclass
class PointResiduals:
    """Errors and scales at the positive points of labelled images, in px, px, mm of the network input.

    Attributes:
        errors (list[Tensor]): (P, K, D) ground truth minus prediction, of U, U', ….
        sigmas (Tensor): (P, K, D); 1 stride (and its depth unit) where the head learns none.
        valid (Tensor): (P, K, D) bool, coordinates that are labelled.
    """

    errors: list[Tensor]
    sigmas: Tensor
    valid: Tensor


def residuals(head: DASHead, feats: Sequence[Tensor], batch_data_samples: SampleList) -> PointResiduals:
    """What the flows learn from.

    Args:
        head: The head.
        feats: L maps (B, C, h, w).
        batch_data_samples: Samples with ``gt_instance_labels``.
    """
    with torch.no_grad():
        labels, targets = head.assign_targets(feats, batch_data_samples)
        out = head.join(head.forward_positives(feats, targets), feats[0])
        person = torch.cat([target.person for target in targets])
        code = head.coder.encode(labels, person, out.points_px, out.strides)
        in_units = lambda values: head.coder.decode_sigma(values, out.strides)
        return PointResiduals(
            errors=[in_units(code.pose[..., : head.dims] - pose) for pose in out.pose],
            sigmas=in_units(torch.ones_like(out.pose[0]) if out.sigma is None else out.sigma),
            valid=code.pose_weights[..., : head.dims] > 0,
        )


def stage_losses(head: DASHead) -> dict[str, LikelihoodLoss]:
    """The losses on full keypoints (D coordinates) by the stage they judge: 'initial' and, if there is one, 'updated'.

    Their :meth:`~.LikelihoodLoss.fitted_density` is what has been learnt of error / σ.
    """
    suffix = f'_{head.dims}d'
    losses = {name.removesuffix(suffix): loss for name, loss in head.pose_losses.items() if name.endswith(suffix)}
    return cast('dict[str, LikelihoodLoss]', losses)


def error_spread(head: DASHead) -> Tensor:
    """(D,) standard deviation of error / σ after the last update, as the flow has learnt it.

    It takes thousands of samples and depends on the weights of the flow alone, so it is remembered until they change.
    """
    loss = list(stage_losses(head).values())[-1]
    state = [(parameter.device, parameter._version, parameter.data_ptr()) for parameter in loss.parameters()]
    known = _spreads.get(loss)
    if known is None or known[0] != state:
        device = head.scales.device
        generator = torch.Generator(device).manual_seed(0)
        known = state, residual_spread(loss, generator=generator, num_dims=head.dims).to(device)
        _spreads[loss] = known
    return known[1]
