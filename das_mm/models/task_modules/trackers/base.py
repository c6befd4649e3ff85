"""What all trackers share: births, deaths, patience, and the memory of who was where."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from das_mm.errors import UserError
from das_mm.structures.people import People

from .tracked_people import people_arrays, people_of_arrays, tracked_people, usable_people


@dataclass
class Track:
    """One living identity.

    Attributes:
        identity: Its number.
        person: How the person was last seen, one row of :func:`.tracked_people`.
        missed: Frames since then in which the person was not found.
        time_s: When the person was last seen; None where times are not given.
    """

    identity: int
    person: People
    missed: int = 0
    time_s: float | None = None


class GreedyMatchingTracker(ABC):
    """Base of the trackers: a subclass says what it costs to pair a person with an identity, and in which order pairs
    are made.

    A person who is paired with nobody starts a new identity if the score is at least ``birth_score``, else has none
    (-1). An identity that is not found waits where it was last seen for ``patience`` frames; who comes back by then is
    the same person, later a new one. Numbers count from 0 and are never used again before :meth:`reset`.

    People with a root, box, score or displacement that is not finite get -1, take part in nothing and are counted in
    ``num_ignored``.

    Args:
        birth_score: Least score of a new identity.
        patience: Frames that an identity may be missed without end. 0: it must be found in every frame.
        shown_missed: Frames that an identity may be missed and still be in the centre map that the network is shown.
            None: as long as it lives. 0: only who was just seen (CenterTrack's way).
    """

    def __init__(self, birth_score: float = 0.3, patience: int = 5, shown_missed: int | None = None):
        if patience < 0:
            raise UserError(f'{patience} frames are no patience', field='patience', remedy='give 0 or more')
        if shown_missed is not None and shown_missed < 0:
            raise UserError(f'{shown_missed} frames cannot be missed', field='shown_missed', remedy='give 0 or more')
        self.birth_score, self.patience, self.shown_missed = birth_score, patience, shown_missed
        self.reset()

    def reset(self) -> None:
        """Before a new video: all is forgotten, and numbers begin at 0 again."""
        self.tracks: list[Track] = []  # by number
        self.num_ignored = 0
        self._next_identity = 0

    def cut(self) -> None:
        """At a cut of the video: all identities end; numbers go on."""
        self.tracks = []

    @abstractmethod
    def match(self, people: People, tracks: Sequence[Track], time_s: float | None) -> np.ndarray:
        """(n,) which track each of n people (:func:`.tracked_people`) continues, -1 for none; one-to-one.

        There is at least one of each.
        """

    def update(self, people: People, time_s: float | None = None) -> np.ndarray:
        """The next frame.

        Args:
            people: n people, perhaps none, with the fields of :mod:`.tracked_people`.
            time_s: Time of the frame; None, or anything that is not finite, where it is not known.

        Returns:
            (n,) int64 identities, -1 for people without one.

        Raises:
            UserError: A field is missing that the tracker needs.
        """
        time_s = float(time_s) if time_s is not None and np.isfinite(time_s) else None
        people = tracked_people(people)
        identities = np.full(len(people), -1, dtype=np.int64)
        rows = np.flatnonzero(usable_people(people))
        self.num_ignored += len(people) - len(rows)
        usable = people.select(rows)
        pairs = self.match(usable, self.tracks, time_s) if len(rows) and self.tracks else np.full(len(rows), -1)
        for track in self.tracks:
            track.missed += 1
        for row, pair in zip(rows, pairs):
            if pair >= 0:
                track = self.tracks[pair]
                track.person, track.missed, track.time_s = people.select([row]), 0, time_s
                identities[row] = track.identity
        self.tracks = [track for track in self.tracks if track.missed <= self.patience]
        newborn = rows[(pairs < 0) & (usable.scores >= self.birth_score)]
        for row in newborn[np.argsort(-people.scores[newborn], kind='stable')]:  # the surest person is the first
            self.tracks.append(Track(self._next_identity, people.select([row]), time_s=time_s))
            identities[row] = self._next_identity
            self._next_identity += 1
        return identities

    def state(self) -> dict[str, np.ndarray]:
        """All that is remembered, as arrays that nothing changes any more; :meth:`restore` goes on from there."""
        tracks = self.tracks
        return dict(
            identities=np.array([track.identity for track in tracks], np.int64),
            missed=np.array([track.missed for track in tracks], np.int64),
            times_s=np.array([np.nan if track.time_s is None else track.time_s for track in tracks], np.float64),
            counts=np.array([self._next_identity, self.num_ignored], np.int64),
            **{f'person.{name}': rows for name, rows in people_arrays([track.person for track in tracks]).items()},
        )

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from a :meth:`state`."""
        self._next_identity, self.num_ignored = map(int, state['counts'])
        people = people_of_arrays(
            {name.removeprefix('person.'): rows for name, rows in state.items() if name.startswith('person.')}
        )
        self.tracks = [
            Track(identity, people.select([row]), missed, None if np.isnan(time_s) else time_s)
            for row, (identity, missed, time_s) in enumerate(
                zip(state['identities'].tolist(), state['missed'].tolist(), state['times_s'].tolist())
            )
        ]

    def previous(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """(root (2,), size (2,) width and height of the box) px of living identities where they were last seen, by
        number: what the centre map of the next frame shows; see ``shown_missed``."""
        limit = self.patience if self.shown_missed is None else self.shown_missed
        seen = [track.person for track in self.tracks if track.missed <= limit]
        return [(one.roots_px[0].copy(), (one.bboxes_px[0, 2:] - one.bboxes_px[0, :2]).clip(min=0)) for one in seen]
