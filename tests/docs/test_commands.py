"""Every command in every document is one that the command line takes: verbs, options, choices, names of configs."""

from __future__ import annotations

import argparse
import importlib
import re

import pytest

from das_mm.cli import verbs
from das_mm.config_files import runnable_configs
from das_mm.project_packages import list_programs
from tests.docs.documents import blocks, commands, documents
from tests.toy_run import REPOSITORY

CONFIG_NAMES = {entry.rsplit('/', 1)[-1].removesuffix('.py') for entry in runnable_configs()}
OF_DOCUMENTS = [
    pytest.param(path, id=path.relative_to(REPOSITORY).as_posix()) for path in documents() if commands(path)
]


def parser_of(program: str, module: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, exit_on_error=False)
    importlib.import_module(module).add_arguments(parser)
    return parser


def parsed(words: list[str]) -> argparse.Namespace | None:
    """What a command line says; None where it only asks for help or completes.

    Raises:
        AssertionError: It is none.
    """
    verb, *rest = words
    assert verb in verbs(), f'there is no verb {verb}'
    if rest == ['--help']:
        return None
    try:
        if verb == 'project':
            assert rest[0] in list_programs(), f'there is no program {rest[0]}'
            project, _, program = rest[0].partition('.')
            return parser_of(f'das-mm project {rest[0]}', f'projects.{project}.{project}.{program}').parse_args(
                rest[1:]
            )
        return parser_of(f'das-mm {verb}', f'das_mm.tools.{verb.replace("-", "_")}').parse_args(rest)
    except SystemExit as stop:
        assert stop.code == 0 and '--help' in rest, ' '.join(words)
        return None


def test_there_are_commands_everywhere():
    pages = {path.relative_to(REPOSITORY).as_posix() for path in documents() if commands(path)}
    assert {'README.md', 'docs/pages/start.md', 'docs/pages/training.md', 'projects/spin/README.md'} <= pages
    assert sum(len(commands(REPOSITORY / page)) for page in pages) > 100


@pytest.mark.parametrize('path', OF_DOCUMENTS)
def test_commands(path):
    for words in commands(path):
        if any(word in ('VERB', '…') for word in words) or 'my_package' in words:
            continue  # about commands in general, and about a package that is the reader's
        words = [word.replace('NAME.PROGRAM', 'spin.fit_dataset') for word in words]
        args = parsed(words)
        config = getattr(args, 'config', None)
        if isinstance(config, str) and re.search(r'_\d+xb\d+|tiny|released', config) and '/' not in config:
            assert config.removesuffix('.py') in CONFIG_NAMES, f'{path}: there is no config {config}'


@pytest.mark.parametrize(
    'wrong', ['das-mm infr a.jpg', 'das-mm infer a.jpg --outt x', 'das-mm demo --out d --task hands']
)
def test_a_wrong_command_is_found(tmp_path, wrong, capsys):
    page = tmp_path / 'page.md'
    page.write_text(f'# x\n\n```bash\ndas-mm {wrong}   # words\n```\n')
    ((words),) = commands(page)
    with pytest.raises((AssertionError, argparse.ArgumentError)):
        parsed(words)


@pytest.mark.parametrize('path', [path for path in documents() if blocks(path, 'python')], ids=lambda path: path.name)
def test_python_says_what_is_there(path):
    """Code compiles, and what it imports from das_mm exists."""
    for code in blocks(path, 'python'):
        compile(code, str(path), 'exec')
        for module, names in re.findall(r'^from (das_mm[\w.]*) import ([\w, ]+)', code, flags=re.MULTILINE):
            for name in names.split(','):
                assert hasattr(importlib.import_module(module), name.strip()), f'{path}: {module}.{name.strip()}'
