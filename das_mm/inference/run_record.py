"""What a run over a video was told and given, and what it remembered of the people: for a run that goes on after it.

It lies beside the results, ``.NAME.run.npz``: settings, size and hash of the input, the numbers of frames that could
not be decoded, and the state of tracker and smoothing after one of the last frames.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from das_mm.engine.write_errors import write_remedy
from das_mm.errors import UserError

_FORMAT = 'das_mm.run/1'
_WHOLE_BYTES = 64 << 20  # a larger file is told by this much of it
_PIECES = 64
_DAMAGE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


@dataclass
class RunRecord:
    """
    Attributes:
        path: The file.
        settings: What the results depend on, as json has it.
        input: ``bytes`` and ``sha256`` of the video (:func:`input_words`).
        gaps: Numbers of frames that were left out.
        frame: The frame that ``state`` is after; -1 for none.
        size_bytes: Of the lines of results up to there.
        state: See :meth:`.VideoTracker.state`.
    """

    path: Path
    settings: Mapping[str, Any]
    input: Mapping[str, Any]
    gaps: list[int] = field(default_factory=list)
    frame: int = -1
    size_bytes: int = 0
    state: Mapping[str, np.ndarray] = field(default_factory=dict)

    def write(self) -> None:
        """At every moment, also after a kill, the file is the old or the new one. It does not wait for the disk.

        Raises:
            UserError: It cannot be written.
        """
        words: dict[str, Any] = dict(format=_FORMAT, settings=self.settings, input=self.input, gaps=self.gaps)
        words.update(frame=self.frame, size_bytes=self.size_bytes)
        content = io.BytesIO()
        np.savez(content, words=np.array(json.dumps(words)), **{f'state.{key}': one for key, one in self.state.items()})
        part = self.path.with_name(f'{self.path.name}.part')
        try:
            part.write_bytes(content.getvalue())
            os.replace(part, self.path)
        except OSError as error:
            raise UserError(
                f'it cannot be written: {error.strerror or error}', file=self.path, remedy=write_remedy(error)
            ) from error

    @classmethod
    def read(cls, path: Path) -> RunRecord | None:
        """None where there is none that can be read, of which a warning tells."""
        if not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as arrays:
                words = json.loads(str(arrays['words']))
                if words['format'] != _FORMAT:
                    raise ValueError(f'it is of the format {words["format"]}')
                state = {name.removeprefix('state.'): arrays[name] for name in arrays.files if name != 'words'}
            gaps = [int(one) for one in words['gaps']]
            return cls(
                path,
                dict(words['settings']),
                dict(words['input']),
                gaps,
                int(words['frame']),
                int(words['size_bytes']),
                state,
            )
        except _DAMAGE as error:
            logging.getLogger('das_mm').warning(f'{path}: the record of the earlier run cannot be read ({error})')
            return None


def record_path(predictions: Path, name: str) -> Path:
    """Of the video of a name."""
    return predictions / f'.{name}.run.npz'


def input_words(path: str | Path) -> dict[str, Any]:
    """Size and hash of a file: of its size and content, of a very large one of 64 MB spread over it.

    Raises:
        UserError: It cannot be read.
    """
    try:
        size = os.path.getsize(path)
        digest = hashlib.sha256(str(size).encode())
        with open(path, 'rb') as file:
            if size <= _WHOLE_BYTES:
                digest.update(file.read())
            else:
                piece = _WHOLE_BYTES // _PIECES
                for number in range(_PIECES):
                    file.seek((size - piece) * number // (_PIECES - 1))
                    digest.update(file.read(piece))
        return dict(bytes=size, sha256=digest.hexdigest())
    except OSError as error:
        raise UserError(
            f'it cannot be read: {error.strerror or error}', file=path, field='inputs', remedy='check the file'
        ) from error
