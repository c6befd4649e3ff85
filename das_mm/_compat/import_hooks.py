<<<<<<<< HEAD:das_mm/_compat/mmengine_setup.py
"""What mmengine has to know of das_mm, told to it the moment it is imported and not before."""

========
"""An action that runs right after a module is imported, whoever imports it."""
>>>>>>>> main:das_mm/_compat/import_hooks.py
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
<<<<<<<< HEAD:das_mm/_compat/mmengine_setup.py


def teach_mmengine() -> None:
    """Let `_base_ = 'das_mm::…'` find our configs and `torch.load` accept the checkpoints that mmengine writes.

    mmengine looks for the configs of a package in `site-packages/<package>/.mim`, which does not exist in an editable
    install, and offers no other way in; so the one function that resolves `package::config` is wrapped.
    """
    from mmengine.config import Config
    from mmengine.config.utils import MODULE2PACKAGE

    from das_mm.config_files import SCOPE_PREFIX, config_path

    from .safe_globals import allow_checkpoint_classes

    MODULE2PACKAGE.setdefault('das_mm', 'das_mm')
    resolve = Config._get_cfg_path

    @functools.wraps(resolve)
    def _get_cfg_path(cfg_path: str, filename: str):
        if cfg_path.startswith(SCOPE_PREFIX):
            return config_path(cfg_path), 'das_mm'
        return resolve(cfg_path, filename)

    Config._get_cfg_path = staticmethod(_get_cfg_path)
    allow_checkpoint_classes()
========
>>>>>>>> main:das_mm/_compat/import_hooks.py
