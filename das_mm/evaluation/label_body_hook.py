"""Before a mesh is learnt or judged: the SMPL labels are those of its body."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from das_mm.registry import HOOKS

from .label_bodies import check_label_bodies


@HOOKS.register_module()
class LabelBodyHook(Hook):
    """Ends a run with a :class:`UserError` where SMPL labels and the body of the model, or of a metric, do not fit.

    A few people of every data set are looked at, once, before training and before each kind of evaluation.
    """

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def before_train(self, runner: Runner) -> None:
        """The training data and the model."""
        self._check(runner, 'train', runner.train_dataloader.dataset, [])

    def before_val(self, runner: Runner) -> None:
        """The validation data, the model and the metrics."""
        self._check(runner, 'val', runner.val_dataloader.dataset, runner.val_evaluator.metrics)

    def before_test(self, runner: Runner) -> None:
        """The test data, the model and the metrics."""
        self._check(runner, 'test', runner.test_dataloader.dataset, runner.test_evaluator.metrics)

    def _check(self, runner: Runner, stage: str, dataset: Any, metrics: list) -> None:
        if stage in self._seen:
            return
        self._seen.add(stage)
        model: Any = runner.model.module if is_model_wrapper(runner.model) else runner.model
        users = {'the model': model, **{type(metric).__name__: metric for metric in metrics}}
        bodies = {name: getattr(user, 'body', None) for name, user in users.items()}
        check_label_bodies(dataset, {name: body for name, body in bodies.items() if hasattr(body, 'keypoint_matrix')})
