"""The error that a user is meant to read."""

from __future__ import annotations

from .printable import printable, printable_lines


class UserError(ValueError):
    """Bad input, told in the words that mend it: what is wrong, where, and what to do.

    Args:
        problem: What is wrong, with the offending value.
        file: Path of the file at fault, where there is one.
        field: The field, key or option inside it, where there is one.
        remedy: What the user should do.

    The command line prints the message alone (no stack trace) and exits with status 2. What could change a terminal, in
    the name of a file above all, is escaped in the message, not in the attributes.
    """

    def __init__(self, problem: str, *, file=None, field: str | None = None, remedy: str | None = None):
        self.problem, self.file, self.field, self.remedy = problem, file, field, remedy
        where = ': '.join(printable(part) for part in (file, field) if part is not None)
        message = printable_lines(f'{where}: {problem}' if where else problem)
        super().__init__(f'{message}\n  remedy: {printable_lines(remedy)}' if remedy else message)
