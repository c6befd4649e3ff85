"""Runs a conversion: jobs in parallel, what is finished kept, then one checked file with its counts."""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from pathlib import Path

from das_mm.engine import check_writable
from das_mm.errors import UserError

from ..annotations.file_names import absence_hint
from .annotation_writer import merge_parts
from .base import Converter, Job
from .conversion_parts import fingerprint, meta_path, store_part
from .conversion_report import ConversionReport
from .part_check import check_part


def run_conversion(
    converter: Converter,
    out: str | Path,
    *,
    workers: int | None = 0,
    progress: bool = False,
    checks: bool = True,
    keep_going: bool = False,
) -> ConversionReport:
    """Converts a data set to one annotation file.

    Finished jobs lie in ``OUT.parts`` until the file is there: an interrupted conversion goes on where it stopped.

    Args:
        converter: What to convert.
        out: The json to write.
        workers: Processes; all cores where None, this process alone where 0.
        progress: Show a bar.
        checks: Refuse a file whose numbers cannot be right (:mod:`.checks`).
        keep_going: Leave out jobs that fail instead of asking to mend them.

    Raises:
        UserError: Archives are absent or damaged, the disk is full, nothing was found, or a check fails.
    """
    out = Path(out)
    if out.suffix != '.json':
        raise UserError('the annotation file must end in .json', file=out, field='--out', remedy='give another name')
    check_writable(out.parent, '--out')
    jobs = converter.jobs()
    if not jobs:
        raise UserError(
            'nothing to convert was found',
            file=converter.root,
            field='--root',
            remedy=f'{converter.title} looks so:\n{converter.tree}',
        )
    report = ConversionReport(out)
    parts = out.with_name(out.name + '.parts')
    stems = {job.name: parts / fingerprint(converter, job) for job in jobs}
    todo = [job for job in jobs if not meta_path(stems[job.name]).exists()]
    for name, fault in _finished(converter, todo, stems, workers, progress, len(jobs)):
        if fault is not None:
            report.failed[name] = fault
    if report.failed and not keep_going:
        name, fault = next(iter(report.failed.items()))
        raise UserError(
            f'{len(report.failed)} of {len(jobs)} parts cannot be converted; the first, {name}: {fault}',
            file=converter.root,
            remedy='mend it and run the same command again (what is finished is kept), '
            'or add --keep-going to do without',
        )
    done = [stems[job.name] for job in jobs if job.name not in report.failed]
    merge_parts(converter, done, report, checks)
    shutil.rmtree(parts, ignore_errors=True)
    return report


def _finished(
    converter: Converter, todo: list[Job], stems: dict[str, Path], workers: int | None, progress: bool, total: int
) -> Iterator[tuple[str, str | None]]:
    """(name, what was wrong or None) of each job as it ends."""
    with _bar(f'converting {converter.title}', total, total - len(todo), progress) as advance:
        if workers == 0 or len(todo) <= 1:
            for job in todo:
                yield job.name, _do(converter, job, stems[job.name])
                advance()
            return
        context = multiprocessing.get_context('forkserver')  # torch is loaded: forking this process is not safe
        context.set_forkserver_preload([__name__])
        with ProcessPoolExecutor(workers and min(workers, len(todo)), context) as pool:
            futures = {pool.submit(_do, converter, job, stems[job.name]): job.name for job in todo}
            try:
                for future in as_completed(futures):
                    yield futures[future], future.result()
                    advance()
            except BrokenProcessPool:
                raise _killed(converter, todo, stems) from None
            except BaseException:  # what has not begun need not be waited for
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _do(converter: Converter, job: Job, stem: Path) -> str | None:
    """Converts and stores one part; what is wrong with the source comes back as text."""
    try:
        part = converter.convert(job)
        check_part(part, converter, job.name)
    except UserError as error:
        return str(error)
    hint = absence_hint(converter.image_root, part.missing, [image['file_name'] for image in part.images])
    part.notes += [f'{len(part.missing)} images are missing; {hint}'] if hint else []
    store_part(part, stem)
    return None


def _killed(converter: Converter, todo: list[Job], stems: dict[str, Path]) -> UserError:
    """What to say when a process was ended from outside."""
    left = [job.name for job in todo if not meta_path(stems[job.name]).exists()]
    names = ', '.join(left[:3]) + (f' and {len(left) - 3} more' if len(left) > 3 else '')
    return UserError(
        f'a worker process was killed, perhaps by the system for want of memory; parts not finished: {names}',
        file=converter.root,
        field='--workers',
        remedy='run the same command again with fewer --workers (0: this process alone); what is finished is kept',
    )


def _bar(title: str, total: int, done: int, shown: bool):
    """A context that gives a function to call after each job."""
    if not shown:
        return nullcontext(lambda: None)
    return _Bar(title, total, done)


class _Bar:
    def __init__(self, title: str, total: int, done: int):
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self.progress = Progress(
            TextColumn('{task.description}', style='bold', markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn('parts; elapsed'),
            TimeElapsedColumn(),
            TextColumn('left'),
            TimeRemainingColumn(),
        )
        self.task = self.progress.add_task(title, total=total, completed=done)

    def __enter__(self) -> Callable[[], None]:
        self.progress.start()
        return lambda: self.progress.advance(self.task)

    def __exit__(self, *error: object) -> None:
        self.progress.stop()
