"""Text from outside (names of files above all) as it may be shown: it changes no terminal and no page."""

from __future__ import annotations


def printable(text: object) -> str:
    """The text with everything escaped that is no visible character: terminal escapes and other control characters,
    line breaks, marks that turn the direction of reading, and bytes of file names that are no UTF-8.

    Example:
        >>> print(printable('red\\x1b[31m.jpg'), printable(b'caf\\xe9.png'.decode('utf-8', 'surrogateescape')))
        red\\x1b[31m.jpg caf\\xe9.png
    """
    return ''.join(one if one.isprintable() else _escaped(one) for one in str(text))


def printable_lines(text: object) -> str:
    """The same for text of several lines: line breaks stay."""
    return '\n'.join(map(printable, str(text).split('\n')))


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python reads a byte that is no UTF-8
        return f'\\x{code - 0xDC00:02x}'
    return character.encode('unicode_escape').decode()
