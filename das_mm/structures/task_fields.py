"""What a task tells of every person, described so that programs can act on it without knowing the task.

A branch of the network gives its :class:`TaskDescription` (``branch.describe()``). Results, tracks, smoothing and the
numpy side of an exported graph follow it; an ONNX file carries it as json. Letters: n people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

#: what the numbers of a decoded field are, and so what becomes of them on the way from the network input to the
#: original image: nothing; points and vectors in px are carried over
FRAMES = ('as_is', 'points_px', 'vectors_px')
#: how a field is smoothed over time: as places in the image, as roots (mm), as rotations (axis times angle), as shapes
SMOOTHINGS = ('image', 'root', 'rotation', 'shape')


@dataclass(frozen=True)
class TaskField:
    """One array that a task tells of people.

    Attributes:
        name: In ``pred_instances`` (n, *shape), and in the files of tracks.
        shape: Of one person's values.
        group: Object of the person in results.json in which it stands, by its name without ``{group}_``; None: it
            stands beside the keypoints, by its whole name.
        frame: Out of :data:`FRAMES`.
        digits: After the point, in results.json.
        smoothed: Out of :data:`SMOOTHINGS`; None: it stays as it was found.
        in_results, in_tracks: Whether it is told in results.json, and in the files of tracks.

    Raises:
        ValueError: An unknown frame or way to smooth, or a name that does not begin with its group.
    """

    name: str
    shape: tuple[int, ...] = ()
    group: str | None = None
    frame: str = 'as_is'
    digits: int = 5
    smoothed: str | None = None
    in_results: bool = True
    in_tracks: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, 'shape', tuple(self.shape))
        if self.frame not in FRAMES or self.smoothed not in (None, *SMOOTHINGS):
            raise ValueError(f'{self.name}: the frame is one of {FRAMES}, smoothed None or one of {SMOOTHINGS}')
        if self.group is not None and not self.name.startswith(f'{self.group}_'):
            raise ValueError(f'{self.name} is in the group {self.group}, so its name must begin with {self.group}_')

    @property
    def key(self) -> str:
        """Its name inside its group."""
        return self.name if self.group is None else self.name.removeprefix(f'{self.group}_')


@dataclass(frozen=True)
class TaskDescription:
    """What a task is called and tells.

    Attributes:
        name: 'pose', 'mesh', 'tracking', or a user's own.
        fields: What it tells of people.
        body: Of a task that tells bodies: which one, as :func:`das_mm.bodies.body_in_camera.load_described_body` takes
            it; json-like.
        declared: The description says all that is to be done with what the network decodes; False where code of the
            task's own must run, so that an exported graph needs that code too.

    Example:
        >>> height = TaskDescription('height', (TaskField('heights_mm', digits=1),))
        >>> TaskDescription.from_json(height.to_json()) == height
        True
    """

    name: str
    fields: tuple[TaskField, ...] = ()
    body: Mapping[str, Any] | None = field(default=None)
    declared: bool = True

    def to_json(self) -> dict[str, Any]:
        """Lists, dictionaries, strings and numbers."""
        fields = [{**asdict(one), 'shape': list(one.shape)} for one in self.fields]
        body = None if self.body is None else dict(self.body)
        return dict(name=self.name, fields=fields, body=body, declared=self.declared)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> TaskDescription:
        """What :meth:`to_json` gave.

        Raises:
            TypeError, KeyError, ValueError: It is something else.
        """
        fields = tuple(TaskField(**one) for one in told['fields'])
        return cls(told['name'], fields, told['body'], told['declared'])


def fields_of(tasks: Iterable[TaskDescription]) -> tuple[TaskField, ...]:
    """The fields of all tasks, in order."""
    return tuple(one for task in tasks for one in task.fields)


def fields_in_image(
    values: Mapping[str, np.ndarray], fields: Iterable[TaskField], warp_mat: np.ndarray
) -> dict[str, np.ndarray]:
    """Decoded fields of people, carried from the network input to the original image as their descriptions say.

    Args:
        values: Arrays (n, ...) by name; those that nobody describes stay as they are.
        fields: Descriptions.
        warp_mat: (2, 3) original image px to network input px.
    """
    warp = np.asarray(warp_mat, np.float64)
    back = np.linalg.inv(warp[:, :2]).T
    values = dict(values)
    for one in fields:
        if one.frame == 'as_is' or one.name not in values:
            continue
        places = values[one.name] - (warp[:, 2] if one.frame == 'points_px' else 0)
        values[one.name] = (places @ back).astype(np.float32)
    return values
