"""Names of images: whether they stay in the image folder, and why a file of that name may not be there."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

_NUMBER = re.compile(r'(.*?)(\d+)(\D*)')
_SHIFTS = (-1, 1)


def leads_out(name: str) -> bool:
    """Whether a name is absolute (here or on Windows) or goes up by ``..``."""
    windows = PureWindowsPath(name)
    return bool(PurePosixPath(name).is_absolute() or windows.anchor or '..' in windows.parts)


def absence_hint(folder: str | Path, absent: Sequence[str], present: Sequence[str] = ()) -> str:
    """Why files may seem to be absent, in a sentence; '' where nothing is found that would explain it.

    Args:
        folder: That the names begin at.
        absent: Names of files that are not there. present: Names that are wanted too, and are there.
    """
    if not absent:
        return ''
    name = absent[0]
    if '\\' in name and os.path.isfile(os.path.join(folder, name.replace('\\', '/'))):
        return f'{name} holds backslashes, as Windows writes them; with / in their place the file is there'
    below, wanted = os.path.split(name.replace('\\', '/'))
    there = _names(os.path.join(folder, below))
    for other in there:
        if other.casefold() == wanted.casefold():
            return f'for {name} there is {other}: upper and lower case differ'
    stem = os.path.splitext(wanted)[0]
    for other in there:
        if os.path.splitext(other)[0] == stem and other != wanted:
            return f'for {name} there is {other}: the endings differ'
    return _shift_hint(name, below, there, [*absent, *present])


def _shift_hint(name: str, below: str, there: list[str], wanted: Sequence[str]) -> str:
    """Whether all numbered names of a folder would be there if their numbers were greater or less by one."""
    names = [os.path.basename(one) for one in wanted if os.path.dirname(one) == below]
    found, files = [_NUMBER.fullmatch(one) for one in names], set(there)
    if len(names) < 2 or not all(found):
        return ''
    for shift in _SHIFTS:
        moved = (
            f'{match[1]}{int(match[2]) + shift:0{len(match[2])}d}{match[3]}' for match in found if match is not None
        )
        if all(one in files for one in moved):
            return (
                f'{name} is not there, but with numbers {"less" if shift < 0 else "greater"} by one all of its folder '
                'are: frames may be counted from 0 in one place and from 1 in the other'
            )
    return ''


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder or '.'))
    except (OSError, ValueError):
        return []
