"""How a verb is run: what a user reads where a package is missing that no wheel can demand."""

from __future__ import annotations

import pytest

from das_mm import command
from das_mm.errors import UserError


def run_and_read(error: Exception, capsys) -> tuple[int, str]:
    def action():
        raise error

    return command.run_verb('infer', action), capsys.readouterr().err


def test_missing_packages_are_named_with_their_commands(monkeypatch, capsys):
    """mmengine reports a missing mmpose as a class that no registry knows."""
    monkeypatch.setattr(command, 'find_spec', lambda name: None if name == 'mmpose' else 'found')
    for error in (ModuleNotFoundError("No module named 'mmpose'"), UserError("there is no model called 'X'")):
        status, said = run_and_read(error, capsys)
        first, second = said.splitlines()
        assert status == 2 and first == f'das-mm infer: {error}'
        assert second == "  mmpose is not installed: pip install --no-deps 'mmpose>=1.3.0,<1.4'"


def test_nothing_is_added_where_all_is_there(capsys):
    assert run_and_read(UserError('no such file'), capsys) == (2, 'das-mm infer: no such file\n')
    with pytest.raises(ModuleNotFoundError, match='scipy'):
        run_and_read(ModuleNotFoundError("No module named 'scipy'"), capsys)
