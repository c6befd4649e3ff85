"""`das-mm export onnx`: one ONNX file, compared with PyTorch."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from das_mm.command import size_argument

from .exporter import Exporter

if TYPE_CHECKING:
    from das_mm.models.pose_estimators import DAS


class OnnxExporter(Exporter):
    """One ``.onnx`` file (:mod:`.onnx_export`) and, unless told otherwise, the report of a comparison."""

    help = 'one ONNX file, which das-mm infer takes in place of a checkpoint'
    suffix = '.onnx'
    packages = ('onnx', 'onnxscript', 'onnxruntime')

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument('--half', action='store_true', help='write the network in float16')
        parser.add_argument('--opset', type=int, metavar='N', help="version of ONNX's operators; default 20")
        check = parser.add_argument_group('comparison with PyTorch', 'its report lies beside the file')
        check.add_argument(
            '--images',
            default='synthetic',
            metavar='DIR',
            help='images to compare on; default: synthetic, generated scenes',
        )
        check.add_argument(
            '--check',
            type=int,
            default=20,
            metavar='N',
            help='compare on so many images; default 20; 0: do not compare',
        )
        check.add_argument(
            '--size',
            type=size_argument('448x256', 32),
            metavar='WxH',
            help="compare at this size instead of the config's",
        )

    def run(self, model: DAS, out: Path, args: argparse.Namespace, say: Callable[[str], None]) -> int:
        from das_mm.checkpoints.onnx_model import load_onnx_model

        from .comparison import check_onnx, write_report
        from .onnx_export import DEFAULT_OPSET, export_onnx

        opset = DEFAULT_OPSET if args.opset is None else args.opset
        file = export_onnx(model, out, args.half, opset, args.sigma)
        say(f'{file}: {file.stat().st_size / 1e6:.1f} MB, opset {opset}')
        exported = load_onnx_model(file, 'cpu')  # at least it loads
        if args.check <= 0:
            return 0
        report = check_onnx(model, exported, file, args.images, args.check, args.size)
        say(f'{write_report(report, file)}: ' + _words(report))
        return int(report['passed'] is False)


def _words(report: dict[str, Any]) -> str:
    verdict = {True: 'as PyTorch', False: 'DIFFERS from PyTorch', None: 'half precision'}[report['passed']]
    parts = [report['at_threshold_of_model'], report['crowded'], *report['shapes']]
    time = report['milliseconds']
    return (
        f'{verdict}; {report["images"]["number"]} images, {sum(part["people_torch"] for part in parts)} people, '
        f'largest difference {max(part["max_difference"] for part in parts):.2g}, found by one alone '
        f'{sum(part["unmatched"] for part in parts)}; {time["torch_median"]:.0f} ms an image by PyTorch, '
        f'{time["onnx_median"]:.0f} ms by onnxruntime'
    )
