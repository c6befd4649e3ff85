"""Latency, throughput, peak memory and stages of a model, in inference and training, for several variants of use."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import DefaultScope

from das_mm.models.pose_estimators import DAS

from .memory import HOW, peak_bytes
from .planting import Planting
from .scenes import make_scene
from .stages import StageClock, clocked
from .subject import level_shapes, quiet_logger, random_input
from .timing import Spread, Taken, Timed, ratios, time_in_turn
from .variants import DTYPES, Variant

# The clock costs next to nothing; it stays out of most runs so that the latency is that of the product
_CLOCK_EVERY = 5


@dataclass(frozen=True)
class Setting:
    """How often to run, and on what. ``strides``: levels that hold people (None: :func:`make_scene`'s)."""

    size: tuple[int, int]
    runs: int = 20
    warmup: int = 3
    strides: tuple[int, ...] | None = None
    seed: int = 0


def measure_model(
    model: DAS,
    variants: Sequence[Variant],
    setting: Setting,
    train: bool = False,
    on_round: Callable[[int, int], None] | None = None,
) -> list[dict[str, Any]]:
    """Measures all variants in turn: of inference (from the normalised image to people in camera space), or of a
    training step (forward, losses, backward, optimizer).

    Args:
        model: Left in evaluation mode, as it was; its copies are what is changed.
        variants: The first is the one that others are compared with.
        setting: How often.
        train: Training steps. The learning rate is 0, so that all steps do the same work.
        on_round: See :func:`time_in_turn`.

    Returns:
        A dict a variant: ``label`` and the fields of the variant; ``latency_s`` and ``work_s``, a :class:`Spread` each
        (see :class:`Taken`); ``images_per_s``; ``times_the_first``, the ratio of work an image, round by round;
        ``stages_s``, medians by the work clock, and ``stages_sum_over_total``, their sum over the work of runs without
        the stages' clock; ``peak_memory_bytes`` and ``memory_how``; of inference also ``people_found`` in all images.
    """
    device = next(model.parameters()).device
    kinds = {(one.channels_last, one.compiled) for one in variants}
    models = {kind: _prepare(copy.deepcopy(model), *kind, train) for kind in kinds}
    shapes = level_shapes(model, setting.size)
    make = _TrainingCase if train else _InferenceCase
    cases = [make(models[one.channels_last, one.compiled], one, setting, shapes) for one in variants]
    functions = {}
    for case in cases:
        functions[case.label] = Timed(case.run, case.around)
        functions[f'{case.label} clocked'] = Timed(case.run, case.around_clocked, every=_CLOCK_EVERY)
    taken = time_in_turn(functions, setting.runs, setting.warmup, device, on_round)
    return [_report(case, taken[case.label], cases[0], taken[cases[0].label], setting) for case in cases]


def _report(case: _Case, taken: Taken, first: _Case, first_taken: Taken, setting: Setting) -> dict[str, Any]:
    batch, device = case.variant.batch, case.device
    stages, staged_s = case.stages_s(setting.warmup)
    latency = Spread.of(taken.wall_s)
    compared = ratios([one / batch for one in taken.work_s], [one / first.variant.batch for one in first_taken.work_s])
    case.model.zero_grad(set_to_none=True)  # gradients are part of what a step allocates
    with case.around():
        peak = peak_bytes(case.run, device)
    return dict(
        label=case.label,
        **asdict(case.variant),
        latency_s=latency.as_dict(),
        work_s=Spread.of(taken.work_s).as_dict(),
        images_per_s=batch / latency.median,
        times_the_first=compared.as_dict(),
        stages_s=stages,
        stages_sum_over_total=staged_s / Spread.of(taken.work_s).median,
        peak_memory_bytes=peak,
        memory_how=HOW[device.type],
        **case.facts(),
    )


class _Case:
    """A variant with its model, input and people, ready to run."""

    def __init__(self, model: DAS, variant: Variant, setting: Setting, shapes: list[tuple[int, int]]):
        self.model, self.variant, self.label = model, variant, variant.label
        scene = make_scene(model.head, variant.people, setting.size, setting.strides, variant.batch, setting.seed)
        self.scene, self.planting = scene, Planting(model.head, scene, shapes)
        self.inputs = random_input(model, variant.batch, setting.size, setting.seed)
        if variant.channels_last:
            self.inputs = self.inputs.contiguous(memory_format=torch.channels_last)
        self.device = self.inputs.device
        self.clock, self.clock_on = StageClock(self.device), False
        self._stages: list[dict[str, float]] = []

    def run(self) -> None:
        raise NotImplementedError

    def facts(self) -> dict[str, Any]:
        return {}

    def autocast(self) -> torch.autocast:
        dtype = DTYPES[self.variant.dtype]
        return torch.autocast(self.device.type, dtype, enabled=dtype != torch.float32)

    @contextmanager
    def around(self) -> Iterator[None]:
        with self.planting:
            yield

    @contextmanager
    def around_clocked(self) -> Iterator[None]:
        with self.planting, clocked(self.model, self.clock):
            self.clock.start()
            self.clock_on = True
            try:
                yield
            finally:
                self.clock_on = False
                self._stages.append(self.clock.stop())

    def stages_s(self, warmup: int) -> tuple[dict[str, float], float]:
        """Medians of the stages, and of their sums, without the runs that warmed up."""
        stages = self._stages[warmup:]
        names = dict.fromkeys(name for one in stages for name in one)
        medians = {name: Spread.of([one.get(name, 0.0) for one in stages]).median for name in names}
        return medians, Spread.of([sum(one.values()) for one in stages]).median


class _InferenceCase(_Case):
    def __init__(self, *args):
        super().__init__(*args)
        self._frame, self._found = 0, 0

    def run(self) -> None:
        samples = self.scene.samples(self._frame)
        self._frame += len(samples)
        with self.autocast():
            done = self.model.predict(self.inputs, samples)
        self._found = sum(len(sample.pred_instances) for sample in done)

    def facts(self) -> dict[str, Any]:
        return dict(people_found=self._found, people_points=self.planting.num_points)


class _TrainingCase(_Case):
    def __init__(self, *args):
        super().__init__(*args)
        self.optimizer = _optimizer(self.model)

    def run(self) -> None:
        self.optimizer.zero_grad()
        with self.autocast():
            losses = self.model.loss(self.inputs, self.scene.samples())
        total, _ = self.model.parse_losses(losses)
        with self._stage('backward'):
            self.optimizer.backward(total)
        with self._stage('optimizer'):
            self.optimizer.step()

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        if not self.clock_on:
            yield
            return
        with self.clock.stage(name):
            yield

    def facts(self) -> dict[str, Any]:
        return dict(people_points=self.planting.num_points)


# what any wrapper is told; its own options are of the precision that it computes in
_OF_EVERY_WRAPPER = ('optimizer', 'constructor', 'paramwise_cfg', 'clip_grad', 'accumulative_counts')


def _optimizer(model: DAS) -> OptimWrapper:
    """The config's optimizer and gradient clipping, in full precision and with a learning rate of 0."""
    cfg: Any = model.cfg
    given = dict(cfg.get('optim_wrapper') or dict(optimizer=dict(type='SGD', lr=0.0, momentum=0.9)))
    given = {name: given[name] for name in _OF_EVERY_WRAPPER if name in given}
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'das_mm'), quiet_logger():
        wrapper = build_optim_wrapper(model, dict(type='OptimWrapper', **copy.deepcopy(given)))
    for group in wrapper.param_groups:
        group['lr'] = 0.0
    return wrapper


def _prepare(model: DAS, channels_last: bool, compiled: bool, train: bool) -> DAS:
    if channels_last:
        model.to(memory_format=torch.channels_last)
    if compiled:
        head = model.head
        branches = [head.cls_branch, head.centerness_branch, head.offset_branch, head.depth_branch, head.pose_branch]
        parts = [model.backbone, head.cls_tower, head.reg_tower, head.pose_tower, *(one.prev for one in branches)]
        for part in parts + [model.neck] * model.with_neck:
            part.forward = torch.compile(part.forward)
    return model.train(train)
