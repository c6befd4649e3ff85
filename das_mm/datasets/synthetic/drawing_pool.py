"""The processes that draw: start them, feed them, hear what they have done."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO

import das_mm
from das_mm.errors import UserError

from .config import SyntheticConfig


def drawn_images(config: SyntheticConfig, units: list[int], root: Path, records: Path, workers: int) -> Iterator[int]:
    """Have ``units`` drawn by ``workers`` processes; gives the number of every image as it is done.

    Raises:
        UserError: A process met an error that the user can mend, or died (out of memory, killed).
    """
    waiting = iter(units)
    with tempfile.TemporaryFile('w+') as log, selectors.DefaultSelector() as selector:
        processes = []
        try:
            for _ in range(workers):
                process = _start(config, root, records, log)
                processes.append(process)
                selector.register(process.stdout, selectors.EVENT_READ, process)
                _feed(process, waiting)
            while selector.get_map():
                for key, _ in selector.select():
                    yield from _hear(key.data, waiting, selector, log)
        finally:
            for process in processes:
                process.kill()
                process.wait()
                process.stdin.close()
                process.stdout.close()


def _start(config: SyntheticConfig, root: Path, records: Path, log: IO[str]) -> subprocess.Popen:
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
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, bufsize=0, env={**os.environ, **settings}
    )


def _feed(process: subprocess.Popen, waiting: Iterator[int]) -> None:
    """Give the process its next unit, or close its input so that it ends."""
    unit = next(waiting, None)
    try:
        if unit is None:
            process.stdin.close()
        else:
            process.stdin.write(f'{unit}\n'.encode())
    except BrokenPipeError:
        pass  # it has died: its closed output tells why


def _hear(
    process: subprocess.Popen, waiting: Iterator[int], selector: selectors.BaseSelector, log: IO[str]
) -> Iterator[int]:
    """Images that one answer of the process reports."""
    line = _read_line(process.stdout)
    if not line:
        selector.unregister(process.stdout)
        if process.wait() != 0:
            raise _died(process, log)
        return
    answer = json.loads(line)
    if 'error' in answer:
        problem, file, field, remedy = answer['error']
        raise UserError(problem, file=file, field=field, remedy=remedy)
    if 'unit' in answer:
        _feed(process, waiting)
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
