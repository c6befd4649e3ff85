"""Lines of results that grow frame by frame and are worth something whenever the run ends.

They are written under a temporary name beside the final one, which they get when they are closed, also after Ctrl-C.
What a kill leaves is the temporary file with every line that was written, and :mod:`.resume` goes on from it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from das_mm.engine.write_errors import write_remedy
from das_mm.errors import UserError

from .result_files import result_text


def part_of(path: Path) -> Path:
    """The temporary name of a file of results."""
    return path.with_name(f'.{path.name}.part')


class ResultLines:
    """A ``.jsonl`` of results, one line a frame; each line is on its way to the disk when :meth:`write` returns.

    Args:
        path: The file.
        begun: A file of the same whose first ``begun_bytes`` bytes are kept, and written on.
    """

    def __init__(self, path: str | Path, begun: Path | None = None, begun_bytes: int = 0):
        self.path = Path(path)
        self._part = part_of(self.path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if begun is not None:
                os.replace(begun, self._part)
                os.truncate(self._part, begun_bytes)
            self._file = self._part.open('w' if begun is None else 'a', encoding='utf-8')
        except OSError as error:
            raise self._cannot(error) from error

    def write(self, result: Mapping[str, Any]) -> None:
        """Add a result.

        Raises:
            UserError: The disk is full.
        """
        try:
            self._file.write(result_text(result) + '\n')
            self._file.flush()
        except OSError as error:
            raise self._cannot(error) from error

    @property
    def size_bytes(self) -> int:
        """Of all lines."""
        return os.fstat(self._file.fileno()).st_size

    def close(self) -> None:
        """Give the file its name.

        Raises:
            UserError: That cannot be done.
        """
        try:
            self._file.close()
            os.replace(self._part, self.path)
        except OSError as error:
            raise self._cannot(error) from error

    def _cannot(self, error: OSError) -> UserError:
        problem = f'the results cannot be written: {error.strerror or error}'
        return UserError(problem, file=self.path, remedy=write_remedy(error))
