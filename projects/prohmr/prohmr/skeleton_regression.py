"""The baseline of ProSkeleton: Martinez et al.'s last layer, one pose and no density."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor, nn

from das_mm.errors import UserError
from das_mm.registry import MODELS

from .skeleton_flow import SampledPoses
from .skeleton_joints import OUTPUT_JOINTS


@MODELS.register_module()
class SkeletonRegression(BaseModule):
    """A linear map in place of a :class:`.SkeletonFlow`; it knows one pose, which is told as the mode.

    Args:
        context_channels: Of the encoder.
        init_cfg: Of mmengine's BaseModule.
    """

    def __init__(self, context_channels: int = 1024, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.linear = nn.Linear(context_channels, 3 * len(OUTPUT_JOINTS))

    def initialise(self, points: Tensor, context: Tensor) -> None:
        """Nothing is to be started from labels."""

    def mode(self, context: Tensor) -> SampledPoses:
        """Contexts (B, C) to poses, S = 1, whose density is not known (NaN)."""
        points = self.linear(context)[:, None]
        unknown = points.new_full(points.shape[:2], float('nan'))
        return SampledPoses(points.unflatten(-1, (-1, 3)), unknown, points.new_zeros(points.shape))

    def sample(self, num: int, context: Tensor, generator: object = None) -> SampledPoses:
        """There are none.

        Raises:
            UserError: Always.
        """
        raise UserError(
            'this model regresses one pose and has no density to sample from',
            field='num_samples',
            remedy='ask for 0 samples, or train a SkeletonFlow',
        )
