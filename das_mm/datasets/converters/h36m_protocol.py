"""Human3.6M: which subjects, cameras and frames an evaluation takes, and takes that are known to be bad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CAMERAS = ('54138969', '55011271', '58860488', '60457274')
# takes whose ground truth is shifted against the image (subject, action, trial); some evaluations go without
MISALIGNED = ((9, 5, 2), (9, 10, 2), (9, 13, 1))
BROKEN_VIDEO = (11, 2, 2, '54138969')
WHOLE_RECORDINGS = 1  # the action "all"


@dataclass(frozen=True)
class Protocol:
    """Subjects and frames of an evaluation; every nth frame counts from the first."""

    train: tuple[int, ...]
    test: tuple[int, ...]
    train_every: int
    test_every: int
    test_cameras: tuple[str, ...] = CAMERAS


PROTOCOLS = {
    'pose_p1': Protocol((1, 5, 6, 7, 8, 9), (11,), 5, 64),
    'pose_p2': Protocol((1, 5, 6, 7, 8), (9, 11), 5, 64),
    'mesh_p1': Protocol((1, 5, 6, 7, 8), (9, 11), 5, 5),
    'mesh_p2': Protocol((1, 5, 6, 7, 8), (9, 11), 5, 5, ('60457274',)),
}


@dataclass(frozen=True)
class H36MOptions:
    """Options of :class:`.H36MConverter`.

    Attributes:
        protocol: Key of :data:`PROTOCOLS`; gives subjects, cameras and frames, each of which can be given instead.
        every: Take frames 1, 1 + every, ….
        drop_misaligned: Leave out the takes :data:`MISALIGNED` (known by ``metadata.xml``).
        images: Folder of the frames, by default ``images`` below the root, else the root.
        extract: Make the frames that are needed from the videos.
        npz: A file of mmpose's instead of the archives; ``camera_file``: its cameras, by default ``cameras.pkl`` beside
            it or one folder above.
    """

    protocol: str = 'pose_p2'
    subjects: Sequence[int] | None = None
    cameras: Sequence[str] | None = None
    every: int | None = None
    drop_misaligned: bool = False
    images: str | Path | None = None
    extract: bool = False
    npz: str | Path | None = None
    camera_file: str | Path | None = None
