"""What comes from outside is shown so that it changes no terminal."""

from __future__ import annotations

import pytest

from das_mm.errors import UserError
from das_mm.printable import printable, printable_lines


@pytest.mark.parametrize(
    'text, shown',
    [
        ('plain ünïcode 人 [red]', 'plain ünïcode 人 [red]'),
        ('\x1b]0;title\x07', '\\x1b]0;title\\x07'),
        ('\x9b31m', '\\x9b31m'),
        ('a\nb\tc\rd', 'a\\nb\\tc\\rd'),
        ('photo\u202egpj.exe', 'photo\\u202egpj.exe'),
        ('caf\udce9', 'caf\\xe9'),
        ('\ud800', '\\ud800'),
    ],
)
def test_control_characters_are_escaped(text, shown):
    assert printable(text) == shown
    shown.encode()  # can be written anywhere


def test_lines_stay_lines():
    assert printable_lines('a\x07\nb') == 'a\\x07\nb'


def test_messages_of_errors_are_printable_and_their_attributes_as_they_were():
    error = UserError('bad \x1b[2J', file='a\x1b[31m\n.jpg', field='x', remedy='none\x07')
    assert str(error) == 'a\\x1b[31m\\n.jpg: x: bad \\x1b[2J\n  remedy: none\\x07'
    assert error.file == 'a\x1b[31m\n.jpg'
