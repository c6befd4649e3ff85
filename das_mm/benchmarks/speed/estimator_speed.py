"""How long an estimator takes for an image, or for a person where it reads crops of people, and what of that its
network alone takes.

Asked through :mod:`das_mm.models.estimator_protocol`, whatever the estimator is; :mod:`.model_speed` measures DAS,
whose parts are known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dataset import pseudo_collate

from das_mm.inference.person_record import person_record, told_of
from das_mm.inference.predictor import InputImage
from das_mm.inference.torch_predictor import TorchPredictor
from das_mm.models.estimator_protocol import input_view
from das_mm.structures import get_keypoint_set

from .memory import HOW, peak_bytes
from .timing import Spread, Timed, ratios, time_in_turn

_IMAGE_SHAPE = (720, 1280, 3)
_BOX_PX = (180, 420)  # width and height of a person in that image

#: what is timed, in the order of the work
PARTS = ('input', 'network', 'people')


def measure_estimator(
    estimator: Any,
    batches: Sequence[int],
    runs: int,
    warmup: int,
    seed: int = 0,
    on_round: Callable[[int, int], None] | None = None,
) -> list[dict[str, Any]]:
    """Times batches of images of noise of 1280x720 px, or of crops out of one.

    Args:
        estimator: In evaluation mode, with ``dataset_meta`` (:class:`.EstimatorProtocol`).
        batches: Images or crops that go through the network together, one row each.
        runs: Rounds that count. warmup: Rounds before them that do not.
        seed: Of the image and the places of the people.
        on_round: See :func:`time_in_turn`.

    Returns:
        A dict a batch: ``batch``; ``each_s``, seconds of an image or person, a :class:`Spread` each by the work clock:
        of ``input`` (from the image to the network's input), ``network`` (the forward pass alone, of normalised input),
        ``people`` (``test_step``: normalisation, network, and people in the original image) and ``whole`` (input and
        people); ``over_network``, the ratio of whole to network, round by round; ``latency_s`` of the whole batch on
        the wall; ``peak_memory_bytes``, ``memory_how``.
    """
    predictor = TorchPredictor(estimator)
    device = next(estimator.parameters()).device
    functions: dict[str, Timed] = {}
    for batch in batches:
        for part, run in _parts(predictor, estimator, batch, seed).items():
            functions[f'{batch} {part}'] = Timed(run)
    taken = time_in_turn(functions, runs, warmup, device, on_round)
    rows = []
    for batch in batches:
        work = {part: taken[f'{batch} {part}'].work_s for part in PARTS}
        wall = [sum(pair) for pair in zip(*(taken[f'{batch} {part}'].wall_s for part in ('input', 'people')))]
        work['whole'] = [a + b for a, b in zip(work['input'], work['people'])]
        rows.append(
            dict(
                batch=batch,
                each_s={part: Spread.of([one / batch for one in seconds]).as_dict() for part, seconds in work.items()},
                over_network=ratios(work['whole'], work['network']).as_dict(),
                latency_s=Spread.of(wall).as_dict(),
                peak_memory_bytes=peak_bytes(functions[f'{batch} people'].run, device),
                memory_how=HOW[device.type],
            )
        )
    return rows


def _parts(predictor: TorchPredictor, estimator: Any, batch: int, seed: int) -> dict[str, Callable[[], object]]:
    keypoint_set = get_keypoint_set(predictor.keypoint_set)
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, _IMAGE_SHAPE, np.uint8)
    image = InputImage(pixels, dict(K=None, dist=None, source='default_fov', detail=None), 'noise')
    corners = rng.uniform((0, 0), np.subtract(_IMAGE_SHAPE[1::-1], _BOX_PX), (batch, 2))
    boxes = np.concatenate([corners, corners + _BOX_PX], axis=1)

    def crops() -> list[dict[str, Any]]:
        records = (person_record(image, box, 1.0, row, keypoint_set) for row, box in enumerate(boxes))
        return [predictor.prepare_record(record, told_of(record, image)) for record in records]

    def images() -> list[dict[str, Any]]:
        return [predictor.prepare(image) for _ in range(batch)]

    prepare = crops if input_view(estimator) == 'person' else images
    prepared = pseudo_collate(prepare())
    inputs = estimator.data_preprocessor(dict(prepared), False)['inputs']

    @torch.no_grad()
    def network() -> object:
        return estimator(inputs, None, mode='tensor')

    return dict(input=prepare, network=network, people=lambda: predictor.forward(prepared))
