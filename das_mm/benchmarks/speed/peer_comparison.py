"""A model of ours beside what a user would pick instead: mmpose's RTMO, both whole, on the same input and people.

What they do does not depend on their weights but for the number of people, so that is planted into both: RTMO's head is
confident at as many points as there are people (:class:`PlantedRTMO`), ours as :class:`.Planting` says. RTMO gives 17
keypoints in 2D; ours what its tasks are, in 3D.

Both are run in float32, and ours in bfloat16 too where the processor multiplies in it, as `das-mm infer` runs it there.
mmpose's RTMO cannot be: its results do not leave torch in that type.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from mmengine.hub import get_config
from mmengine.registry import DefaultScope
from mmpose.models import build_pose_estimator
from mmpose.structures import PoseDataSample
from torch import Tensor, nn

from das_mm.engine.precision import resolve_precision, to_channels_last
from das_mm.errors import UserError
from das_mm.models.pose_estimators import DAS

from .model_speed import Setting
from .planting import Planting
from .scenes import make_scene
from .subject import level_shapes, random_input
from .timing import Spread, Timed, ratios, time_in_turn

#: name -> config of mmpose
PEERS = {
    name: f'mmpose::body_2d_keypoint/rtmo/coco/{name}_{batch}-600e_coco-640x640.py'
    for name, batch in (('rtmo-s', '8xb32'), ('rtmo-m', '16xb16'), ('rtmo-l', '16xb16'))
}
_NOBODY_LOGIT, _PERSON_LOGIT = -8.0, 3.0


def make_peer(name: str, device: torch.device, seed: int = 0) -> nn.Module:
    """RTMO with random weights, in evaluation mode.

    Raises:
        UserError: No such peer, or this mmpose does not have it.
    """
    if name not in PEERS:
        raise UserError(f'{name!r} is no peer', field='--peer', remedy=f'use one of: {", ".join(PEERS)}')
    try:
        cfg = get_config(PEERS[name])
    except Exception as error:  # mmengine's loader raises whatever it meets
        raise UserError(
            f'this mmpose has no {name} ({error})', field='--peer', remedy='install mmpose 1.3 or later'
        ) from error
    torch.manual_seed(seed)
    with DefaultScope.overwrite_default_scope('mmpose'):
        return build_pose_estimator(cfg.model).to(device).eval()


class PlantedRTMO(AbstractContextManager):
    """While entered, RTMO's head is confident at ``people`` points, spread evenly over its maps.

    Args:
        model: RTMO.
        people: In every image.
    """

    def __init__(self, model: Any, people: int):
        self.network: Any = model.head.head_module
        self.people = people

    def __enter__(self) -> PlantedRTMO:
        self._forward: Callable = self.network.forward
        self.network.forward = self._planted
        return self

    def __exit__(self, *error: object) -> None:
        del self.network.forward  # the class's is seen again

    def _planted(self, feats: tuple[Tensor, ...]) -> tuple:
        scores, boxes, *rest = self._forward(feats)
        # boxes of one size, a point apart: none suppresses another
        boxes = [0.1 * box for box in boxes]
        sizes = [score[0].numel() for score in scores]
        chosen = torch.linspace(0, sum(sizes) - 1, self.people + 2)[1:-1].round().long()
        flat = torch.full((sum(sizes),), _NOBODY_LOGIT)
        flat[chosen] = _PERSON_LOGIT
        planted = [
            0.1 * score + part.view(1, *score.shape[1:]).to(score) for score, part in zip(scores, flat.split(sizes))
        ]
        return planted, boxes, *rest


def compare_with_peer(
    model: DAS, name: str, people: list[int], setting: Setting, on_round: Callable[[int, int], None] | None = None
) -> list[dict[str, Any]]:
    """Times of the whole models, from the normalised image to the people, in turn.

    Args:
        model: Ours, in evaluation mode.
        name: Of :data:`PEERS`.
        people: Numbers of people; a row each.
        setting: How often, and at what size.
        on_round: See :func:`.time_in_turn`.

    Returns:
        A dict a row: ``people``; ``ours_s`` and ``peer_s``, the medians; ``ratio``, a :class:`Spread` of ours over the
        peer's round by round, both in float32; ``ratio_as_run``, the same of ours in the precision that inference
        chooses; ``people_found`` of both; ``parameters`` of both.
    """
    device = next(model.parameters()).device
    peer: Any = make_peer(name, device, setting.seed)
    inputs, shapes = random_input(model, 1, setting.size, setting.seed), level_shapes(model, setting.size)
    sample = _sample(setting.size)
    as_run = resolve_precision('auto') if device.type == 'cpu' else 'fp32'
    ours = {'fp32': model}
    if as_run == 'bf16':
        ours['bf16'] = copy.deepcopy(model)
        to_channels_last(ours['bf16'])
    rows = []
    for count in people:
        scene = make_scene(model.head, count, setting.size, setting.strides, 1, setting.seed)
        found: dict[str, int] = {}
        planted = PlantedRTMO(peer, count)

        def run_peer(found=found) -> None:
            with torch.no_grad():
                found['peer'] = len(peer.predict(inputs[:, :3], [sample.clone()])[0].pred_instances)

        functions = dict(peer=Timed(run_peer, lambda planted=planted: planted))
        for precision, own in ours.items():

            def run_ours(own=own, half=precision == 'bf16', scene=scene, found=found) -> None:
                with torch.autocast(device.type, torch.bfloat16, enabled=half):
                    found['ours'] = len(own.predict(inputs, scene.samples())[0].pred_instances)

            planting = Planting(own.head, scene, shapes)
            functions[precision] = Timed(run_ours, lambda planting=planting: planting)
        taken = time_in_turn(functions, setting.runs, setting.warmup, device, on_round)
        rows.append(
            dict(
                people=count,
                ours_s=Spread.of(taken['fp32'].work_s).median,
                peer_s=Spread.of(taken['peer'].work_s).median,
                ratio=ratios(taken['fp32'].work_s, taken['peer'].work_s).as_dict(),
                ratio_as_run=ratios(taken[as_run].work_s, taken['peer'].work_s).as_dict(),
                people_found=found,
                parameters=dict(ours=_parameters(model), peer=_parameters(peer)),
            )
        )
    return rows


def _sample(size: tuple[int, int]) -> PoseDataSample:
    side = np.array(size, dtype=np.float64)
    return PoseDataSample(
        metainfo=dict(
            input_size=size, input_center=side / 2, input_scale=side, img_shape=size[::-1], ori_shape=size[::-1]
        )
    )


def _parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())
