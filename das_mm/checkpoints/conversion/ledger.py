"""What became of every weight of a file."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from das_mm.errors import UserError


class Fate(enum.Enum):
    """USED as it is, under its new name; FOLDED into another form that computes the same; DROPPED; ADDED: not in the
    source, and without effect on what the network says."""

    USED = 'used'
    FOLDED = 'folded'
    DROPPED = 'dropped'
    ADDED = 'added'


@dataclass(frozen=True)
class Entry:
    """One tensor: its names in the source and in the result (empty where it is in one of them only)."""

    source: str
    target: str
    fate: Fate
    reason: str = ''

    def group(self) -> tuple[str, str, str, str]:
        """What is printed as one line: the modules, the fate and the reason."""
        return _module(self.source), _module(self.target), self.fate.value, self.reason


class Ledger:
    """Takes a file's weights out one by one, so that none is used twice and none is forgotten.

    Args:
        source: The weights of the file; not modified.
        file: Its name, for messages.
    """

    def __init__(self, source: dict[str, Tensor], file=None):
        self.file = file
        self.result: dict[str, Tensor] = {}
        self.entries: list[Entry] = []
        self._left = dict(source)

    def peek(self, name: str) -> Tensor:
        """A weight that has not been taken yet.

        Raises:
            UserError: It is missing.
        """
        if name not in self._left:
            raise UserError(
                'this weight is missing',
                file=self.file,
                field=f'state_dict.{name}',
                remedy='give a whole checkpoint of that model; nothing can stand for a weight',
            )
        return self._left[name]

    def names(self, prefix: str = '') -> list[str]:
        """Weights that have not been taken yet."""
        return [name for name in self._left if name.startswith(prefix)]

    def use(self, name: str, target: str, change: Callable[[Tensor], Tensor] | None = None, reason: str = '') -> None:
        """Weight ``name`` becomes ``target``, as it is or folded by ``change``.

        Raises:
            UserError: It is missing.
        """
        tensor = self.take(name, target, Fate.FOLDED if change else Fate.USED, reason)
        self.result[target] = change(tensor) if change else tensor

    def take(self, name: str, target: str, fate: Fate, reason: str = '') -> Tensor:
        """Weight ``name``, entered in the books and not yet in the result."""
        tensor = self.peek(name)
        del self._left[name]
        self.entries.append(Entry(name, target, fate, reason))
        return tensor.float() if tensor.is_floating_point() else tensor

    def use_all(self, prefix: str, target: str) -> None:
        """All weights under ``prefix`` become those under ``target``."""
        for name in self.names(prefix):
            self.use(name, target + name.removeprefix(prefix))

    def drop(self, prefix: str, reason: str) -> None:
        """All weights under ``prefix`` are left out."""
        for name in self.names(prefix):
            self.take(name, '', Fate.DROPPED, reason)

    def add(self, target: str, tensor: Tensor, reason: str) -> None:
        """A weight that the source does not have."""
        self.entries.append(Entry('', target, Fate.ADDED, reason))
        self.result[target] = tensor

    def add_batch_counters(self, wanted: dict[str, Tensor]) -> None:
        """The counters of batch norm that older files lack; they count training steps and nothing reads them."""
        for name in wanted:
            if name.endswith('.num_batches_tracked') and name not in self.result:
                self.add(name, torch.tensor(0), 'counts training steps')

    def check_against(self, wanted: dict[str, Tensor], model: str, complete: bool = True) -> None:
        """The result fits a model's weights in names and shapes, and nothing of the source is left.

        Args:
            wanted: The model's ``state_dict`` (on any device).
            model: Its name, for messages.
            complete: Whether every weight of the model must be there.

        Raises:
            UserError: It does not; the message names weights by their names in the source where they have one.
        """
        old_name = {entry.target: entry.source for entry in self.entries if entry.source}

        def named(names: Iterable[str]) -> list[str]:
            return sorted(old_name.get(name, name) for name in names)

        shape = lambda tensor: '×'.join(map(str, tensor.shape)) or 'scalar'
        reshaped = [
            f'{old_name.get(name, name)} ({shape(tensor)}, not {shape(wanted[name])})'
            for name, tensor in self.result.items()
            if name in wanted and tensor.shape != wanted[name].shape
        ]
        missing = named(wanted.keys() - self.result.keys()) if complete else []
        unknown = [*self.names(), *named(self.result.keys() - wanted.keys())]
        bad = [name for name, tensor in self.result.items() if not torch.isfinite(tensor).all()]
        problems = [
            f'{len(names)} {what}: {_shown(names)}'
            for names, what in (
                (missing, 'missing'),
                (unknown, 'that it does not have'),
                (reshaped, 'of another shape'),
                (named(bad), 'not finite'),
            )
            if names
        ]
        if problems:
            raise UserError(
                f'the weights are not those of {model}; {"; ".join(problems)}',
                file=self.file,
                field='state_dict',
                remedy='give the whole checkpoint of such a model, or name the config of yours with --config',
            )

    def groups(self) -> Iterator[tuple[tuple[str, str, str, str], int]]:
        """Groups of entries (:meth:`Entry.group`), and how many tensors each has."""
        counts: dict[tuple[str, str, str, str], int] = {}
        for entry in self.entries:
            counts[entry.group()] = counts.get(entry.group(), 0) + 1
        yield from counts.items()


def _module(name: str) -> str:
    """``bbox_head.cls_convs.0.gn.weight`` -> ``bbox_head.cls_convs``."""
    return '.'.join(name.split('.')[:2])


def _shown(names: list[str], limit: int = 4) -> str:
    return ', '.join(names[:limit]) + (f', and {len(names) - limit} more' if len(names) > limit else '')
