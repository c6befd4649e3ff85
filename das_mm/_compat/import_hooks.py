"""An action that runs right after a module is imported, whoever imports it."""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
from collections.abc import Callable


class _RunAfterImport(importlib.abc.MetaPathFinder):
    """Finds module `name` as usual and runs `action` once its body has been executed."""

    def __init__(self, name: str, action: Callable[[], None]):
        self.name, self.action, self.searching = name, action, False

    def find_spec(self, name, path=None, target=None):
        if name != self.name or self.searching:
            return None
        self.searching = True  # the search below comes back here
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self.searching = False
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                if self in sys.meta_path:
                    sys.meta_path.remove(self)
                    self.action()

            spec.loader.exec_module = exec_module
        return spec


def after_import(name: str, action: Callable[[], None]) -> None:
    """Run `action` now if module `name` is imported, else right after its import, whoever imports it."""
    if name in sys.modules:
        action()
    else:
        sys.meta_path.insert(0, _RunAfterImport(name, action))
