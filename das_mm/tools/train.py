"""Train a model from a config: `das-mm train`, `mim train das_mm`, `torchrun -m das_mm.tools.train`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from das_mm.command import run_script
from das_mm.engine.precision import PRECISIONS
from das_mm.errors import UserError
from das_mm.tools.support.run_config import add_common_arguments, load_run_config, running
from das_mm.tools.support.work_dir_lock import sole_training

if TYPE_CHECKING:
    from mmengine.config import Config

HELP = 'train a model from a config'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common_arguments(parser)
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='go on from this checkpoint; without a value, from the newest whole one in the work directory',
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='mixed precision: float16 on a GPU, bfloat16 on a CPU, where it is quicker only if the processor has it',
    )
    parser.add_argument(
        '--precision',
        choices=PRECISIONS,
        help='of a training on a CPU: bf16 is quicker on a processor that has it, which auto finds out; default: the '
        "config's, float32 where it says nothing",
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help="scale the learning rate to the batch size, by the config's auto_scale_lr.base_batch_size",
    )
    parser.add_argument('--no-validate', action='store_true', help='do not evaluate during training')


def run(args: argparse.Namespace) -> int:
    """Train; see :mod:`das_mm.tools.train`."""
    cfg = load_run_config(args)
    for field in ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper'):
        if cfg.get(field) is None:
            raise UserError(
                'a training config needs it',
                file=cfg.filename,
                field=field,
                remedy='inherit a full config with _base_, or add it',
            )
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if args.precision is not None:
        _use_precision(cfg, args.precision)
    elif args.amp:
        _use_amp(cfg)
    if args.auto_scale_lr:
        if not cfg.get('auto_scale_lr', {}).get('base_batch_size'):
            raise UserError(
                'it is not given',
                file=cfg.filename,
                field='auto_scale_lr.base_batch_size',
                remedy='add auto_scale_lr=dict(base_batch_size=…) to the config',
            )
        cfg.auto_scale_lr.enable = True
    resume = args.resume
    if resume is None and cfg.get('resume'):  # the config's own word for it
        resume = cfg.get('load_from') or 'auto'
    with sole_training(cfg.work_dir):
        if resume is not None:
            _prepare_resume(cfg, resume)
        _train(cfg, args.allow)
    return 0


def _train(cfg: Config, allow: list[str]) -> None:
    from mmengine.runner import Runner

    from das_mm.engine.hooks import CheckpointMetaHook
    from das_mm.tools.support.training_start import load_start, prepare_backbone

    warnings = prepare_backbone(cfg)
    with running(cfg, allow) as ranks:
        runner = Runner.from_cfg(cfg)
        ranks.meet()
        runner.register_hook(CheckpointMetaHook())
        partly = load_start(runner.model, cfg)
        for warning in [*warnings, *filter(None, [partly])]:
            runner.logger.warning(warning)
        runner.train()


def _use_precision(cfg: Config, precision: str) -> None:
    _check_plain_wrapper(cfg, '--precision')
    cfg.optim_wrapper.pop('loss_scale', None)
    cfg.optim_wrapper.update(type='das_mm.BFloat16OptimWrapper', precision=precision)


def _check_plain_wrapper(cfg: Config, option: str) -> None:
    kind = cfg.optim_wrapper.get('type', 'OptimWrapper').removeprefix('das_mm.')
    if kind not in ('OptimWrapper', 'AmpOptimWrapper', 'BFloat16OptimWrapper'):
        raise UserError(
            f"'{kind}' has no mixed precision",
            file=cfg.filename,
            field='optim_wrapper.type',
            remedy=f'leave {option} out, or use OptimWrapper',
        )


def _use_amp(cfg: Config) -> None:
    import torch

    _check_plain_wrapper(cfg, '--amp')
    if not torch.cuda.is_available():
        cfg.optim_wrapper.type = 'das_mm.BFloat16OptimWrapper'
        cfg.optim_wrapper.pop('loss_scale', None)
        return
    cfg.optim_wrapper.type = 'AmpOptimWrapper'
    cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')


def _prepare_resume(cfg: Config, resume: str) -> None:
    """Set `cfg.load_from` to the checkpoint to go on from and the seed to the one it was trained with.

    With no checkpoint yet (killed before the first) training starts from the beginning, as it did.
    """
    cfg.resume = False
    from das_mm.engine.checkpoint_files import check_training_state, newest_complete_checkpoint, read_checkpoint

    if resume == 'auto':
        template = cfg.get('default_hooks', {}).get('checkpoint', {}).get('filename_tmpl')
        newest = newest_complete_checkpoint(cfg.work_dir, template)
        if newest is None:
            return
        resume = str(newest)
    meta = check_training_state(read_checkpoint(resume), resume)
    cfg.resume, cfg.load_from = True, resume
    randomness = cfg.setdefault('randomness', {})
    if randomness.get('seed') is None:  # the order of the data follows from it, before mmengine reads the checkpoint
        randomness.seed = meta.get('seed')


if __name__ == '__main__':
    run_script(sys.modules[__name__])
