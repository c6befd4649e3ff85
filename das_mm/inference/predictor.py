"""What a run of inference asks of whatever finds people in images: a network of torch, an ONNX graph, a user's own.

A predictor is handed to :class:`~das_mm.inference.inferencer.Inferencer`; it knows nothing of inputs, files and
pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from das_mm.bodies.posable_body import PosableBody
from das_mm.errors import UserError
from das_mm.structures.people import People
from das_mm.structures.task_fields import TaskDescription


@dataclass(frozen=True)
class InputImage:
    """One image for a predictor.

    Attributes:
        pixels: (H, W, 3) uint8 BGR, upright.
        camera: ``K`` (3, 3) or None where nobody knows it, ``dist`` (5,) or None, ``source``, ``detail``.
        name: Of the image, or of the video that it is a frame of.
        file: Path; None for an array or a webcam.
        frame: Number in its video, from 0; None for an image.
        time_s: In its video.
    """

    pixels: np.ndarray
    camera: Mapping[str, Any]
    name: str
    file: str | None = None
    frame: int | None = None
    time_s: float | None = None


@dataclass(frozen=True)
class Prediction:
    """The people of one image.

    Attributes:
        people: Pixels of the original image, mm of its camera. Beside scores, boxes, roots, keypoints and their scores
            (and ``keypoints_sigma`` where it was asked for) ``data`` holds ``root_depths_norm`` (n,) mm per px of focal
            length, ``relative_depths_mm`` (n, K), and the fields of the tasks.
        camera: As given, with the ``K`` that was used.
        sample: What else the predictor has of it, such as a data sample of mmpose.
    """

    people: People
    camera: Mapping[str, Any]
    sample: Any = None

    def with_people(self, people: People) -> Prediction:
        """The same of other people."""
        return replace(self, people=people)


class Predictor(Protocol):
    """Finds people in images.

    Attributes:
        keypoint_set: Name of the set of its keypoints.
        tasks: What it does, by name, and what each task tells of people.
        body: Of a task that tells bodies, else None.
        uses_sigma: It can tell scales of its errors.
        score_thr: People of a lower score are left out unless a call says otherwise.
        max_frame_gap: Of a predictor that remembers the frame before, wants the frames of a video in order, and gives
            ``track_ids``: frames that may be missing within a video. None: it sees each image alone.
        provenance: ``config``, ``weights``, ``weights_sha256`` and ``das_mm``, for results.
    """

    keypoint_set: str
    tasks: Mapping[str, TaskDescription]
    max_frame_gap: int | None
    provenance: Mapping[str, Any]

    @property
    def body(self) -> PosableBody | None: ...

    @property
    def uses_sigma(self) -> bool: ...

    @property
    def score_thr(self) -> float: ...

    def prepare(self, image: InputImage) -> Any:
        """The network's input, whatever that is."""

    def predict(
        self, prepared: Sequence[Any], score_thr: float | None = None, with_sigma: bool | None = None
    ) -> list[Prediction]:
        """The people of a batch; what is found in an image does not depend on its neighbours.

        Args:
            prepared: What :meth:`prepare` gave, in order.
            score_thr: In place of :attr:`score_thr`.
            with_sigma: Give scales of the errors; None: where the predictor can.
        """
        ...

    def forget(self) -> None:
        """Another video begins."""


def check_task(tasks: Mapping[str, TaskDescription], task: str) -> None:
    """What a user wants a predictor for.

    Raises:
        UserError: It does not do that.
    """
    if task not in tasks:
        raise UserError(
            f'this model does not do that; it does: {", ".join(tasks)}',
            field='task',
            remedy='leave --task out, or give the checkpoint of a model for it',
        )
