"""What verbs print: no markup in what users named, and nothing that a terminal would obey."""

from __future__ import annotations

import pytest
from rich.table import Table

from das_mm.tools.support.report import Report

NAMES = ['[/]', '[red]x[/red]', '[link=http://x]a[/link]', ':smile:', 'a\\', '[bold', 'plain']


@pytest.mark.parametrize('name', NAMES)
def test_names_are_shown_as_they_are(capsys, name):
    told, table = Report(), Table('file')
    table.add_row(name)
    told.say(name)
    told.wrote(name)
    told.note(name)
    told.headed('left out', name, 'red')
    told.show(table)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [name, f'wrote {name}', f'note {name}', f'left out {name}']
    assert any(name in line for line in lines[4:])


def test_terminal_escapes_are_shown_escaped(capsys):
    Report().say('a\x1b[2Jb\x07\nc\udce9')
    assert capsys.readouterr().out == 'a\\x1b[2Jb\\x07\nc\\xe9\n'


def test_long_lines_are_not_broken(capsys):
    Report().wrote('x' * 500)
    assert capsys.readouterr().out == f'wrote {"x" * 500}\n'
