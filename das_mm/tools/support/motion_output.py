"""The motion that a run of inference is asked for beside its other files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from das_mm.bodies.posable_body import PosableBody
from das_mm.deploy.motion.exported_results import export_results, surface_formats
from das_mm.deploy.motion.exporters import MOTION_EXPORTERS, check_motion_formats
from das_mm.errors import UserError

from .report import Report


class MotionOutput:
    """What becomes of ``--export``: formats of surfaces, image by image, and of motion, clip by clip.

    'glb' is both; where it alone is asked for, the motion of videos is written if people are followed anyway.

    Args:
        formats: As given.
        track: People of videos are followed.

    Raises:
        UserError: A format of motion needs a package that is not installed.
    """

    def __init__(self, formats: Sequence[str], track: bool):
        self.mesh_formats = surface_formats(formats)
        self._formats = [name for name in dict.fromkeys(formats) if name in MOTION_EXPORTERS]
        self._is_asked = any(name not in self.mesh_formats for name in self._formats)
        self.needs_tracks = track or self._is_asked
        if self._is_asked or track:
            check_motion_formats(self._formats)

    def check_body(self, body: PosableBody | None) -> None:
        """Before the work and not after it.

        Raises:
            UserError: The model tells no bodies.
        """
        if self._formats and body is None:
            raise UserError(
                'this model tells no meshes, whose motion could be written',
                field='export',
                remedy='fit some (--fit), or use a model with a mesh branch (--task mesh)',
            )

    def write(self, out: Path, body: PosableBody | None, names: Collection[str] | None, report: Report) -> None:
        """The motion in the results of a run.

        Args:
            out: Folder of the run.
            body: Of the results.
            names: Of the inputs that the run has results of; None: of all that there are.
            report: Is told the files, and what could not be written.
        """
        for file in sorted((out / 'predictions').glob('*.json*')) if self._formats else []:
            is_video = file.suffix == '.jsonl'
            if (names is not None and file.stem not in names) or not (
                self._is_asked or (is_video and self.needs_tracks)
            ):
                continue
            assert body is not None  # see `check_body`
            try:
                for path in export_results(file, out / 'motion', self._formats, body):
                    report.wrote(path)
            except UserError as error:  # of one clip; the results of all are there
                report.note(error)
