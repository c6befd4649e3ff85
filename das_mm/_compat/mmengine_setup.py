"""What mmengine has to know of das_mm, told to it the moment it is imported and not before."""

from __future__ import annotations

import functools


def teach_mmengine() -> None:
    """Let `_base_ = 'das_mm::…'` find our configs, `torch.load` accept the checkpoints that mmengine writes, and files
    name no code.

    mmengine looks for the configs of a package in `site-packages/<package>/.mim`, which does not exist in an editable
    install, and offers no other way in; so the one function that resolves `package::config` is wrapped.
    """
    from mmengine.config import Config
    from mmengine.config.utils import MODULE2PACKAGE

    from das_mm.config_files import SCOPE_PREFIX, config_path

    from .config_guard import guard_lookups
    from .safe_globals import allow_checkpoint_classes
    from .safe_yaml import read_yaml_as_data

    MODULE2PACKAGE.setdefault('das_mm', 'das_mm')
    resolve = Config._get_cfg_path

    @functools.wraps(resolve)
    def _get_cfg_path(cfg_path: str, filename: str):
        if cfg_path.startswith(SCOPE_PREFIX):
            return config_path(cfg_path), 'das_mm'
        return resolve(cfg_path, filename)

    Config._get_cfg_path = staticmethod(_get_cfg_path)
    guard_lookups()
    read_yaml_as_data()
    allow_checkpoint_classes()


def teach_checkpoint_loader() -> None:
    """Let mmengine read checkpoints whose weights are kept in eight bits, and those of the package by name."""
    from .packaged_scheme import teach_scheme
    from .partial_weights import teach_loader  # torch is loaded by whoever loads checkpoints

    teach_loader()
    teach_scheme()
