"""Decoding while the network computes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from typing import Any, TypeVar

T = TypeVar('T')

_LOOK_AGAIN_S = 0.1  # a reader that waits for room sees this late that nobody wants more


def read_ahead(items: Generator[T, None, None], depth: int) -> Iterator[T]:
    """The same items in the same order, made by a thread that is at most ``depth`` of them ahead.

    The thread begins with the first item that is asked for. An error of ``items`` is raised here, behind the items
    before it. However the iteration ends (closed, an error, Ctrl-C), the thread has ended and closed ``items`` before
    this returns.
    """
    ready: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=depth)
    unwanted = threading.Event()

    def put(kind: str, value: Any) -> bool:
        while not unwanted.is_set():
            try:
                ready.put((kind, value), timeout=_LOOK_AGAIN_S)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not put('item', item):
                    break
            else:
                put('end', None)
        except BaseException as error:  # whatever it is, it belongs to who asked for the items
            put('error', error)
        finally:
            items.close()

    thread = threading.Thread(target=work, name='read_ahead', daemon=True)
    thread.start()
    try:
        while True:
            kind, value = ready.get()
            if kind == 'end':
                return
            if kind == 'error':
                raise value
            yield value
    finally:
        unwanted.set()
        thread.join()
