"""Poses in space for keypoints that were found before: who can be lifted, the lifting, and the file that tells it.

The file (format ``das_mm.lifted/1``) has ``model``, ``keypoint_set``, ``keypoint_names``, ``root`` and ``people``, each
with ``image``, ``frame``, ``score``; ``keypoints_px`` (K, 2) as they went into the network; ``keypoints_mm`` (K, 3) of
the likeliest pose, about the root, in the axes of the camera (x right, y down, z forward); ``log_prob`` of it; and
``samples``: ``keypoints_mm`` (S, K, 3) and ``log_prob`` (S,). Letters: n people, K keypoints.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from das_mm.engine import atomic_write
from das_mm.errors import UserError
from das_mm.structures import convert_keypoints, get_keypoint_set
from das_mm.structures.detected_keypoints import DetectedKeypoints

from .keypoint_files import PersonKeypoints
from .result_camera import rounded

FORMAT = 'das_mm.lifted/1'
_AT_ONCE = 256
_LIMB_ENDS = ('hip', 'knee', 'ankle', 'shoulder', 'elbow', 'wrist')
# of joints in the middle of the body that many detectors do not tell: a point on the line through two others, in parts
# of their distance from the first on
_GUESSES: dict[str, tuple[str, str, float]] = {
    'spine': ('pelvis', 'neck', 0.44),
    'jaw': ('pelvis', 'neck', 1.13),
    'head_h36m': ('pelvis', 'neck', 1.47),
}


class LifterProtocol(Protocol):
    """An estimator with ``input_view`` 'keypoints'."""

    dataset_meta: dict[str, Any]
    provenance: dict[str, Any]
    test_cfg: Mapping[str, Any]

    def input_tensor(self, places_px: np.ndarray) -> torch.Tensor:
        """Places (n, K, 2) px of its keypoint set to the network's input."""
        ...

    def predict(self, inputs: torch.Tensor, data_samples: list) -> list:
        """Samples with ``pred_instances``: ``keypoints_3d`` (1, K, 3) mm, ``sampled_keypoints_3d`` and ``log_prob``."""
        ...


@dataclass(frozen=True)
class LiftedFile:
    """What became of the people of a file.

    Attributes:
        content: As it is written.
        left_out: How many people, by reason.
        guessed: How many people lack a joint that could be guessed, by its name.
    """

    content: dict[str, Any]
    left_out: Counter[str] = field(default_factory=Counter)
    guessed: Counter[str] = field(default_factory=Counter)

    @property
    def people(self) -> list[dict[str, Any]]:
        """The lifted ones."""
        return self.content['people']


class Lifter:
    """Lifts people of any keypoint set.

    Args:
        estimator: In evaluation mode.
        num_samples: Random poses beside the likeliest.
        num_drawn: They are those that stand for so many (K-means); by default as many.
        seed: Of their chance.

    Raises:
        UserError: The model is no lifter.
    """

    def __init__(self, estimator: Any, num_samples: int = 0, num_drawn: int = 0, seed: int = 0) -> None:
        if getattr(estimator, 'input_view', 'image') != 'keypoints':
            raise UserError(
                f'a {type(estimator).__name__} reads images, not keypoints',
                file=(getattr(estimator, 'provenance', None) or {}).get('weights'),
                field='weights',
                remedy='give the weights of a lifter (ProSkeleton), or use das-mm infer',
            )
        self.estimator: LifterProtocol = estimator
        self.keypoint_set = get_keypoint_set(estimator.dataset_meta['keypoint_set'])
        options = dict(num_samples=num_samples, num_drawn=num_drawn, seed=seed)
        estimator.test_cfg = {**estimator.test_cfg, **options}

    def lift(self, people: Sequence[PersonKeypoints], file: str | Path | None = None) -> LiftedFile:
        """Lift the people of a file; who lacks a joint of arms or legs is left out and counted.

        Raises:
            UserError: Nobody can be lifted.
        """
        lifted = LiftedFile(self._head())
        told, places = [], []
        for person in people:
            place, guessed, reason = whole_skeleton(person.keypoints, self.keypoint_set.name)
            if reason is not None:
                lifted.left_out[reason] += 1
                continue
            lifted.guessed.update(guessed)
            told.append(person)
            places.append(place)
        if not told:
            raise UserError(
                f'none of its {len(people)} people can be lifted: {dict(lifted.left_out)}',
                file=file,
                field='keypoints',
                remedy=f'give people whose arms and legs are all seen; the lifter reads {self.keypoint_set.name}',
            )
        for start in range(0, len(told), _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            found = self._found(np.stack(places[rows]))
            for person, place, instances in zip(told[rows], places[rows], found):
                if not len(instances.keypoints_3d):
                    lifted.left_out['the network gives numbers that are not finite'] += 1
                    continue
                lifted.people.append(_words(person, place, instances))
        return lifted

    def _found(self, places: np.ndarray) -> list[Any]:
        from mmpose.structures import PoseDataSample

        device = next(self.estimator.parameters()).device  # type: ignore[attr-defined]
        inputs = self.estimator.input_tensor(places).to(device)
        return [s.pred_instances for s in self.estimator.predict(inputs, [PoseDataSample() for _ in places])]

    def _head(self) -> dict[str, Any]:
        return dict(
            format=FORMAT,
            model=dict(getattr(self.estimator, 'provenance', None) or {}),
            keypoint_set=self.keypoint_set.name,
            keypoint_names=list(self.keypoint_set.keypoints),
            root=self.keypoint_set.root,
            people=[],
        )


def whole_skeleton(found: DetectedKeypoints, keypoint_set: str) -> tuple[np.ndarray, list[str], str | None]:
    """Every keypoint of a set out of what a detector tells.

    Joints are carried over by name, pelvis and neck are the middles of hips and shoulders where they are not told, and
    what many detectors do not tell of the trunk and the head is put on the line through pelvis and neck.

    Returns:
        Places (K, 2) px; names of what was guessed; why the person cannot be lifted, or None.
    """
    target = get_keypoint_set(keypoint_set)
    places, known = convert_keypoints(
        found.places_px, found.known, found.keypoint_set, target, derive=('pelvis', 'mid_hip', 'neck')
    )
    places, known = np.array(places, np.float64), np.array(known, bool)
    guessed = []
    for name, (start, end, share) in _GUESSES.items():
        if name not in target.keypoints or known[target.index(name)]:
            continue
        a, b = target.index(start), target.index(end)
        if known[a] and known[b]:
            row = target.index(name)
            places[row], known[row] = places[a] + share * (places[b] - places[a]), True
            guessed.append(name)
    lacking = [name for name, seen in zip(target.keypoints, known) if not seen]
    if any(name.endswith(_LIMB_ENDS) for name in lacking):
        return places, guessed, 'a joint of arms or legs is not seen'
    return places, guessed, f'no {", ".join(lacking)}' if lacking else None


def _words(person: PersonKeypoints, places: np.ndarray, instances: Any) -> dict[str, Any]:
    density = np.isfinite(instances.log_prob[0])
    told: dict[str, Any] = dict(
        image=person.image,
        frame=person.frame,
        score=round(person.score, 5),
        keypoints_px=rounded(places),
        keypoints_mm=rounded(instances.keypoints_3d[0]),
        log_prob=rounded(instances.log_prob[0, 0]) if density[0] else None,
    )
    if len(instances.sampled_keypoints_3d[0]):
        told['samples'] = dict(
            keypoints_mm=rounded(instances.sampled_keypoints_3d[0]), log_prob=rounded(instances.log_prob[0, 1:])
        )
    return told


def write_lifted(path: str | Path, lifted: LiftedFile) -> None:
    """The file, whole or not at all."""
    atomic_write(path, json.dumps(lifted.content, allow_nan=False, ensure_ascii=False).encode())
