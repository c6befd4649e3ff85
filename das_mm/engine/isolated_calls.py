"""Calls of libraries that a damaged file can crash or keep busy for ever, made in a process of their own.

scipy reads MATLAB's files and cdflib NASA's; a bit that was turned in one can end the process that reads it
(segmentation fault) or never let it end. One child serves all calls of a process, one after the other, and is started
anew when it has died.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import pickle
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, BinaryIO

from das_mm.errors import UserError

#: a call that takes longer is ended; the largest archives take a minute
LIMIT_S = 900.0
_HEAD = struct.Struct('<Q')
_SERVE = 'from das_mm.engine.isolated_calls import serve; serve()'


def isolated_call(function: Callable[..., Any], *args: Any, file: object, remedy: str) -> Any:
    """``function(*args)``, run in the child.

    Args:
        function: Of a module, so that the child finds it by name. args: What pickle takes, as the result must be.
        file: What is read, for errors. remedy: What to do with a damaged one.

    Raises:
        UserError: The child died of the call, or has not ended within :data:`LIMIT_S`.
        Exception: What the function raises.
    """
    with _lock:
        child = _living_child()
        try:
            good, result = child.ask((function.__module__, function.__qualname__, args), LIMIT_S)
        except TimeoutError:
            child.kill()
            raise UserError(
                f'it is damaged: reading it did not end within {LIMIT_S:g} s', file=file, remedy=remedy
            ) from None
        except EOFError:
            child.kill()
            raise UserError(
                f'it is damaged: what reads it was ended ({child.how_it_ended()})', file=file, remedy=remedy
            ) from None
    if good:
        return result
    raise result


def serve() -> None:
    """What the child does: it answers calls from its input until that ends."""
    source = os.fdopen(os.dup(0), 'rb')
    target = os.fdopen(os.dup(1), 'wb')
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    while True:
        try:
            module, name, args = _receive(source)
        except EOFError:
            return
        try:
            answer = True, getattr(importlib.import_module(module), name)(*args)
            message = pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)
        except Exception as error:
            try:
                message = pickle.dumps((False, error))
                pickle.loads(message)
            except Exception:  # some exceptions cannot be made again
                message = pickle.dumps((False, RuntimeError(f'{type(error).__name__}: {error}')))
        target.write(_HEAD.pack(len(message)) + message)
        target.flush()


class _Child:
    def __init__(self) -> None:
        self.owner = os.getpid()
        self.process = subprocess.Popen([sys.executable, '-c', _SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, question: tuple, seconds: float) -> tuple[bool, Any]:
        """The answer; EOFError where the child dies of it, TimeoutError where it does not end."""
        deadline, message = time.monotonic() + seconds, pickle.dumps(question)
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(_HEAD.pack(len(message)) + message)
            self.process.stdin.flush()
        except BrokenPipeError:
            raise EOFError from None
        if not select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise TimeoutError
        return _receive(self.process.stdout)

    def is_alive(self) -> bool:
        """Whether it can be asked by this very process."""
        return self.owner == os.getpid() and self.process.poll() is None

    def kill(self) -> None:
        """Ends it, at once."""
        self.process.kill()
        self.process.wait()

    def how_it_ended(self) -> str:
        """Of a child that has died."""
        return f'exit status {self.process.returncode}'

    def close(self) -> None:
        """Lets it end by itself."""
        if self.owner == os.getpid() and self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()


def _receive(source: BinaryIO | Any) -> Any:
    head = source.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise EOFError
    (length,) = _HEAD.unpack(head)
    message = source.read(length)
    if len(message) < length:
        raise EOFError
    return pickle.loads(message)  # of our own child or parent


def _living_child() -> _Child:
    if not _children or not _children[0].is_alive():
        _children[:] = [_Child()]
        atexit.register(_children[0].close)
    return _children[0]


_lock = threading.Lock()
_children: list[_Child] = []
