"""What `train` and `test` share: their common options, and the way from these to a config that can run here."""

from __future__ import annotations

import argparse
import ast
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError

from das_mm.command import add_allow_argument, add_config_argument
from das_mm.config_files import config_path
from das_mm.engine import check_writable
from das_mm.errors import UserError

from .smpl_path import share_smpl_path

if TYPE_CHECKING:
    from mmengine.config import Config

    from .process_failures import RankProcesses

LAUNCHERS = ('none', 'pytorch', 'slurm', 'mpi')


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of every run from a config. `--launcher`, `--gpus`, `--device` and `--local-rank` are those mim gives."""
    add_config_argument(parser)
    add_allow_argument(parser)
    parser.add_argument('--work-dir', type=Path, metavar='DIR', help='folder of the results; default work_dirs/CONFIG')
    parser.add_argument('--seed', type=int, metavar='N', help='seed of all randomness; default: the one in the config')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='change settings of the config, as in train_dataloader.batch_size=2 model.x="[1,2]"',
    )
    parser.add_argument(
        '--launcher',
        choices=LAUNCHERS,
        default=None,
        help='how the processes were started; default: pytorch under torchrun, else none',
    )
    parser.add_argument(
        '--device',
        choices=('auto', 'cpu', 'cuda'),
        default='auto',
        help='what to run on; default: a GPU where there is one',
    )
    parser.add_argument(
        '--gpus', type=int, metavar='N', help='0 means --device cpu; several need torchrun or --launcher'
    )
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0, help=argparse.SUPPRESS)


def load_run_config(args: argparse.Namespace) -> Config:
    """Read the config, apply the common options, and make it fit this machine. Imports torch and mmengine.

    Raises:
        UserError: The config is unknown or does not parse, an option is wrong, the work directory cannot be written,
            or the device asked for is not there.
    """
    launcher = _choose_launcher(args)
    _choose_device(args, launcher)  # before anything asks torch what devices there are
    from das_mm.engine.config_reader import read_config

    path = config_path(args.config)
    cfg = read_config(path, args.allow)
    smpl_path = cfg.get('smpl_path')
    _merge_options(cfg, args.cfg_options)
    share_smpl_path(cfg, smpl_path)
    cfg.launcher = launcher
    if args.seed is not None:
        cfg.setdefault('randomness', {})['seed'] = args.seed
    if args.work_dir is not None or cfg.get('work_dir') is None:
        cfg.work_dir = str(args.work_dir or Path('work_dirs', Path(path).stem))
    check_writable(cfg.work_dir, '--work-dir')
    if 'preprocess_cfg' in cfg:  # mmpose's older configs
        cfg.model.setdefault('data_preprocessor', cfg.preprocess_cfg)
    if launcher != 'none':
        _prepare_ranks(cfg, launcher)
    return cfg


def _choose_launcher(args: argparse.Namespace) -> str:
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    if args.launcher == 'pytorch' and 'RANK' not in os.environ:
        raise UserError(
            'this process has no rank',
            field='--launcher',
            remedy='torchrun --nproc_per_node N -m das_mm.tools.train … starts several that have one',
        )
    if args.launcher is not None:
        return args.launcher
    return 'pytorch' if 'TORCHELASTIC_RUN_ID' in os.environ else 'none'


def _choose_device(args: argparse.Namespace, launcher: str) -> None:
    if args.gpus is not None and args.gpus > 1 and launcher == 'none':
        raise UserError(
            f'one process uses one GPU, not {args.gpus}',
            field='--gpus',
            remedy=f'torchrun --nproc_per_node {args.gpus} -m das_mm.tools.train …, or give mim --launcher pytorch',
        )
    if args.device == 'cpu' or args.gpus == 0:
        os.environ['CUDA_VISIBLE_DEVICES'] = ''
    import torch

    if args.device == 'cuda' and not torch.cuda.is_available():
        raise UserError('torch sees no GPU', field='--device', remedy='leave it out, or --device cpu')


def _merge_options(cfg: Config, pairs: list[str]) -> None:
    """Put the values of ``--cfg-options`` into a config.

    Raises:
        UserError: A word is no ``KEY=VALUE``, its dictionary cannot be read, or the config has something else there.
    """
    options = _parse_options(pairs)
    try:
        cfg.merge_from_dict(options)
    except (TypeError, KeyError, IndexError) as error:
        raise UserError(
            f'the config has no place for {", ".join(options)}: {error}',
            field='--cfg-options',
            remedy="name the parts as the config does; {'_delete_':True,…} takes the place of what is there",
        ) from None


def _parse_options(pairs: list[str]) -> dict:
    """`key=value` words as mmengine's `DictAction` reads them, and what holds dictionaries, which it cannot."""
    from mmengine.config import DictAction

    plain, structures = [], {}
    for pair in pairs:
        key, equals, value = pair.partition('=')
        if not key or not equals:
            raise UserError(f"'{pair}' is not KEY=VALUE", field='--cfg-options', remedy='write it without blanks')
        if value.lstrip().startswith(('{', 'dict(', '[', '(')) and ('{' in value or 'dict(' in value):
            structures[key] = _structure(key, value)
        else:
            plain.append(pair)
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={})
    return {**parser.parse_args(['--cfg-options', *plain] if plain else []).cfg_options, **structures}


class _DictCalls(ast.NodeTransformer):
    """``dict(name=value)``, as configs write it, to ``{'name': value}``, which ``literal_eval`` reads."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        named = all(keyword.arg for keyword in node.keywords)
        if not (isinstance(node.func, ast.Name) and node.func.id == 'dict' and named and not node.args):
            return node
        return ast.Dict([ast.Constant(keyword.arg) for keyword in node.keywords], [k.value for k in node.keywords])


def _structure(key: str, value: str) -> dict | list | tuple:
    try:
        read = ast.literal_eval(_DictCalls().visit(ast.parse(value.strip(), mode='eval')))
    except (ValueError, SyntaxError):
        read = None
    if not isinstance(read, (dict, list, tuple)):
        raise UserError(
            f'{value} is no dictionary',
            field=f'--cfg-options {key}',
            remedy="write it as Python does, in one word: \"key={'name':'text','number':1}\"",
        )
    return read


def _prepare_ranks(cfg: Config, launcher: str) -> None:
    """Let DDP work without GPUs, which mmengine alone cannot do (gloo: see :func:`running`)."""
    import torch

    if torch.cuda.is_available():
        return
    if launcher != 'pytorch':
        raise UserError(
            f'--launcher {launcher} needs GPUs, and torch sees none',
            field='--launcher',
            remedy='torchrun --nproc_per_node N -m das_mm.tools.train … runs on CPUs too',
        )
    cfg.model_wrapper_cfg = dict(
        dict(
            type='MMDistributedDataParallel',
            broadcast_buffers=False,
            find_unused_parameters=cfg.get('find_unused_parameters', False),
        ),
        **cfg.get('model_wrapper_cfg') or {},
        device_ids=None,
    )


@contextmanager
def running(cfg: Config, allow: Iterable[str] = ()) -> Iterator[RankProcesses]:
    """Around building a runner and using it: the process group is entered and left; an unknown `type`, the end of
    another process and weights that cannot be fetched are told in words.

    The block is given the processes of the run; where it lets them :meth:`~.RankProcesses.meet`, one that ends is
    named. Of a config in yaml or json only what is registered or in `allow` is looked up.
    """
    import torch
    import torch.distributed as dist

    from das_mm._compat.config_guard import guarded
    from das_mm.engine.config_reader import is_data
    from das_mm.engine.config_rules import ConfigRules

    from .process_failures import RankProcesses, process_failure

    ranks = RankProcesses()
    already_in = dist.is_available() and dist.is_initialized()
    if cfg.launcher == 'pytorch' and not torch.cuda.is_available() and not already_in:
        dist.init_process_group('gloo')  # mmengine would first choose a GPU for this rank
    try:
        with guarded(ConfigRules(allow) if is_data(cfg.filename) else None):
            yield ranks
    except URLError as error:
        raise UserError(
            f'weights that the config wants cannot be fetched: {error.reason}',
            file=cfg.filename,
            field='init_cfg',
            remedy='download them and name them: --cfg-options load_from=FILE; or begin with random numbers: '
            'model.backbone.init_cfg=None',
        ) from error
    except RuntimeError as error:
        failure = process_failure(error, ranks) or _unknown_type(error, cfg)
        if failure is None:
            raise
        raise failure from error
    except KeyError as error:
        failure = _unknown_type(error, cfg)
        if failure is None:
            raise
        raise failure from error
    finally:
        if dist.is_available() and dist.is_initialized() and not already_in:
            dist.destroy_process_group()  # torch complains at exit otherwise


def _unknown_type(error: KeyError | RuntimeError, cfg: Config) -> UserError | None:
    """What mmengine says of a `type` that it does not know, or that is not permitted in a config that is data."""
    said = str(error.args[0]) if error.args else ''
    unknown = re.match(r'(?P<name>\S+) is not in the \S+?::(?P<kind>.+?) registry|Failed to get (?P<other>\S+)', said)
    if unknown is None:
        return None
    return UserError(
        f"there is no {unknown['kind'] or 'class'} called '{unknown['name'] or unknown['other']}'",
        file=cfg.filename,
        field='type',
        remedy="correct the name; a class of another package is written 'package.Name', and a module of your own is "
        'named in custom_imports=dict(imports=[…]); where a config in yaml or json names it, allow it: --allow NAME',
    )
