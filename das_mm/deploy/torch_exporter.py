"""`das-mm export torch`: a program of torch.export."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .exporter import Exporter

if TYPE_CHECKING:
    from das_mm.models.pose_estimators import DAS


class TorchExporter(Exporter):
    """One ``.pt2`` file, see :mod:`.torch_program`."""

    help = 'one .pt2 file, which runs where torch is, without das_mm'
    suffix = '.pt2'

    def run(self, model: DAS, out: Path, args: argparse.Namespace, say: Callable[[str], None]) -> int:
        from .torch_program import export_torch

        file = export_torch(model, out, args.sigma)
        say(f'{file}: {file.stat().st_size / 1e6:.1f} MB')
        return 0
