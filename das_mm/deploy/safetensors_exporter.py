"""`das-mm export safetensors`: weights and config, without anything that could be run."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from das_mm.checkpoints.optional_packages import require

from .exporter import Exporter


class SafetensorsExporter(Exporter):
    """One ``.safetensors`` file, which :func:`.load_model` reads as it does a ``.pth``."""

    help = 'weights and config as one .safetensors file, which infer and other programs take'
    suffix = '.safetensors'
    takes_crop_models = True

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            '--storage', choices=('float32', 'float16'), default='float32', help='of large weights; default %(default)s'
        )

    def check_packages(self) -> None:
        require('safetensors', extra='hub')

    def takes(self, model: Any) -> bool:
        return True

    def run(self, model: Any, out: Path, args: argparse.Namespace, say: Callable[[str], None]) -> int:
        from das_mm.checkpoints.portable_model import portable_model

        file = portable_model(model, args.storage).write(out.with_suffix(self.suffix))
        say(f'{file}: {file.stat().st_size / 1e6:.1f} MB')
        return 0
