"""Where the package's configs are, how a name given by a person becomes the path of one, and a common change."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UserError
from .project_packages import project_root

if TYPE_CHECKING:
    from mmengine.config import Config

SCOPE_PREFIX = 'das_mm::'


def config_root() -> Path:
    """The folder of the package's configs: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / '.mim' / 'configs'
    return installed if installed.is_dir() else package.parent / 'configs'


def _name_folder() -> Path:
    """In an installed package: empty files called as the configs without `.py`, which mim finds when given a name."""
    return Path(__file__).resolve().parent / '.mim' / 'names'


def list_configs() -> list[str]:
    """Names of all configs, the shared parts included: of the package relative to its root, as `das/das_….py`; of its
    projects as `projects/rle/configs/….py`."""
    ours, projects = config_root(), project_root()
    names = [path.relative_to(ours) for path in ours.rglob('*.py')]
    names += [path.relative_to(projects.parent) for path in projects.glob('*/configs/**/*.py')]
    return sorted(name.as_posix() for name in names)


def runnable_configs() -> list[str]:
    """Those of :func:`list_configs` that are no shared parts."""
    return [name for name in list_configs() if '_base_' not in name.split('/')]


def config_name(path: str | Path) -> str | None:
    """The name of a config of ours by its path; None for any other file."""
    path = Path(path).resolve()
    known = list_configs()
    for root in (config_root(), project_root().parent):
        if path.is_relative_to(root.resolve()) and (name := path.relative_to(root.resolve()).as_posix()) in known:
            return name
    return None


def config_path(name: str) -> str:
    """The path of a config given as a path, or by its name in this package.

    Args:
        name: One of: the path of a file; `das_mm::das/das_x.py`; `das/das_x.py`; `das_x.py`; the same of a project's
            (`projects/rle/configs/rle_x.py`). A name of ours may lack the `.py`.

    Returns:
        The path of a file that exists (absolute for a config of this package).

    Raises:
        UserError: Nothing is called that; the message lists the nearest names.
    """
    name = Path(name).name if Path(name).parent == _name_folder() else str(name)
    ours = name.startswith(SCOPE_PREFIX)
    if not ours and Path(name).is_file():
        return name
    wanted = name.removeprefix(SCOPE_PREFIX)
    wanted = wanted if wanted.endswith('.py') else f'{wanted}.py'
    known = list_configs()
    matches = [wanted] if wanted in known else [entry for entry in known if entry.rsplit('/', 1)[-1] == wanted]
    if len(matches) == 1:
        root = project_root().parent if matches[0].startswith('projects/') else config_root()
        return str(root / matches[0])
    if matches:
        raise UserError(
            f'{len(matches)} configs are called {wanted}: {", ".join(matches)}',
            field='config',
            remedy='give the name with its folder',
        )
    raise UserError(
        f"there is no file and no config of das_mm called '{name}'", field='config', remedy=_suggestion(wanted)
    )


def set_epochs(cfg: Config, epochs: int) -> None:
    """Train longer or shorter: schedules by the epoch end with the training, steps keep their share of it."""
    before, cfg.train_cfg.max_epochs = cfg.train_cfg.max_epochs, epochs
    for scheduler in cfg.get('param_scheduler') or ():
        if not scheduler.get('by_epoch', True):
            continue
        scheduler.update({name: epochs for name in ('end', 'T_max') if name in scheduler})
        if 'milestones' in scheduler:
            scheduler.milestones = [max(1, round(epoch * epochs / before)) for epoch in scheduler.milestones]


def _suggestion(wanted: str) -> str:
    runnable = {entry.rsplit('/', 1)[-1]: entry for entry in runnable_configs()}
    near = difflib.get_close_matches(wanted.rsplit('/', 1)[-1], runnable, n=5, cutoff=0.5)
    if near:
        return 'did you mean ' + ', '.join(runnable[name] for name in near) + '?'
    return 'give the path of a config, or one of: ' + ', '.join(sorted(runnable.values()))
