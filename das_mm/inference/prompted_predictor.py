"""A predictor that tells the people whom a user asks for, however unsure of them it is, and nobody else."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from das_mm.bodies.posable_body import PosableBody
from das_mm.errors import UserError
from das_mm.structures.task_fields import TaskDescription

from .predictor import InputImage, Prediction, Predictor
from .prompts import Prompts, chosen_rows

#: from which score on candidates are decoded: far below every threshold, so that who is asked for is among them
CANDIDATE_SCORE = 1e-3


@dataclass(frozen=True)
class PreparedImage:
    """An image as the predictor wants it, and as the prompts do."""

    name: str
    for_predictor: Any
    for_prompts: Any


class PromptedPredictor:
    """See :class:`.Predictor`.

    Candidates are decoded from a score of nearly nothing on and doubles suppressed as ever; the best one for every
    prompt is told, with the score that the network gives it.

    Args:
        predictor: Finds people in whole images.
        prompts: Whom a user asks for.

    Raises:
        UserError: The predictor follows people itself: its memory would fill with candidates.
    """

    max_frame_gap: int | None = None
    #: who is asked for is told whatever the score
    score_thr = 0.0

    def __init__(self, predictor: Predictor, prompts: Prompts):
        if predictor.max_frame_gap is not None:
            raise UserError(
                'a model that follows people itself takes no prompts',
                field='boxes',
                remedy='leave --boxes and --points out, or use a model without tracking (and --track)',
            )
        self._predictor, self._prompts = predictor, prompts
        self.keypoint_set = predictor.keypoint_set
        self.tasks: Mapping[str, TaskDescription] = predictor.tasks
        self.provenance: Mapping[str, Any] = dict(predictor.provenance, boxes=prompts.words)

    @property
    def body(self) -> PosableBody | None:
        return self._predictor.body

    @property
    def uses_sigma(self) -> bool:
        return self._predictor.uses_sigma

    def forget(self) -> None:
        self._predictor.forget()
        self._prompts.forget()

    def prepare(self, image: InputImage) -> PreparedImage:
        name = image.name if image.frame is None else f'{image.name}, frame {image.frame}'
        return PreparedImage(name, self._predictor.prepare(image), self._prompts.prepare(image))

    def predict(
        self, prepared: Sequence[PreparedImage], score_thr: float | None = None, with_sigma: bool | None = None
    ) -> list[Prediction]:
        found = self._predictor.predict([one.for_predictor for one in prepared], CANDIDATE_SCORE, with_sigma)
        fits = self._prompts.fits([one.for_prompts for one in prepared], [one.people for one in found])
        chosen = []
        for one, prediction, fit in zip(prepared, found, fits):
            rows = chosen_rows(fit, np.asarray(prediction.people.scores, np.float64).reshape(-1))
            if missed := int((rows < 0).sum()):
                logging.getLogger('das_mm').warning(
                    f'{one.name}: nobody is seen where {missed} of {len(rows)} people are asked for'
                )
            chosen.append(_of_rows(prediction, rows[rows >= 0], score_thr or 0.0))
        return chosen


def _of_rows(prediction: Prediction, rows: np.ndarray, score_thr: float) -> Prediction:
    """Some people of a prediction, best first."""
    scores = np.asarray(prediction.people.scores, np.float64).reshape(-1)[rows]
    order = np.argsort(-scores, kind='stable')
    rows = rows[order[scores[order] >= score_thr]]
    if prediction.sample is not None:
        prediction.sample.pred_instances = prediction.sample.pred_instances[rows]
    return prediction.with_people(prediction.people.select(rows))
