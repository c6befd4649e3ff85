"""Evaluate a checkpoint by its config: `das-mm test`, `mim test das_mm`, `torchrun -m das_mm.tools.test`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from das_mm.command import run_script
from das_mm.errors import UserError
from das_mm.tools.support.run_config import add_common_arguments, load_run_config, running

HELP = 'evaluate a checkpoint on the test set of its config'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common_arguments(parser)
    parser.add_argument('checkpoint', help='the .pth file with the weights')
    parser.add_argument('--out', type=Path, metavar='JSON', help='write the metrics there')
    parser.add_argument('--dump', type=Path, metavar='PKL', help='write the predictions there, for offline evaluation')


def run(args: argparse.Namespace) -> int:
    """Evaluate; see :mod:`das_mm.tools.test`."""
    if args.dump is not None and args.dump.suffix not in ('.pkl', '.pickle'):
        raise UserError(f"'{args.dump}' must end with .pkl or .pickle", field='--dump', remedy='rename it')
    cfg = load_run_config(args)
    for field in ('model', 'test_dataloader', 'test_cfg', 'test_evaluator'):
        if cfg.get(field) is None:
            raise UserError(
                'a config to test needs it',
                file=cfg.filename,
                field=field,
                remedy='inherit a full config with _base_, or add it',
            )
    cfg.load_from, cfg.resume = None, False
    if args.dump is not None:
        evaluators = cfg.test_evaluator if isinstance(cfg.test_evaluator, (list, tuple)) else [cfg.test_evaluator]
        cfg.test_evaluator = [*evaluators, dict(type='DumpResults', out_file_path=str(args.dump))]

    from mmengine.dist import is_main_process
    from mmengine.runner import Runner

    from das_mm.checkpoints.weight_loader import load_checkpoint_strict
    from das_mm.engine import atomic_write

    with running(cfg, args.allow) as ranks:
        runner = Runner.from_cfg(cfg)
        ranks.meet()
        load_checkpoint_strict(runner.model, args.checkpoint)
        runner.logger.info(f'Weights from {args.checkpoint}')
        metrics = runner.test()
        if args.out is not None and is_main_process():
            plain = {name: value.item() if hasattr(value, 'item') else value for name, value in metrics.items()}
            atomic_write(args.out, (json.dumps(plain, indent=2) + '\n').encode())
    return 0


if __name__ == '__main__':
    run_script(sys.modules[__name__])
