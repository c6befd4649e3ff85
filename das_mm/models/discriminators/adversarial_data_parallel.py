"""Several processes for a model that takes its training steps itself."""

from __future__ import annotations

from typing import Any

from mmengine.model import MMDistributedDataParallel
from torch import Tensor

from das_mm.registry import MODEL_WRAPPERS


@MODEL_WRAPPERS.register_module()
class AdversarialDataParallel(MMDistributedDataParallel):
    """``model_wrapper_cfg=dict(type='das_mm.AdversarialDataParallel')`` of a config with two optimizers.

    All processes begin with the weights of the first; the model's own ``train_step`` then averages the gradients of
    each side (:class:`.AdversarialStep`), which torch's wrapper cannot do for two losses in one step.
    """

    def train_step(self, data: Any, optim_wrapper: Any) -> dict[str, Tensor]:
        """The model's."""
        return self.module.train_step(data, optim_wrapper)
