"""What a verb says on standard output. Words of ours may be coloured; what users and files name is shown as it is, with
no markup in it and nothing that a terminal would obey."""

from __future__ import annotations

from rich.console import Console, RenderableType
from rich.text import Text

from das_mm.printable import printable_lines


class Report:
    """Lines and tables, as wide as they are.

    Example:
        >>> Report().wrote('out/[red]\\x1b[2J.json')
        wrote out/[red]\\x1b[2J.json
    """

    def __init__(self) -> None:
        self.console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)

    def say(self, text: object, style: str | None = None) -> None:
        """A line."""
        self.console.print(Text(printable_lines(text), style=style or ''))

    def headed(self, head: str, text: object, style: str) -> None:
        """A line whose first word is coloured."""
        self.console.print(Text.assemble((head, style), ' ', printable_lines(text)))

    def wrote(self, text: object) -> None:
        """A line about a file."""
        self.headed('wrote', text, 'green')

    def note(self, text: object) -> None:
        """A line about what should be known."""
        self.headed('note', text, 'yellow')

    def show(self, table: RenderableType) -> None:
        """A table, whose cells are taken as they are."""
        self.console.print(table)
