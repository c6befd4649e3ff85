"""The weight of the geometric loss in the first steps."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from das_mm.registry import HOOKS


@HOOKS.register_module()
class GeometryWarmUp(Hook):
    """Lets the geometric loss in linearly: an early relative depth means nothing, and most torsos are rootless.

    What a step weighs follows from its number alone, so a resumed run repeats an uninterrupted one.

    Args:
        iterations: Until the whole weight.
    """

    def __init__(self, iterations: int = 5000):
        self.iterations = iterations

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        model.head.set_geometry_share(min(1.0, runner.iter / max(self.iterations, 1)))
