"""MPI-INF-3DHP: its subjects, cameras and numbers of frames, and what a conversion can be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SUBJECTS = {'train': tuple(range(1, 9)), 'test': tuple(range(1, 7))}
CAMERAS = (0, 1, 2, 4, 5, 6, 7, 8)  # those that SPIN, mmpose and ROMP use
KEEP = ('inside', 'all')
# (subject, sequence) -> frames
FRAMES = dict(
    zip(
        [(subject, sequence) for subject in SUBJECTS['train'] for sequence in (1, 2)],
        (6416, 12430, 6502, 6081, 12488, 12283, 6171, 6675, 12820, 12312, 6188, 6145, 6239, 6320, 6468, 6054),
    )
)
TEST_FRAMES = {1: 603, 2: 540, 3: 505, 4: 553, 5: 276, 6: 452}


@dataclass(frozen=True)
class MPIINF3DHPOptions:
    """Options of :class:`.MPIINF3DHPConverter`.

    Attributes:
        subjects: Of the split; all by default. ``cameras``: 0 to 13, of the training set.
        every: Take frames 1, 1 + every, … (of the test set: of those that count; of an npz: rows); by default 10 for
            training, 1 for testing.
        keep: 'inside' leaves out frames with any of the 17 joints out of the image (as SPIN does; the default for
            training), 'all' takes them (for testing).
        images: Folder that holds, or shall hold, ``S1/Seq1/imageFrames/…``; the root by default.
        extract: Make the training frames that are needed from the videos.
        npz: A file of mmpose's instead of the archives; ``camera_file``: its cameras, by default
            ``cameras_{split}.pkl`` beside it.
        without_images: Convert the training annotations alone; sizes are those that the calibrations tell.
    """

    subjects: Sequence[int] | None = None
    cameras: Sequence[int] = CAMERAS
    every: int | None = None
    keep: str | None = None
    images: str | Path | None = None
    extract: bool = False
    npz: str | Path | None = None
    camera_file: str | Path | None = None
    without_images: bool = False
