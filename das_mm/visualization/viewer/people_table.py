"""The people of all images of a page in a few arrays, one row a person and image.

Positions are whole millimetres and quarter pixels, which nobody sees, so that thousands of frames of a crowd are a few
megabytes and need not be parsed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from das_mm.structures.people import People
from das_mm.visualization.palette import css, limb_color, person_color

from .packing import pack, pack_rounded

_STEPS_PER_PX = 4
_UNKNOWN_SCORE = 255  # joint scores are told in 1/250


@dataclass
class Identities:
    """Labels and colours of the people of a page, each once."""

    words: list[dict[str, Any]] = field(default_factory=list)
    places: dict[tuple[str, str], int] = field(default_factory=dict)

    def place(self, label: str, identity: int) -> int:
        """Where a person's label and colours stand."""
        color = person_color(identity)
        key = (label, css(color))
        if key not in self.places:
            self.places[key] = len(self.words)
            sides = {side: css(limb_color(color, side)) for side in ('left', 'middle', 'right')}
            self.words.append(dict(label=label, color=css(color), sideColors=sides))
        return self.places[key]


class PeopleTable:
    """Gathers people image by image.

    Args:
        num_keypoints: K.
        identities: Shared by the tables of a page.
    """

    def __init__(self, num_keypoints: int, identities: Identities):
        self.num_keypoints, self.identities = num_keypoints, identities
        self.starts: list[int] = [0]
        self.places: list[int] = []
        self._columns: dict[str, list[np.ndarray]] = {
            name: [] for name in ('score', 'depth', 'cam', 'body', 'px', 'joint_score')
        }

    def add(self, people: People, body_keypoints_cam_mm: np.ndarray | None = None) -> None:
        """The people of the next image; ``body_keypoints_cam_mm``: (N, K, 3), see :class:`.Scene`."""
        num, k = len(people), self.num_keypoints
        shown = people.shown_cam if people.keypoints_cam_mm is not None else np.zeros((num, k), bool)
        blank = lambda *shape: np.full((num, *shape), np.nan)
        with_blanks = lambda values, known: (
            blank(k, values.shape[-1]) if not num else (np.where(known[..., None], values, np.nan))
        )
        given = dict(
            score=blank() if people.scores is None else people.scores,
            depth=blank() if people.root_depths_mm is None else people.root_depths_mm,
            cam=blank(k, 3) if people.keypoints_cam_mm is None else with_blanks(people.keypoints_cam_mm, shown),
            body=blank(k, 3) if body_keypoints_cam_mm is None else body_keypoints_cam_mm,
            px=blank(k, 2) if people.keypoints_px is None else with_blanks(people.keypoints_px, people.shown_px),
            joint_score=blank(k) if people.keypoint_scores is None else people.keypoint_scores,
        )
        shapes = dict(cam=(k, 3), body=(k, 3), px=(k, 2), joint_score=(k,))
        for name, values in given.items():
            self._columns[name].append(np.asarray(values, np.float32).reshape(num, *shapes.get(name, ())))
        self.places += [self.identities.place(_label(people, row), people.identities[row]) for row in range(num)]
        self.starts.append(len(self.places))

    def column(self, name: str) -> np.ndarray:
        """All rows of ``cam`` or ``body`` (M, K, 3), NaN where unknown."""
        return np.concatenate(self._columns[name])

    def drawn(self) -> np.ndarray:
        """(M, K, 3) mm of the skeletons that are drawn first: of the bodies where there are any."""
        body, cam = self.column('body'), self.column('cam')
        return np.where(np.isfinite(body).any((1, 2))[:, None, None], body, cam)

    def packed(self) -> dict[str, Any]:
        """As the page reads it."""
        joint_scores = self.column('joint_score')
        known = np.isfinite(joint_scores)
        body = self.column('body')
        return dict(
            starts=self.starts,
            identity=pack(np.array(self.places), 'u2'),
            score=pack(self.column('score'), 'f4'),
            depth=pack(self.column('depth'), 'f4'),
            cam=pack_rounded(self.column('cam')),
            body=pack_rounded(body) if np.isfinite(body).any() else None,
            px=pack_rounded(self.column('px') * _STEPS_PER_PX),
            jointScores=pack(np.where(known, np.round(250 * np.clip(joint_scores, 0, 1)), _UNKNOWN_SCORE), 'u1')
            if known.any()
            else None,
        )


def _label(people: People, row: int) -> str:
    """Identities over time are told as they are, '?' for none; rows of one image are counted from 1."""
    if people.track_ids is None:
        return str(row + 1)
    return '?' if people.identities[row] < 0 else str(people.identities[row])
