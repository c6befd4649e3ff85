"""A look at the operations of a pickle before python carries them out.

Python's own reader believes lengths and places of its memory that a file names, and what it has read may stand for much
more than the file holds: tuples in tuples whose hash never ends, lists of one list twice, forty times over.
"""

from __future__ import annotations

import pickle
import pickletools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

_DEEPEST = 200
_MOST_VALUES, _MOST_PER_OPERATION = 1_000_000, 100
_PUTS = ('PUT', 'BINPUT', 'LONG_BINPUT', 'MEMOIZE')
_GETS = ('GET', 'BINGET', 'LONG_BINGET')
_FILLING = ('APPEND', 'APPENDS', 'SETITEM', 'SETITEMS', 'ADDITEMS', 'BUILD')
_OPERATIONS = {operation.code.encode('latin1'): operation for operation in pickletools.opcodes}


@dataclass
class _Value:
    """What lies on the reader's stack: how deep it is nested, how many values it stands for."""

    depth: int = 0
    size: int = 1

    def take(self, parts: list[_Value]) -> None:
        self.depth = max([self.depth, *(part.depth + 1 for part in parts)])
        self.size += sum(part.size for part in parts)


_MARK = _Value()


def scan_pickle(stream: BinaryIO) -> set[str]:
    """Check one pickle, from where the stream stands; it stands behind its end then.

    Returns:
        The globals that it names by one operation, as 'module.name'; those that protocol 4 puts together are left out.

    Raises:
        pickle.UnpicklingError: It is damaged, remembers things under wild numbers, is nested too deep, or stands for
            much more than it holds.
    """
    named: set[str] = set()
    stack: list[_Value] = []
    remembered: dict[int, _Value] = {}
    try:
        for number, (operation, argument) in enumerate(_operations(stream)):
            name = operation.name
            if name in _PUTS:
                place = len(remembered) if name == 'MEMOIZE' else int(argument)
                if not 0 <= place <= 2 * number + 1000:
                    raise pickle.UnpicklingError(f'it remembers something under the number {place}')
                remembered[place] = stack[-1]
                continue
            if name in ('GLOBAL', 'INST'):
                named.add(str(argument).replace(' ', '.', 1))
            if name == 'MARK':
                stack.append(_MARK)
            elif name in _GETS:
                stack.append(remembered[int(argument)])
            else:
                value = _carried_out(operation, stack)
                if value.depth > _DEEPEST:
                    raise pickle.UnpicklingError(f'it is nested more than {_DEEPEST} deep')
                if value.size > _MOST_VALUES + _MOST_PER_OPERATION * number:
                    raise pickle.UnpicklingError(f'it stands for more than {_MOST_VALUES} values')
    except pickle.UnpicklingError:
        raise
    except Exception as error:  # an operation may be cut in the middle, or take what is not there
        raise pickle.UnpicklingError(f'it is damaged ({type(error).__name__}: {error})') from error
    return named


def _operations(stream: BinaryIO) -> Iterator[tuple[pickletools.OpcodeInfo, Any]]:
    """Operations up to the last one and their arguments, as ``pickletools.genops``, which takes no text of python 2."""
    operation = None
    while operation is None or operation.name != 'STOP':
        operation = _OPERATIONS[stream.read(1)]
        if operation.arg is None:
            yield operation, None
        elif operation.name == 'STRING':
            yield operation, stream.readline()
        else:
            yield operation, operation.arg.reader(stream)  # type: ignore[arg-type]


def _carried_out(operation: pickletools.OpcodeInfo, stack: list[_Value]) -> _Value:
    """What an operation does to the stack; the value that it makes or fills."""
    before = operation.stack_before
    filled = before[0] if operation.name in _FILLING else None
    parts: list[_Value] = []
    if pickletools.markobject in before:
        while (part := stack.pop()) is not _MARK:
            parts.append(part)
        before = before[: before.index(pickletools.markobject)]
    for _ in before[filled is not None :]:
        parts.append(stack.pop())
    value = _Value() if filled is None else stack.pop()
    value.take(parts)
    stack += [value] * len(operation.stack_after)
    return value
