"""`das-mm export FORMAT`: a checkpoint as one file that holds the network and its decoding."""

from __future__ import annotations

import argparse
from pathlib import Path

from das_mm.command import add_allow_argument, add_config_argument
from das_mm.deploy.exporter import EXPORTERS
from das_mm.errors import UserError

HELP = 'write a model as an ONNX file, compared with PyTorch, as a program of torch.export, or as safetensors'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    formats = parser.add_subparsers(dest='format', required=True, metavar='FORMAT')
    for name in EXPORTERS.names():
        exporter = EXPORTERS.get(name)()
        options = formats.add_parser(name, help=exporter.help, description=exporter.help)
        add_config_argument(options, metavar='CONFIG')
        options.add_argument('weights', metavar='CKPT', help='checkpoint')
        options.add_argument(
            '--out', type=Path, metavar='FILE', help='file to write; default: named like the checkpoint, in this folder'
        )
        options.add_argument(
            '--sigma',
            action=argparse.BooleanOptionalAction,
            default=None,
            help='expected error of every keypoint; default: where the model has learnt it',
        )
        add_allow_argument(options)
        exporter.add_arguments(options)


def run(args: argparse.Namespace) -> int:
    """Export, and compare where the format does; 1 where the results differ."""
    exporter = EXPORTERS.get(args.format)()
    exporter.check_packages()  # before a model is loaded
    from das_mm.checkpoints.model_loader import load_model
    from das_mm.engine import check_file_writable
    from das_mm.models.estimator_protocol import input_view
    from das_mm.tools.support.report import Report

    out = args.out or Path(f'{Path(args.weights).stem}{exporter.suffix}')
    check_file_writable(out, '--out')
    model = load_model(args.weights, args.config, 'cpu', args.allow)
    if input_view(model) == 'person' and not exporter.takes_crop_models:
        raise UserError(
            f'{args.format} is written of models that see whole images; this one reads crops of people',
            file=args.weights,
            field='FORMAT',
            remedy='run it by torch (das-mm infer), or register an exporter that takes it (das_mm.deploy.EXPORTERS)',
        )
    if input_view(model) != 'person' and not exporter.takes(model):
        raise UserError(
            f'{args.format} is written of models with the head of DAS; this one is a {type(model).__name__}',
            file=args.weights,
            field='FORMAT',
            remedy='run it by torch (das-mm infer), by the program of its project (das-mm project --help), or register '
            'an exporter that takes it (das_mm.deploy.EXPORTERS)',
        )
    return exporter.run(model, out, args, Report().say)
