"""Colours of the whole image, as HMR's family varies those of its crops."""

from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from das_mm.errors import UserError
from das_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ChannelNoise(BaseTransform):
    """Multiplies each channel by a number between 1 - amount and 1 + amount.

    Args:
        amount: Below 1; released 0.4.
    """

    def __init__(self, amount: float = 0.4) -> None:
        if not 0 <= amount < 1:
            raise UserError(f'{amount!r} is not possible', field='amount', remedy='give at least 0 and less than 1')
        self.amount = amount

    @cache_randomness
    def _draw(self) -> np.ndarray:
        return np.random.uniform(1 - self.amount, 1 + self.amount, 3)

    def transform(self, results: dict) -> dict:
        results['img'] = np.clip(np.rint(results['img'] * self._draw()), 0, 255).astype(np.uint8)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(amount={self.amount})'
