"""Before a training: what the mean and the deviation of its input are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from torch import Tensor

from das_mm.registry import HOOKS


@HOOKS.register_module()
class InputStatisticsHook(Hook):
    """Teaches a :class:`.ProSkeleton` the statistics of its training set, unless it knows some.

    Args:
        most: People looked at, spread over the set.
    """

    def __init__(self, most: int = 20000) -> None:
        self.most = most

    def before_train(self, runner: Any) -> None:
        """Look at the set once; all processes see the same people."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if not model.standardiser.known:
            model.standardiser.learn(self._places(runner.train_dataloader.dataset))

    def _places(self, dataset: Any) -> Iterator[Tensor]:
        for row in range(0, len(dataset), -(-len(dataset) // self.most)):
            yield dataset[row]['inputs']
