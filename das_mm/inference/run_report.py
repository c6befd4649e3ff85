"""The report of a run: what was found in which input, of all processes that shared the inputs, in one file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from das_mm.engine import atomic_write, file_lock
from das_mm.engine.ranks import Rank
from das_mm.errors import UserError

from .inputs import OpenedInputs
from .output_folders import OutputFolders
from .outputs import Outputs
from .predictor import Predictor
from .result_files import read_results
from .result_pictures import ResultPictures
from .sources import Source

FORMAT = 'das_mm.inference_report/1'
_PARTS = '.ranks'


def input_reports(opened: OpenedInputs, predictions: Path, skipped: Sequence[UserError]) -> list[dict[str, Any]]:
    """What the results on the disk tell of each input of this process.

    Returns:
        Dictionaries with ``row`` (place among all inputs), ``name``, ``file``, ``frames`` and ``people`` found,
        ``without_depth`` (people of a model of the image plane alone), ``camera`` (its source; null without a result),
        ``problems`` (words), and of a camera that stands still ``world``.
    """
    return [
        _report(source, row, predictions, [error.problem for error in skipped if error.file == source.file])
        for row, source in zip(opened.rows, opened.sources)
    ]


def _report(source: Source, row: int, predictions: Path, problems: list[str]) -> dict[str, Any]:
    report: dict[str, Any] = dict(row=row, name=source.name, file=source.file, frames=0, people=0, without_depth=0)
    report.update(camera=None, problems=problems)
    path = predictions / f'{source.name}.{"jsonl" if source.is_sequence else "json"}'
    for result in _results(path):
        report['frames'] += 1
        report['people'] += len(result['people'])
        report['without_depth'] += sum(person['root_depth_mm_per_px'] is None for person in result['people'])
        report['camera'] = result['camera']['source']
        if 'world' in result:
            report['world'] = result['world']
    return report


def _results(path: Path) -> Iterator[dict[str, Any]]:
    """Of a file that this run or an earlier one wrote; nothing where there is none."""
    if path.is_file():
        with path.open(encoding='utf-8') as file:
            yield from map(json.loads, file if path.suffix == '.jsonl' else [file.read()])


class SharedReport:
    """The parts that processes give to a report, in a folder that all see.

    Args:
        folder: Of the run.
        rank: This process.
    """

    def __init__(self, folder: Path, rank: Rank):
        self.folder, self.rank = folder, rank
        self._parts = [folder / _PARTS / f'{number}-of-{rank.count}.json' for number in range(rank.count)]

    def begin(self) -> None:
        """Forget what this process said in an earlier run, and wait until all have done so.

        Raises:
            UserError: The processes do not find each other.
        """
        if self.rank.count > 1:
            with suppress(OSError):  # of a folder that cannot be, which is told when it is written to
                self._parts[self.rank.number].unlink()
            self.rank.meet()

    def finish(self, inputs: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
        """Add the part of this process.

        Returns:
            The whole, ``format``, ``processes`` and ``inputs`` in their order, for the process that comes last, which
            :meth:`write` s it; None for the others.

        Raises:
            UserError: A part cannot be written.
        """
        with file_lock(self.folder / _PARTS / 'lock'):
            atomic_write(self._parts[self.rank.number], json.dumps(list(inputs)).encode())
            if not all(part.is_file() for part in self._parts):
                return None
            told = [one for part in self._parts for one in json.loads(part.read_text())]
            for part in self._parts:
                part.unlink()
        return dict(format=FORMAT, processes=self.rank.count, inputs=sorted(told, key=lambda one: one.pop('row')))

    def write(self, report: dict[str, Any]) -> Path:
        """``report.json`` in the folder.

        Raises:
            UserError: It cannot be written.
        """
        text = json.dumps(report, indent=1, ensure_ascii=False)
        path = self.folder / 'report.json'
        atomic_write(path, text.encode(errors='backslashreplace') + b'\n')
        return path


def write_shared_viewer(report: dict[str, Any], folders: OutputFolders, predictor: Predictor) -> None:
    """The viewer of the images of a report, which no process alone can make.

    Raises:
        UserError: It cannot be written, or results of this run cannot be read any more.
    """
    if folders.viewer is None or folders.predictions is None:
        return
    viewer = OutputFolders(viewer=folders.viewer, viewer_frames=folders.viewer_frames)
    viewer.viewer_meshes = folders.viewer_meshes
    with Outputs(viewer, predictor.keypoint_set, len(report['inputs']), predictor.body) as outputs:
        for one in report['inputs']:
            path = folders.predictions / f'{one["name"]}.json'
            if one['frames'] and path.is_file():
                for result in read_results(path):
                    frame = ResultPictures(path, result).frame(result)
                    outputs.add(frame, result, None, is_new=False)
