"""Dense against sparse: the head as the authors' released code evaluates it, and ours; same weights, same input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from das_mm.models.heads import DASHead
from das_mm.models.heads.das_head import PointOutputs
from das_mm.models.pose_estimators import DAS

from .costs import compare_costs, convolution_macs, head_costs
from .dense_reference import DenseYardstick, largest_difference
from .memory import HOW, peak_bytes
from .scenes import Planting, Scene, make_scene
from .stages import StageClock, clocked
from .subject import level_shapes, random_input
from .timing import Spread, Taken, Timed, ratios, time_in_turn

# Results are pixels, mm and percent; the way of summing alone makes about 1e-4 of them
_PREDICTION_TOLERANCE, _LOSS_TOLERANCE, _GRADIENT_TOLERANCE = 0.02, 1e-4, 2e-3
_CANDIDATES, _REPEATS = 1000, 20


@dataclass(frozen=True)
class DenseSetting:
    """What is measured, and how often.

    Attributes:
        size: (width, height) of the network input.
        people: Scenes with so many people each.
        crowd: People who are compared with one person on the same level.
        strides: Levels that hold people (None: :func:`make_scene`'s).
        runs, warmup: Rounds of inference.
        train_runs: Rounds of training steps (0: none), after one that warms up.
    """

    size: tuple[int, int]
    people: tuple[int, ...] = (1, 5, 20)
    crowd: int = 50
    strides: tuple[int, ...] | None = None
    runs: int = 7
    warmup: int = 1
    train_runs: int = 3
    seed: int = 0


@dataclass
class Row:
    """One ratio with its goal.

    Attributes:
        what: Whose ratio to what.
        scene: On which people.
        ratio: Its spread over the rounds.
        goal: The number it is held against.
        at_most: Whether the goal is an upper bound.
        numerator, denominator: Medians, seconds or bytes.
        bound: For a missed goal: what bounds the ratio, counted.
    """

    what: str
    scene: str
    ratio: Spread
    goal: float
    at_most: bool
    numerator: float
    denominator: float
    unit: str = 's'
    bound: str = ''
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        return self.ratio.median <= self.goal if self.at_most else self.ratio.median >= self.goal

    def explain(self, bound: str) -> None:
        """Says what bounds the ratio, if the goal is missed."""
        self.bound = '' if self.met else bound

    def as_dict(self) -> dict[str, Any]:
        return dict(asdict(self), met=self.met)


class DenseBench:
    """Measures one model.

    Args:
        model: In evaluation mode; it is left so.
        setting: What to measure.
        say: Told what begins.
    """

    def __init__(self, model: DAS, setting: DenseSetting, say: Callable[[str], None] = lambda words: None):
        self.model, self.head, self.setting, self.say = model, model.head, setting, say
        self.device = next(model.parameters()).device
        self.shapes = level_shapes(model, setting.size)
        self.yardstick = DenseYardstick(self.head, model.test_cfg)
        self.image = random_input(model, 1, setting.size, setting.seed)
        generator = torch.Generator().manual_seed(setting.seed)
        channels = self.head.cls_tower.convs[0].in_channels
        self.feats = [torch.randn(1, channels, *shape, generator=generator).to(self.device) for shape in self.shapes]
        self.checks: list[dict[str, Any]] = []
        self.stages: list[dict[str, Any]] = []
        self._forward_s = 0.0

    def measure(self) -> list[Row]:
        """All ratios, each after the results of both ways were found equal.

        Raises:
            RuntimeError: They are not.
        """
        rows = []
        for count in self.setting.people:
            rows.append(self._inference(count))
        if self.setting.train_runs:
            for count in self.setting.people:
                rows += self._training(count)
        rows += self._whole_model(max(self.setting.people))
        for count in self.setting.people:
            rows += self._suppression(count)
        rows += self._crowd()
        return rows

    # ---------------------------------------------------------------- head

    def _scene(self, count: int, strides: Sequence[int] | None = None) -> tuple[Scene, Planting, str]:
        scene = make_scene(self.head, count, self.setting.size, strides or self.setting.strides, seed=self.setting.seed)
        words = f'{count} {"person" if count == 1 else "people"} on stride{"s" * (len(scene.strides) > 1)} '
        return scene, Planting(self.head, scene, self.shapes), words + ', '.join(map(str, scene.strides))

    def _inference(self, count: int) -> Row:
        scene, planting, words = self._scene(count)
        self.say(f'head, {words}: sparse against dense')
        sparse = lambda: self._predict(scene)
        dense = lambda: self.yardstick.predict(self.feats, scene.samples())
        found = {}
        with planting:
            for name, run in (('sparse', sparse), ('dense', dense)):
                stages_s, found[name] = self._stages_of(run)
                self.stages.append(dict(scene=words, way=name, stages_s=stages_s))
        people = found['sparse'][0]
        self._check(
            'predictions',
            words,
            largest_difference(people, found['dense'][0]),
            _PREDICTION_TOLERANCE,
            people_found=len(people),
        )
        taken = self._in_turn(dict(sparse=sparse, dense=dense), planting)
        row = self._row(
            'head, sparse / dense: time',
            words,
            taken['sparse'],
            taken['dense'],
            0.35 if self.device.type == 'cuda' else 0.5,
        )
        return self._bounded_by_maps(row, scene, train=False)

    @torch.no_grad()
    def _predict(self, scene: Scene) -> list:
        return self.head.predict(self.feats, scene.samples(), self.model.test_cfg)

    def _stages_of(self, run: Callable[[], Any]) -> tuple[dict[str, float], Any]:
        """Seconds of every stage of a run, and what it returned."""
        clock = StageClock(self.device)
        clock.start()
        with clocked(self.model, clock, (self.yardstick, 'loop', 'NMS')):
            result = run()
        return clock.stop(), result

    def _training(self, count: int) -> list[Row]:
        scene, planting, words = self._scene(count)
        self.say(f'training step of the head, {words}')
        head = self.head.train()
        feats = [feat.clone().requires_grad_() for feat in self.feats]
        steps = {
            name: (lambda loss=loss: self._step(loss, feats, scene))
            for name, loss in (('sparse', head.loss), ('dense', self.yardstick.loss))
        }
        try:
            with planting:
                peak, losses, gradients = {}, [], []
                for name, step in steps.items():
                    self._forget_gradients(feats)
                    peak[name] = peak_bytes(lambda step=step: losses.append(step()), self.device)
                    gradients.append(self._gradients(feats))
                self._check('losses', words, _relative(*losses), _LOSS_TOLERANCE)
                self._check('gradients', words, _relative(*gradients), _GRADIENT_TOLERANCE)
                del gradients
            taken = self._in_turn(steps, planting, self.setting.train_runs, 0)
        finally:
            self._forget_gradients(feats)
            self.head.eval()
        time_row = self._row('head, training step, sparse / dense: time', words, taken['sparse'], taken['dense'], 0.5)
        memory_row = Row(
            'head, training step, sparse / dense: peak memory',
            words,
            ratios([peak['sparse']], [peak['dense']]),
            0.4,
            True,
            peak['sparse'],
            peak['dense'],
            'bytes',
            details=dict(how=HOW[self.device.type]),
        )
        return [self._bounded_by_maps(row, scene, train=True) for row in (time_row, memory_row)]

    def _step(self, loss: Callable, feats: list[Tensor], scene: Scene) -> dict[str, Tensor]:
        self._forget_gradients(feats)
        losses = loss(feats, scene.samples())
        sum(value for name, value in losses.items() if 'loss' in name).backward()
        return {name: value.detach() for name, value in losses.items()}

    def _forget_gradients(self, feats: Sequence[Tensor]) -> None:
        for tensor in (*self.head.parameters(), *feats):
            tensor.grad = None

    def _gradients(self, feats: Sequence[Tensor]) -> dict[str, Tensor]:
        """Copies; a parameter that nothing asked for has the gradient 0."""
        named = {**dict(self.head.named_parameters()), **{f'level {index}': feat for index, feat in enumerate(feats)}}
        return {
            name: torch.zeros_like(one) if one.grad is None else one.grad.clone()
            for name, one in named.items()
            if one.requires_grad
        }

    # ---------------------------------------------------------------- whole model

    def _whole_model(self, count: int) -> list[Row]:
        scene, planting, words = self._scene(count)
        self.say(f'whole model, {words}')
        used = [self.head.strides.index(stride) for stride in scene.strides]
        levels = range(len(self.shapes))
        ways = dict(
            whole=lambda: self.model.predict(self.image, scene.samples()),
            same=lambda: self._convolutions(levels, used, with_outputs=True),
            all=lambda: self._convolutions(levels, levels, with_outputs=False),
        )
        taken = self._in_turn(ways, planting)
        same = self._row(
            'whole model / its backbone, neck, towers and outputs: time', words, taken['whole'], taken['same'], 1.1
        )
        everywhere = self._row(
            'whole model / backbone, neck, bare towers at every level: time', words, taken['whole'], taken['all'], 1.1
        )
        self._forward_s = Spread.of(taken['whole'].work_s).median
        with planting:
            macs = {name: convolution_macs(self.model, run) for name, run in ways.items()}
        for row, plain in ((same, 'same'), (everywhere, 'all')):
            row.details['counted_ratio'] = macs['whole'] / macs[plain]
            row.explain(
                f'convolutions alone are {macs["whole"] / 1e9:.1f} to {macs[plain] / 1e9:.1f} G multiply-adds, '
                f'{macs["whole"] / macs[plain]:.2f}'
            )
        return [same, everywhere]

    @torch.no_grad()
    def _convolutions(self, cls_levels: Sequence[int], reg_levels: Sequence[int], with_outputs: bool) -> None:
        """The plain network: no recursion, decoding or suppression (``with_outputs``: the outputs' convolutions too)."""
        head = self.head
        feats = self.model.extract_feat(self.image)
        for level in cls_levels:
            cls = head.cls_tower(feats[level])
            if with_outputs:
                head.cls_branch(cls)
        for level in reg_levels:
            reg, pose = head.reg_tower(feats[level]), head.pose_tower(feats[level])
            if with_outputs:
                for branch in (head.centerness_branch, head.offset_branch, head.depth_branch, head.pose_branch):
                    branch(reg if branch is not head.pose_branch else pose)

    def _crowd(self) -> list[Row]:
        """Many people against one, on one level."""
        strides = make_scene(self.head, 1, self.setting.size, self.setting.strides).strides
        count = self.setting.crowd
        (many, many_there, words), (one, one_there, _) = (self._scene(people, strides) for people in (count, 1))
        rows = []
        for what, run in (
            ('head', self._predict),
            ('whole model', lambda scene: self.model.predict(self.image, scene.samples())),
        ):
            self.say(f'{what}, {words} against one')
            taken = time_in_turn(
                dict(
                    many=Timed(lambda run=run: run(many), lambda: many_there),
                    one=Timed(lambda run=run: run(one), lambda: one_there),
                ),
                self.setting.runs,
                self.setting.warmup,
                self.device,
            )
            row = self._row(f'{what}, {count} people / 1 person: time', words, taken['many'], taken['one'], 1.1)
            least, _ = compare_costs(self.head, self.shapes, strides)
            height, width = self.shapes[self.head.strides.index(strides[0])]
            points = head_costs(self.head)['points'] * (height * width)
            row.explain(
                f'{many_there.num_points} points against {one_there.num_points}; if the recursion reads every '
                f'pixel, its 1x1 convolutions add {points.macs / 1e9:.2g} to the {least.macs / 1e9:.3g} G '
                'multiply-adds of the head'
            )
            rows.append(row)
        return rows

    # ---------------------------------------------------------------- decoding and suppression

    def _suppression(self, count: int) -> list[Row]:
        """Of 1000 candidates who are ``count`` people."""
        outputs, scores = make_candidates(self.head, count, self.setting.size, self.device, self.setting.seed)
        words = f'{_CANDIDATES} candidates of {count} {"person" if count == 1 else "people"}'
        self.say(f'decode + NMS, {words}')
        ours = lambda: self.head.predict_by_feat(outputs, scores, 1, self.device)
        loop = lambda: self.yardstick.loop(outputs, scores)
        people = ours()[0]
        self._check(
            'decode + NMS', words, largest_difference(people, loop()), _PREDICTION_TOLERANCE, people_found=len(people)
        )
        # a millisecond is too short for the clock; the loop goes through its thousand rounds anyway
        functions = dict(ours=Timed(lambda: [ours() for _ in range(_REPEATS)]), loop=Timed(loop))
        taken = time_in_turn(functions, 3 * self.setting.runs, self.setting.warmup, self.device)
        taken['ours'] = taken['ours'].divided_by(_REPEATS)
        faster = self._row(
            'decode + NMS, loop over dicts / tensors: time', words, taken['loop'], taken['ours'], 50, at_most=False
        )
        work_s, joints = taken['ours'].work_s, self.head.num_keypoints
        ours_s, steps, values = Spread.of(work_s).median, len(people), _CANDIDATES * joints
        share = Row(
            'decode + NMS / forward pass: time',
            words,
            Spread.of([one / self._forward_s for one in work_s]),
            0.05,
            True,
            ours_s,
            self._forward_s,
        )
        for row in (faster, share):
            row.explain(
                f'{steps} steps of {ours_s / steps * 1e6:.0f} us, each over at most {_CANDIDATES} poses of '
                f'{joints} joints: {8 * values / 1e6:.2f} MB read, {7 * values / 1e6:.2f} M operations and '
                f'{values / 1e3:.0f} thousand exponentials at most'
            )
        return [faster, share]

    # ---------------------------------------------------------------- shared

    def _in_turn(
        self, ways: dict[str, Callable], planting: Planting, runs: int | None = None, warmup: int | None = None
    ) -> dict[str, Taken]:
        functions = {name: Timed(run, lambda: planting) for name, run in ways.items()}
        return time_in_turn(
            functions,
            self.setting.runs if runs is None else runs,
            self.setting.warmup if warmup is None else warmup,
            self.device,
        )

    @staticmethod
    def _row(what: str, scene: str, numerator: Taken, denominator: Taken, goal: float, at_most: bool = True) -> Row:
        return Row(
            what,
            scene,
            ratios(numerator.work_s, denominator.work_s),
            goal,
            at_most,
            Spread.of(numerator.work_s).median,
            Spread.of(denominator.work_s).median,
            details=dict(wall_ratio=ratios(numerator.wall_s, denominator.wall_s).as_dict()),
        )

    def _check(self, what: str, scene: str, difference: float, tolerance: float, **facts: Any) -> None:
        if not difference <= tolerance:
            raise RuntimeError(f'{what}, {scene}: sparse and dense differ by {difference:.3g}, more than {tolerance:g}')
        self.checks.append(dict(what=what, scene=scene, difference=difference, tolerance=tolerance, **facts))

    def _bounded_by_maps(self, row: Row, scene: Scene, train: bool) -> Row:
        sparse, dense = compare_costs(self.head, self.shapes, scene.strides, train=train)
        memory = row.unit == 'bytes'
        ours, theirs = (sparse.kept_bytes, dense.kept_bytes) if memory else (sparse.macs, dense.macs)
        unit = 'GB of maps kept for the backward pass' if memory else 'G multiply-adds forward'
        row.details['counted_ratio'] = ours / theirs
        row.explain(
            f'whole maps that group norm demands: {ours / 1e9:.3g} of {theirs / 1e9:.3g} {unit}, {ours / theirs:.2f}'
        )
        return row


def make_candidates(
    head: DASHead, count: int, size: tuple[int, int], device: torch.device, seed: int = 0
) -> tuple[PointOutputs, Tensor]:
    """1000 candidates of one image, in equal shares near ``count`` people, with scores in random order."""
    generator = torch.Generator().manual_seed(seed)
    labels = make_scene(head, count, size, seed=seed).labels[0]
    person = torch.arange(_CANDIDATES) % count
    stride = torch.full((_CANDIDATES,), float(head.strides[0]))
    points = labels.root_px[person] + stride[:, None] * torch.randn(_CANDIDATES, 2, generator=generator)
    pose = torch.zeros(_CANDIDATES, head.num_keypoints, head.dims)
    pose[..., :2] = (labels.keypoints[person] - points[:, None]) / stride[:, None, None]
    pose = pose + 0.05 * torch.randn(pose.shape, generator=generator)
    tasks = {name: torch.zeros(_CANDIDATES, branch.out_channels) for name, branch in head.branches.items()}
    outputs = PointOutputs(
        centerness=torch.zeros(_CANDIDATES),
        root=torch.ones(_CANDIDATES, 3),
        pose=[pose],
        sigma=None,
        points_px=points,
        strides=stride,
        image=torch.zeros(_CANDIDATES, dtype=torch.long),
        tasks=tasks,
    )
    scores = 0.1 + 0.8 * torch.rand(_CANDIDATES, generator=generator)
    for name, values in vars(outputs).items():
        if isinstance(values, Tensor):
            setattr(outputs, name, values.to(device))
    outputs.pose = [one.to(device) for one in outputs.pose]
    outputs.tasks = {name: one.to(device) for name, one in outputs.tasks.items()}
    return outputs, scores.to(device)


def _relative(first: dict[str, Tensor], second: dict[str, Tensor]) -> float:
    """Largest difference of tensors of one name, in units of the largest number of that name.

    Some are zero but for rounding (gradients of biases before a norm): a unit is at least a thousandth of the largest
    number of all.
    """
    largest = {name: max(float(one.abs().max()), float(second[name].abs().max())) for name, one in first.items()}
    least_unit = 1e-3 * max(largest.values())
    return max(
        float((one - second[name]).abs().max()) / max(largest[name], least_unit, 1e-12) for name, one in first.items()
    )
