"""Registries of what the package is extended by outside configs: converters, layouts, exporters.

Classes that a config builds stand in :mod:`das_mm.registry`, mmengine's way. Those that a verb or a function asks for
by name stand here: nothing heavy is imported, and an entry of the package is imported only when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from das_mm.errors import UserError

Entry = TypeVar('Entry')


class PluginRegistry(Generic[Entry]):
    """Entries by name: the package's own, those registered by a decorator, those of installed packages.

    An installed package adds one without being imported, by an entry point of the group ``das_mm.<kind>s``.

    Args:
        kind: What an entry is called in messages, for instance 'converter'.
        locations: The package's own entries: name -> 'module:attribute', imported when asked for.
        field: The option or key by which users name an entry, for messages.

    Example:
        >>> shouts = PluginRegistry('shout', {'path': 'pathlib:PurePosixPath'})
        >>> @shouts.register('hey')
        ... def hey():
        ...     return 'HEY'
        >>> shouts.names(), shouts.get('hey')(), str(shouts.get('path')('a'))
        (['path', 'hey'], 'HEY', 'a')
    """

    def __init__(self, kind: str, locations: Mapping[str, str] | None = None, field: str | None = None):
        self.kind, self.field = kind, field
        self._locations = dict(locations or {})
        self._registered: dict[str, Any] = {}

    def register(self, name: str) -> Callable[[Entry], Entry]:
        """Decorator that adds a class or function.

        Raises:
            ValueError: The name is taken by something else.
        """

        def add(entry: Entry) -> Entry:
            known = self._registered.get(name)
            # a module that is imported anew brings the same class once more
            again = known is not None and _address(known) == _address(entry)
            if not again and name in self.names():
                raise ValueError(f'there is a {self.kind} {name!r} already')
            self._registered[name] = entry
            return entry

        return add

    def names(self) -> list[str]:
        """All that can be asked for: the package's own first."""
        return list(dict.fromkeys([*self._locations, *self._registered, *self._installed()]))

    def get(self, name: str) -> Any:
        """The entry of a name.

        Raises:
            UserError: There is none, or an installed package's cannot be imported.
        """
        if name in self._registered:
            return self._registered[name]
        if name in self._locations:
            module, _, attribute = self._locations[name].partition(':')
            return getattr(import_module(module), attribute)
        installed = self._installed()
        if name not in installed:
            raise UserError(
                f'{name!r} is no {self.kind}', field=self.field, remedy=f'use one of: {", ".join(self.names())}'
            )
        try:
            return installed[name].load()
        except (ImportError, AttributeError) as error:
            raise UserError(
                f'the {self.kind} {name!r} of an installed package cannot be imported ({error})',
                field=installed[name].value,
                remedy='mend or uninstall that package',
            ) from error

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def _installed(self) -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in entry_points(group=f'das_mm.{self.kind}s')}


def _address(entry: Any) -> tuple[str, str]:
    return entry.__module__, entry.__qualname__
