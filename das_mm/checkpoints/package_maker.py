"""A checkpoint as it comes with the package: the weights alone, and a card that says how they were made.

    python -m das_mm.checkpoints.package_maker work_dirs/b/epoch_20.pth CONFIG_NAME OUT_DIR card.json

``card.json`` holds what only people know: the commands, the machine, the figures; the rest is filled in here.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import torch
from mmengine.registry import DefaultScope

from das_mm._compat.eight_bits import EIGHT_BIT_SCALES, LEAST_SIZE, to_eight_bits
from das_mm._compat.packaged_files import packaged_file
from das_mm._compat.partial_weights import REST_FROM
from das_mm.config_files import config_path
from das_mm.engine import atomic_write
from das_mm.engine.checkpoint_files import read_checkpoint
from das_mm.engine.config_reader import read_config
from das_mm.errors import UserError
from das_mm.registry import MODELS

#: what large weights may be kept in
STORAGES = ('float32', 'float16', 'int8')


def package_weights(
    checkpoint: str | Path,
    config: str,
    out_dir: str | Path,
    card: dict,
    storage: str = 'float32',
    rest_from: str | None = None,
) -> Path:
    """Writes ``OUT_DIR/CONFIG.pth`` and ``OUT_DIR/CONFIG.json``.

    Args:
        checkpoint: Written by training; it may have branches that the config lacks, which are left out.
        config: Name of the config that the weights are for.
        out_dir: An existing folder.
        card: What is to be said of them.
        storage: What weights of two dimensions and more are kept in: 'float32', 'float16' or 'int8'
            (:mod:`das_mm._compat.eight_bits`); they are computed in float32 all the same.
        rest_from: Name of weights of the package: what is equal to theirs is left out
            (:mod:`das_mm._compat.partial_weights`).

    Returns:
        The ``.pth``.

    Raises:
        UserError: The checkpoint lacks a weight of the model, or has another shape; there are no such weights to leave
            the rest to.
    """
    cfg = read_config(config_path(config))
    with DefaultScope.overwrite_default_scope('das_mm'):
        model = MODELS.build(cfg.model)
    found = read_checkpoint(checkpoint)
    weights = found.get('state_dict', found)
    # a head that only teaches stays behind
    own = {name: value for name, value in model.state_dict().items() if not name.startswith('auxiliary_head.')}
    wrong = [name for name, value in own.items() if name not in weights or weights[name].shape != value.shape]
    if wrong:
        raise UserError(
            f'{len(wrong)} weights of the model are not in it or have another shape, {wrong[0]} for one',
            file=checkpoint,
            field='state_dict',
            remedy=f'give a checkpoint that was trained with {config}',
        )
    keypoint_set = cfg.keypoint_set
    rest = {} if rest_from is None else read_checkpoint(packaged_file(rest_from, field='rest_from'))['state_dict']
    new = {name: weights[name] for name in own if name not in rest or not torch.equal(weights[name], rest[name])}
    stored, scales = _stored(new, storage)
    meta = dict(config=Path(config).stem, dataset_meta=dict(keypoint_set=keypoint_set))
    content: dict[str, Any] = dict(meta=meta, state_dict=stored)
    if scales:
        content[EIGHT_BIT_SCALES] = scales
    if rest_from is not None:
        content[REST_FROM] = rest_from
    buffer = io.BytesIO()
    torch.save(content, buffer)
    target = Path(out_dir) / f'{Path(config).stem}.pth'
    atomic_write(target, buffer.getvalue())
    card = dict(config=Path(config).stem, sha256=hashlib.sha256(buffer.getvalue()).hexdigest(), **card)
    atomic_write(target.with_suffix('.json'), (json.dumps(card, indent=2) + '\n').encode())
    return target


def _stored(weights: dict[str, torch.Tensor], storage: str) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Weights as they are written, and the scales of those in eight bits."""
    stored, scales = {}, {}
    for name, value in weights.items():
        large = value.is_floating_point() and value.ndim > 1
        if large and storage == 'int8' and value.numel() >= LEAST_SIZE:
            stored[name], scales[name] = map(torch.from_numpy, to_eight_bits(value.float().numpy()))
        else:
            stored[name] = value.half() if large and storage != 'float32' else value.clone()
    return stored, scales


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ('checkpoint', 'config', 'out_dir', 'card'):
        parser.add_argument(name)
    parser.add_argument('--storage', choices=STORAGES, default='float32', help='what large weights are kept in')
    parser.add_argument('--rest-from', metavar='NAME', help='weights of the package: what equals theirs is left out')
    args = parser.parse_args()
    card = json.loads(Path(args.card).read_text(encoding='utf-8'))
    written = package_weights(args.checkpoint, args.config, args.out_dir, card, args.storage, args.rest_from)
    num_stored = len(torch.load(written, map_location='cpu', weights_only=True)['state_dict'])
    rest = '' if args.rest_from is None else f'; what equals {args.rest_from} is left out'
    print(f'{written}: {num_stored} weights{rest}')


if __name__ == '__main__':
    main()
