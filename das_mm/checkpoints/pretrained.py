"""Weights by the name of a folder or of a model on a hub (Hugging Face), as ``from_pretrained`` is used to them.

Offline: a folder needs no network. A model of the hub is looked for in the cache of ``huggingface_hub`` when the
network is away or forbidden (``HF_HUB_OFFLINE=1``, ``local_files_only``), and what was fetched once is found there.
Nothing in a file is run, wherever it is from (:mod:`das_mm.engine.config_rules`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from das_mm.engine.safetensors_files import SUFFIX
from das_mm.errors import UserError

from .optional_packages import require

#: names of the files that `das-mm package` writes
WEIGHTS = ('model.safetensors', 'model.pth')
MODEL_SUFFIXES = (SUFFIX, '.pth', '.onnx')
_HUB_ID = re.compile(r'[\w][\w.-]*/[\w][\w.-]*')


def is_pretrained_name(name: str | Path) -> bool:
    """Whether a name means a folder or a model of the hub, and not a file.

    Example:
        >>> is_pretrained_name('somebody/das-small'), is_pretrained_name('work_dirs/epoch_12.pth')
        (True, False)
    """
    path = Path(name)
    if path.exists() or path.suffix.lower() in MODEL_SUFFIXES:
        return path.is_dir()
    return _HUB_ID.fullmatch(str(name)) is not None


def pretrained_weights(
    name: str | Path, revision: str | None = None, local_files_only: bool = False, cache_dir: str | Path | None = None
) -> Path:
    """The file of weights of a model.

    Args:
        name: A folder, a file, or the name of a model on the hub: ``somebody/das-small``.
        revision: Of the hub: branch, tag or commit.
        local_files_only: Ask nobody but the cache.
        cache_dir: Of ``huggingface_hub``; its own by default.

    Raises:
        UserError: There is no such thing, it holds no weights, or the hub cannot be reached and the cache has it not.
    """
    if Path(name).is_file():
        return Path(name)
    if Path(name).is_dir():
        return _file_in(Path(name))
    if not is_pretrained_name(name):
        raise UserError(
            'there is no such file or folder',
            file=name,
            field='pretrained',
            remedy="give a folder that das-mm package wrote, or a model's name on the hub (owner/model)",
        )
    return _file_in(_fetched(str(name), revision, local_files_only, cache_dir))


def _file_in(folder: Path) -> Path:
    for known in WEIGHTS:
        if (folder / known).is_file():
            return folder / known
    found = sorted(file for file in folder.iterdir() if file.suffix.lower() in MODEL_SUFFIXES)
    if len(found) != 1:
        names = ', '.join(file.name for file in found[:5])
        raise UserError(
            f'it holds several files of weights: {names}' if found else 'it holds no weights',
            file=folder,
            field='pretrained',
            remedy=f'name one of them, or call it {WEIGHTS[0]}' if found else 'make such a folder: das-mm package CKPT',
        )
    return found[0]


def _fetched(name: str, revision: str | None, local_files_only: bool, cache_dir: str | Path | None) -> Path:
    """The folder of the cache that holds a model's files; safetensors where it has them, for they are one copy less."""
    hub: Any = require('huggingface_hub', extra='hub')
    fetch = lambda suffixes: Path(
        hub.snapshot_download(
            repo_id=name,
            revision=revision,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            allow_patterns=[f'*{suffix}' for suffix in suffixes],
        )
    )
    try:
        folder = fetch([SUFFIX])
        return folder if any(folder.glob(f'*{SUFFIX}')) else fetch(MODEL_SUFFIXES)
    except Exception as error:  # of its HTTP client, of the system, and its own: they share no base
        raise _told(name, revision, error) from error


def _told(name: str, revision: str | None, error: Exception) -> UserError:
    said = ' '.join(str(error).split())[:200]
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & {'RepositoryNotFoundError', 'RevisionNotFoundError', 'GatedRepoError', 'HFValidationError'}:
        return UserError(
            f'the hub has no such model, or not for you{f", or not at {revision}" if revision else ""} ({said})',
            file=name,
            field='pretrained',
            remedy='check the name (owner/model) and the revision; of a private model log in: hf auth login',
        )
    return UserError(
        f'it is not in the cache, and the hub cannot be reached ({type(error).__name__}: {said})',
        file=name,
        field='pretrained',
        remedy=f'fetch it where there is a network (hf download {name} --local-dir DIR) and give that folder',
    )
