"""An extension of griffe: the docstrings' Sphinx dialect (roles, plain tables, `::` before code) as Markdown."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from griffe import Extension, Object

_ROLE = re.compile(r':(?:func|class|mod|meth|attr|data):`[~!.]*([^`]+)`')
_EXAMPLE = re.compile(r'^( *)Examples?::\n((?:\n|\1    .*(?:\n|\Z))+)', re.MULTILINE)
_RULE = re.compile(r'^ *=+(?: +=+)+ *$')


class DocstringDialect(Extension):
    """Rewrites each docstring once, when its object has been read."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)


def as_markdown(text: str) -> str:
    """A docstring in Markdown."""
    text = _ROLE.sub(r'`\1`', _with_tables(text)).replace('``', '`')  # columns of tables are counted before
    text = _EXAMPLE.sub(_fenced, re.sub(r'^( *)Example:$', r'\1Examples:', text, flags=re.MULTILINE))
    return re.sub(r'::$', ':', text, flags=re.MULTILINE)


def _fenced(example: re.Match) -> str:
    """`Example::` and the code below it."""
    margin, code = example[1], textwrap.dedent(example[2]).strip('\n')
    return textwrap.indent(f'Examples:\n    ```python\n{textwrap.indent(code, "    ")}\n    ```\n', margin)


def _with_tables(text: str) -> str:
    lines, out, number = text.split('\n'), [], 0
    while number < len(lines):
        if not _RULE.match(lines[number]):
            out.append(lines[number])
            number += 1
            continue
        rules = [i for i in range(number, len(lines)) if _RULE.match(lines[i])]
        blank = next((i for i in range(number, len(lines)) if not lines[i].strip()), len(lines))
        rules = [i for i in rules if i < blank]
        out += _table(lines[number : rules[-1] + 1])
        number = rules[-1] + 1
    return '\n'.join(out)


def _table(lines: list[str]) -> list[str]:
    """A simple table between its rules; a line without a first cell goes on with the row before."""
    margin = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    starts = [match.start() for match in re.finditer('=+', lines[0])]
    ends = [*starts[1:], None]
    rules = [i for i, line in enumerate(lines) if _RULE.match(line)]
    rows: list[list[str]] = []
    for number, line in enumerate(lines):
        if number in rules:
            continue
        cells = [line[start:end].strip().replace('|', '\\|') for start, end in zip(starts, ends)]
        if rows and not cells[0]:
            rows[-1] = [f'{old} {new}'.strip() for old, new in zip(rows[-1], cells)]
        else:
            rows.append(cells)
    head = rows.pop(0) if len(rules) == 3 else [''] * len(starts)
    table = [head, ['---'] * len(starts), *rows]
    return textwrap.indent('\n'.join(f'| {" | ".join(cells)} |' for cells in table), margin).split('\n')
