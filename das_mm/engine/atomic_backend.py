"""mmengine's files, written as :mod:`.atomic_io` writes them."""

from __future__ import annotations

from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from .atomic_io import atomic_write


class AtomicLocalBackend(LocalBackend):
    """mmengine's backend for local files with writes that cannot be seen half done (`dict(backend='atomic_local')`)."""

    NAME = 'atomic_local'

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes; see :func:`atomic_write`."""
        atomic_write(filepath, obj)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Write text; see :func:`atomic_write`."""
        atomic_write(filepath, obj.encode(encoding))


register_backend(AtomicLocalBackend.NAME, AtomicLocalBackend)
