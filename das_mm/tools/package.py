"""`das-mm package`: a checkpoint as a folder that can be pushed to a hub."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from das_mm.command import add_allow_argument, add_config_argument
from das_mm.errors import UserError

HELP = 'write a checkpoint as a folder for a hub: safetensors, .pth, config and model card'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('weights', type=Path, metavar='CKPT', help='checkpoint (.pth or .safetensors)')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR', help='folder to write')
    add_config_argument(
        parser, '--config', metavar='NAME', help='path or name of its config; default: the one in the checkpoint'
    )
    add_allow_argument(parser)
    parser.add_argument('--name', help="of the model on the hub, owner/model; default: the folder's name")
    parser.add_argument(
        '--licence',
        default='other',
        metavar='ID',
        help='of the weights, as the hub names it: apache-2.0, …; default other',
    )
    parser.add_argument(
        '--card',
        type=Path,
        metavar='FILE',
        help='json of what only you know: learnt_from, data, licence, metrics, command, note; default: CKPT with the '
        'suffix .json, if it is there',
    )
    parser.add_argument(
        '--storage',
        choices=('float32', 'float16'),
        default='float32',
        help='what large weights are kept in; they are computed in float32 all the same. Default %(default)s',
    )
    parser.add_argument('--no-pth', action='store_true', help='no .pth beside the safetensors')


def run(args: argparse.Namespace) -> int:
    """Load the model, which shows that its weights are whole, and write the folder."""
    from das_mm.checkpoints.model_card import ModelFacts, model_card
    from das_mm.checkpoints.model_loader import load_model
    from das_mm.checkpoints.optional_packages import require
    from das_mm.checkpoints.portable_model import portable_model
    from das_mm.checkpoints.pretrained import WEIGHTS
    from das_mm.engine import atomic_write, check_writable, file_sha256
    from das_mm.models.estimator_protocol import input_view
    from das_mm.tools.support.report import Report

    report = Report()
    require('safetensors', extra='hub')
    told = _told(args.card, args.weights)
    model: Any = load_model(args.weights, args.config, 'cpu', args.allow)
    check_writable(args.out, 'out')
    portable = portable_model(model, args.storage)
    written = [portable.write(args.out / name) for name in WEIGHTS if name.endswith('.safetensors') or not args.no_pth]
    config = args.out / 'config.py'
    atomic_write(config, portable.meta['cfg'].encode())
    body = model.body
    facts = ModelFacts(
        name=args.name or args.out.resolve().name,
        config=model.provenance['config'],
        tasks=tuple(model.tasks),
        keypoint_set=model.dataset_meta['keypoint_set'],
        num_keypoints=model.num_keypoints,
        num_parameters=sum(one.numel() for one in model.parameters()),
        reads=input_view(model),
        body=None if body is None else body.name,
        files={path.name: file_sha256(path) for path in [*written, config]},
    )
    card = args.out / 'README.md'
    atomic_write(card, model_card(facts, told, args.licence).encode())
    for path in [*written, config, card]:
        report.wrote(f'{path}: {path.stat().st_size / 1e6:.2f} MB')
    if not told:
        report.note(f'nobody has said what it learnt from: add that to {card} before you publish it (or --card FILE)')
    report.say(f'use it: das-mm infer photo.jpg --out results --weights {args.out}')
    report.say(f'push it: hf upload {args.name or "OWNER/MODEL"} {args.out}')
    return 0


def _told(card: Path | None, weights: Path) -> dict[str, Any]:
    """What the makers say."""
    from das_mm.engine.json_files import read_json

    path = card or weights.with_suffix('.json')
    if card is None and not path.is_file():
        return {}
    told = read_json(path)
    if not isinstance(told, dict):
        raise UserError(
            f'it holds a {type(told).__name__}, not an object', file=path, field='card', remedy='give {"data": …, …}'
        )
    return told
