"""A config of the package with some of its settings changed: what a row of an ablation and a training stage are."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mmengine.config import Config

from das_mm.config_files import config_path


@dataclass(frozen=True)
class ConfigVariant:
    """A base config and what is overridden in it.

    Attributes:
        base: Name of the config in the package.
        overrides: Nested dicts, merged into the config one after the other as mmengine merges a config into its
            ``_base_``: ``_delete_=True`` replaces a dict instead of merging into it.
        without_steps: Types of transforms that are taken out of the training pipeline.
    """

    base: str
    overrides: tuple[Mapping[str, Any], ...] = ()
    without_steps: tuple[str, ...] = field(default=())

    def load(self) -> Config:
        """The resolved config, a new one at every call.

        Raises:
            UserError: The package has no such config.
        """
        cfg = Config.fromfile(config_path(self.base))
        for override in self.overrides:
            cfg.merge_from_dict(copy.deepcopy(dict(override)))  # mmengine takes `_delete_` out of what it is given
        if self.without_steps:
            dataset = cfg.train_dataloader.dataset
            dataset.pipeline = [step for step in dataset.pipeline if step['type'] not in self.without_steps]
        return cfg
