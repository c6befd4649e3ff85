"""The sum of an ONNX file, which lies in the file: a damaged graph runs, and finds other people.

The file is a protobuf message; here only its outermost fields are told apart, so that onnx need not be installed. The
sum is over all of them but the one that holds it. It tells damage, and not who made the file.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path

from das_mm.errors import UserError

from .onnx_file import PREFIX

SUM = PREFIX + 'sha256'  # name among the metadata
_METADATA, _NAME, _VALUE = 14, 1, 2  # numbers of the fields: ModelProto.metadata_props, and of an entry of it
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def with_sum(content: bytes) -> bytes:
    """The bytes of an ONNX file with its sum among the metadata.

    Raises:
        ValueError: They are no protobuf message.
    """
    parts = [content[begin:end] for begin, end, entry in _parts(content) if entry[0] != SUM]
    digest = hashlib.sha256(b''.join(parts)).hexdigest()
    entry = b''.join(_bytes_field(number, text.encode()) for number, text in ((_NAME, SUM), (_VALUE, digest)))
    return b''.join(parts) + _bytes_field(_METADATA, entry)


def check_sum(content: bytes, path: str | Path) -> None:
    """Refuse a file that is not as das_mm wrote it; tell of one that was written before there were sums.

    Args:
        content: Of the file.
        path: Its name, for messages.

    Raises:
        UserError: It is no ONNX file, or another one than was written.
    """
    try:
        parts = list(_parts(content))
    except ValueError as error:
        raise UserError(
            f'it is damaged, or no ONNX file ({error})',
            file=path,
            field='graph',
            remedy='copy it again, or give one that das-mm export wrote',
        ) from error
    digest = hashlib.sha256()
    for begin, end, (name, _) in parts:
        if name != SUM:
            digest.update(content[begin:end])
    stored = [value for _, _, (name, value) in parts if name == SUM]
    if stored and stored != [digest.hexdigest()]:
        raise UserError(
            'its sum is wrong: the file is damaged, or was changed after it was exported',
            file=path,
            field=SUM,
            remedy='copy or export it again (das-mm export onnx); if it was changed on purpose, delete this entry of '
            'its metadata',
        )
    if not stored and any(name.startswith(PREFIX) for _, _, (name, _) in parts):
        logging.getLogger('das_mm').warning(f'{path}: it has no sum, so damage cannot be seen; export it again for one')


def _parts(content: bytes) -> Iterator[tuple[int, int, tuple[str, str]]]:
    """(begin, end, name and value of an entry of the metadata, else '') of the outermost fields."""
    for number, begin, body, end in _fields(content, 0, len(content)):
        if number != _METADATA:
            yield begin, end, ('', '')
            continue
        texts = {inner: content[start:stop] for inner, _, start, stop in _fields(content, body, end)}
        name, value = (texts.get(field, b'').decode(errors='replace') for field in (_NAME, _VALUE))
        yield begin, end, (name, value)


def _fields(content: bytes, place: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """(number, begin, begin of what it holds, end) of the fields of a message."""
    while place < end:
        begin = place
        key, place = _varint(content, place, end)
        body, kind = place, key & 7
        if kind == _VARINT:
            _, place = _varint(content, place, end)
        elif kind == _BYTES:
            size, body = _varint(content, place, end)
            place = body + size
        elif kind in (_FIXED64, _FIXED32):
            place += 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f'a field of the kind {kind} at byte {begin}')
        if place > end:
            raise ValueError(f'a field at byte {begin} ends behind the file')
        yield key >> 3, begin, body, place


def _varint(content: bytes, place: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= end:
            break
        byte = content[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise ValueError(f'a number at byte {place} does not end')


def _bytes_field(number: int, body: bytes) -> bytes:
    return _encoded(number << 3 | _BYTES) + _encoded(len(body)) + body


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
