"""The processes that draw: start them, feed them, hear what they have done."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import das_mm
from das_mm.errors import UserError

from .config import SyntheticConfig


@dataclass(frozen=True)
class _Drawer:
    """A process that draws, and the two pipes to it."""

    process: subprocess.Popen
    orders: IO[bytes]
    answers: IO[bytes]


def drawn_images(
    config: SyntheticConfig, units: list[int], root: Path, records: Path, workers: int
) -> Generator[int, None, None]:
    """Have ``units`` drawn by ``workers`` processes; gives the number of every image as it is done.

    Raises:
        UserError: A process met an error that the user can mend, or died (out of memory, killed).
    """
    waiting = iter(units)
    with tempfile.TemporaryFile('w+') as log, selectors.DefaultSelector() as selector:
        drawers = []
        try:
            for _ in range(workers):
                drawer = _start(config, root, records, log)
                drawers.append(drawer)
                selector.register(drawer.answers, selectors.EVENT_READ, drawer)
                _feed(drawer, waiting)
            while selector.get_map():
                for key, _ in selector.select():
                    yield from _hear(key.data, waiting, selector, log)
        finally:
            for drawer in drawers:
                drawer.process.kill()
                drawer.process.wait()
                drawer.orders.close()
                drawer.answers.close()


def _start(config: SyntheticConfig, root: Path, records: Path, log: IO[str]) -> _Drawer:
    package = str(Path(das_mm.__file__).resolve().parents[1])
    settings = {
        # one thread each: the processes already fill the cores
        'OMP_NUM_THREADS': '1',
        'MKL_NUM_THREADS': '1',
        'OPENBLAS_NUM_THREADS': '1',
        # arrays of some megabytes come and go by the hundred: let glibc keep their pages
        'MALLOC_MMAP_THRESHOLD_': str(1 << 30),
        'MALLOC_TRIM_THRESHOLD_': str(1 << 31),
        'PYTHONPATH': os.pathsep.join(filter(None, [package, os.environ.get('PYTHONPATH')])),
    }
    command = [
        sys.executable,
        '-m',
        'das_mm.datasets.synthetic.drawing_process',
        '--config',
        json.dumps(asdict(config)),
        '--root',
        str(Path(root).resolve()),
        '--records',
        str(Path(records).resolve()),
    ]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, bufsize=0, env={**os.environ, **settings}
    )
    assert process.stdin is not None and process.stdout is not None, 'both are pipes'
    return _Drawer(process, process.stdin, process.stdout)


def _feed(drawer: _Drawer, waiting: Iterator[int]) -> None:
    """Give the process its next unit, or close its input so that it ends."""
    unit = next(waiting, None)
    try:
        if unit is None:
            drawer.orders.close()
        else:
            drawer.orders.write(f'{unit}\n'.encode())
    except BrokenPipeError:
        pass  # it has died: its closed output tells why


def _hear(drawer: _Drawer, waiting: Iterator[int], selector: selectors.BaseSelector, log: IO[str]) -> Iterator[int]:
    """Images that one answer of the process reports."""
    line = _read_line(drawer.answers)
    if not line:
        selector.unregister(drawer.answers)
        if drawer.process.wait() != 0:
            raise _died(drawer.process, log)
        return
    answer = json.loads(line)
    if 'error' in answer:
        problem, file, field, remedy = answer['error']
        raise UserError(problem, file=file, field=field, remedy=remedy)
    if 'unit' in answer:
        _feed(drawer, waiting)
    else:
        yield answer['image']


def _read_line(stream: IO[bytes]) -> bytes:
    """One whole line of an unbuffered pipe (a buffered one would hide further lines from the selector)."""
    line = bytearray()
    while not line.endswith(b'\n'):
        byte = stream.read(1)
        if not byte:
            break
        line += byte
    return bytes(line)


def _died(process: subprocess.Popen, log: IO[str]) -> UserError:
    log.seek(0)
    said = log.read().strip().splitlines()[-1:] or ['it said nothing']
    return UserError(
        f'a drawing process ended with status {process.returncode}: {said[0]}',
        remedy='what is drawn is kept: run the same command again, with fewer workers if memory ran out',
    )
