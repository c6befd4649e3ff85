"""A look at the operations of a pickle before python carries them out.

Python's own reader believes lengths and places of its memory that a file names, and computes hashes of tuples in tuples
without end: a few bytes make it take all memory, or crash.
"""

from __future__ import annotations

import pickle
import pickletools
from collections.abc import Iterator
from typing import Any, BinaryIO

_DEEPEST = 200
_PUTS = ('PUT', 'BINPUT', 'LONG_BINPUT')
_GETS = ('GET', 'BINGET', 'LONG_BINGET')
_AROUND = ('TUPLE', 'TUPLE1', 'TUPLE2', 'TUPLE3', 'LIST', 'DICT', 'FROZENSET', 'REDUCE', 'NEWOBJ', 'NEWOBJ_EX', 'OBJ')
_MARK = -1
_OPERATIONS = {operation.code.encode('latin1'): operation for operation in pickletools.opcodes}


def scan_pickle(stream: BinaryIO) -> set[str]:
    """Check one pickle, from where the stream stands; it stands behind its end then.

    Args:
        stream: In memory: a file would be asked for as many bytes as it says of itself.

    Returns:
        The globals that it names by one operation, as 'module.name'; those that protocol 4 puts together are left out.

    Raises:
        pickle.UnpicklingError: It is damaged, remembers things under wild numbers, or is nested too deep.
    """
    named: set[str] = set()
    depths: list[int] = []  # of what lies on the reader's stack
    remembered: dict[int, int] = {}
    try:
        for number, (operation, argument) in enumerate(_operations(stream)):
            name = operation.name
            if name in _PUTS or name == 'MEMOIZE':
                place = len(remembered) if name == 'MEMOIZE' else int(argument)  # type: ignore[arg-type]
                if not 0 <= place <= 2 * number + 1000:
                    raise pickle.UnpicklingError(f'it remembers something under the number {place}')
                remembered[place] = depths[-1]
                continue
            if name in ('GLOBAL', 'INST'):
                named.add(str(argument).replace(' ', '.', 1))
            if name == 'MARK':
                depths.append(_MARK)
                continue
            depth = remembered.get(argument, 0) if name in _GETS else _taken(depths, operation) + (name in _AROUND)
            if depth > _DEEPEST:
                raise pickle.UnpicklingError(f'it is nested more than {_DEEPEST} deep')
            depths += [depth] * len(operation.stack_after)
    except pickle.UnpicklingError:
        raise
    except Exception as error:  # pickletools raises anything when an operation is cut in the middle
        raise pickle.UnpicklingError(f'it is damaged: {error}') from error
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


def _taken(depths: list[int], operation: pickletools.OpcodeInfo) -> int:
    """Takes off the stack what an operation takes; the depth of the deepest."""
    before, deepest = operation.stack_before, 0
    if pickletools.markobject in before:
        while (depth := depths.pop()) != _MARK:
            deepest = max(deepest, depth)
        before = before[: before.index(pickletools.markobject)]
    for _ in before:
        deepest = max(deepest, depths.pop())
    return deepest
