"""`das-mm export onnx`, `das-mm export torch`: a checkpoint as one file that holds the network and its decoding."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from das_mm.command import add_config_argument

from .support.sizes import size_argument

if TYPE_CHECKING:
    from rich.console import Console

    from das_mm.models.pose_estimators import DAS

HELP = 'write a model as an ONNX file, compared with PyTorch, or as a program of torch.export'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(dest='kind', required=True, metavar='FORMAT')
    onnx = kinds.add_parser('onnx', help='one ONNX file, which das-mm infer takes in place of a checkpoint')
    program = kinds.add_parser('torch', help='one .pt2 file, which runs where torch is, without das_mm')
    for kind in (onnx, program):
        add_config_argument(kind, metavar='CONFIG')
        kind.add_argument('weights', metavar='CKPT', help='checkpoint')
        kind.add_argument(
            '--out', type=Path, metavar='FILE', help='file to write; default: named like the checkpoint, in this folder'
        )
        kind.add_argument(
            '--sigma',
            action=argparse.BooleanOptionalAction,
            default=None,
            help='expected error of every keypoint; default: where the model has learnt it',
        )
    onnx.add_argument('--half', action='store_true', help='write the network in float16')
    onnx.add_argument('--opset', type=int, metavar='N', help="version of ONNX's operators; default 20")
    check = onnx.add_argument_group('comparison with PyTorch', 'its report lies beside the file')
    check.add_argument(
        '--images',
        default='synthetic',
        metavar='DIR',
        help='images to compare on; default: synthetic, generated scenes',
    )
    check.add_argument(
        '--check', type=int, default=20, metavar='N', help='compare on so many images; default 20; 0: do not compare'
    )
    check.add_argument(
        '--size', type=size_argument('448x256', 32), metavar='WxH', help="compare at this size instead of the config's"
    )


def run(args: argparse.Namespace) -> int:
    """Export and compare; 1 where the results differ."""
    from rich.console import Console

    from das_mm.checkpoints.model_loader import load_model
    from das_mm.checkpoints.optional_packages import require

    if args.kind == 'onnx':
        for package in ('onnx', 'onnxscript', 'onnxruntime'):  # before a model is loaded
            require(package)
    console = Console(highlight=False, soft_wrap=True)
    model = load_model(args.weights, args.config, 'cpu')
    if args.kind == 'onnx':
        return _onnx(args, model, console)
    from das_mm.deploy import export_torch

    file = export_torch(model, args.out or Path(f'{Path(args.weights).stem}.pt2'), args.sigma)
    console.print(f'{file}: {file.stat().st_size / 1e6:.1f} MB')
    return 0


def _onnx(args: argparse.Namespace, model: DAS, console: Console) -> int:
    from das_mm.checkpoints.onnx_model import load_onnx_model
    from das_mm.deploy import DEFAULT_OPSET, check_onnx, export_onnx, write_report

    out = args.out or Path(f'{Path(args.weights).stem}.onnx')
    opset = DEFAULT_OPSET if args.opset is None else args.opset
    file = export_onnx(model, out, args.half, opset, args.sigma)
    console.print(f'{file}: {file.stat().st_size / 1e6:.1f} MB, opset {opset}')
    exported = load_onnx_model(file, 'cpu')  # at least it loads
    if args.check <= 0:
        return 0
    report = check_onnx(model, exported, file, args.images, args.check, args.size)
    console.print(f'{write_report(report, file)}: ' + _words(report))
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
