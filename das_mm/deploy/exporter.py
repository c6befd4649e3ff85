"""What `das-mm export FORMAT` asks of a format, and the formats there are; another package can add one.

::

    from das_mm.deploy import EXPORTERS, Exporter

    @EXPORTERS.register('weights')
    class WeightsExporter(Exporter):
        help, suffix = 'the bare weights as .npz', '.npz'

        def run(self, model, out, args, say):
            np.savez(out, **{name: value.numpy() for name, value in model.state_dict().items()})
            return 0

An installed package names its class in the entry points of the group ``das_mm.model_exporters``.
"""

from __future__ import annotations

import argparse
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from das_mm.checkpoints.optional_packages import require
from das_mm.plugin_registry import PluginRegistry

if TYPE_CHECKING:
    from das_mm.models.pose_estimators import DAS


class Exporter(ABC):
    """One format, without state; its module imports what is heavy when it runs.

    Attributes:
        help: What the format is, in a line.
        suffix: Of its files, with the dot.
        packages: Optional packages that it needs.
        takes_crop_models: It can write models that read crops of people, too.
    """

    help: str
    suffix: str
    packages: tuple[str, ...] = ()
    takes_crop_models: bool = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:  # noqa: B027  most have no options
        """Options beside config, checkpoint, ``--out`` and ``--sigma``; by default none."""

    def check_packages(self) -> None:
        """Refuse before a model is loaded.

        Raises:
            UserError: A package is missing.
        """
        for package in self.packages:
            require(package)

    def takes(self, model: Any) -> bool:
        """Whether it can write a model that reads whole images; by default those with DAS's head."""
        from das_mm.models.heads import DASHead  # torch and mmpose are loaded by who has a model

        return isinstance(getattr(model, 'head', None), DASHead)

    @abstractmethod
    def run(self, model: DAS, out: Path, args: argparse.Namespace, say: Callable[[str], None]) -> int:
        """Write a model, in evaluation mode on the CPU, and tell what was written.

        Args:
            model: Made by :func:`.load_model`.
            out: The file wanted.
            args: The command line; ``args.sigma`` is None where nothing was said.
            say: Tells the user a line.

        Returns:
            The exit status of the command: 0, or 1 where the file does not give what the model gives.
        """


EXPORTERS: PluginRegistry[type[Exporter]] = PluginRegistry(
    'model_exporter',
    {
        'onnx': 'das_mm.deploy.onnx_exporter:OnnxExporter',
        'torch': 'das_mm.deploy.torch_exporter:TorchExporter',
        'safetensors': 'das_mm.deploy.safetensors_exporter:SafetensorsExporter',
    },
    field='FORMAT',
)
