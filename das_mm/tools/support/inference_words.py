"""What `das-mm infer` says of a run at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from das_mm.errors import UserError

from .report import Report

if TYPE_CHECKING:
    from das_mm.inference.inputs import OpenedInputs
    from das_mm.inference.output_folders import OutputFolders
    from das_mm.inference.predictor import Predictor
    from das_mm.inference.run_report import SharedReport

_CAMERA_WORDS = {
    'user': 'given by the user',
    'exif': 'from EXIF',
    'fov': 'from --fov',
    'default_fov': 'ASSUMED field of view: depths and sizes may be off by one common factor (--intrinsics, --fov)',
}


class Tally:
    """What a run gave."""

    def __init__(self) -> None:
        self.frames = self.people = self.without_depth = 0
        self.inputs: set[str] = set()
        self.cameras: Counter[str] = Counter()
        self.skipped: list[str] = []
        self.errors: list[UserError] = []

    @classmethod
    def of_report(cls, inputs: Iterable[Mapping[str, Any]]) -> Tally:
        """Of the inputs of a report (:mod:`das_mm.inference.run_report`)."""
        tally = cls()
        for one in inputs:
            tally.frames += one['frames']
            tally.people += one['people']
            tally.without_depth += one['without_depth']
            if one['frames']:
                tally.inputs.add(one['name'])
                tally.cameras[one['camera']] += 1
            tally.skipped += [f'{one["file"]}: {problem}' if one['file'] else problem for problem in one['problems']]
        return tally

    def add(self, result: Mapping[str, Any]) -> None:
        """A result of the run."""
        self.frames += 1
        self.people += len(result['people'])
        self.without_depth += sum(person['root_depth_mm_per_px'] is None for person in result['people'])
        if result['image']['name'] not in self.inputs:
            self.inputs.add(result['image']['name'])
            self.cameras[result['camera']['source']] += 1

    def skip(self, error: UserError) -> None:
        """What cannot be read."""
        self.errors.append(error)
        self.skipped.append(f'{error.file}: {error.problem}' if error.file else error.problem)

    def print(self, report: Report, out: Path | None) -> None:
        """Say it; nothing where there is no result, for the error says it."""
        if not self.frames:
            return
        report.say(f'{self.people} people in {self.frames} images of {len(self.inputs)} inputs')
        if self.without_depth:
            report.say('this model tells no depths: its people are in the image plane alone, and nothing is in mm')
        for source, number in self.cameras.most_common():
            report.say(f'camera of {number} inputs: {_CAMERA_WORDS.get(source, source)}')
        if self.skipped:
            report.say(f'{len(self.skipped)} could not be read (wholly):')
            for line in self.skipped:
                report.say(f'  {line}')
        if out is not None:
            report.say(f'results are in {out}')


def say_worlds(report: Report, inputs: Iterable[Mapping[str, Any]]) -> None:
    """Where the cameras that stand still stand."""
    for one in inputs:
        world = one.get('world')
        if world is not None:
            report.say(
                f'{one["name"]}: camera {world["height_m"]:.2f} m over the floor, looks {world["tilt_deg"]:.1f}° down '
                f'(± {world["tilt_sd_deg"]:.1f}°), by {world["num_contacts"]} feet that stood within '
                f'{world["residual_mm"]:.0f} mm of it'
            )


def finish_run(
    shared: SharedReport,
    opened: OpenedInputs,
    folders: OutputFolders,
    predictor: Predictor,
    tally: Tally,
    report: Report,
) -> None:
    """The report of all processes, by the last of them, which also makes the viewer of all images.

    Raises:
        UserError: It cannot be written, or none of the inputs of all processes can be read.
    """
    from das_mm.inference.run_report import input_reports, write_shared_viewer

    assert folders.predictions is not None  # there is an output folder
    whole = shared.finish(input_reports(opened, folders.predictions, tally.errors))
    if whole is None:
        return
    shared.write(whole)
    if shared.rank.count > 1:
        write_shared_viewer(whole, folders, predictor)
        merged = Tally.of_report(whole['inputs'])
        merged.print(report, shared.folder)
        if not merged.frames:
            raise UserError(
                f'none of the {len(whole["inputs"])} inputs can be read',
                file=shared.folder / 'report.json',
                remedy='it tells why of each',
            )
    say_worlds(report, whole['inputs'])
