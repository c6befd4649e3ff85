"""Which conversion a file is for, by the names and shapes of its weights."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from torch import Tensor

from das_mm.errors import UserError
from das_mm.project_packages import PACKAGE, import_project, list_projects

from .checkpoint_kinds import SourceKind
from .registered import CONVERSIONS


def recognise(
    weights: dict[str, Tensor], file: str | Path | None = None, project: str | None = None
) -> type[SourceKind]:
    """The kind of a checkpoint.

    Whole models are asked before backbones, since what is called as torchvision's ResNet may be the trunk of one.
    Conversions of projects are asked without being named: their packages are imported where no whole model of
    das_mm is recognised.

    Args:
        weights: Of the file.
        file: Its name, for messages.
        project: Ask this project's conversions only.

    Raises:
        UserError: None that is known, or several; no such project, or one that converts nothing.
    """
    if project is not None:
        import_project(project)
        own = [kind for kind in _kinds().values() if kind.__module__.startswith(f'{PACKAGE}.{project}.')]
        if not own:
            raise UserError(
                f'the project {project} converts no checkpoints', field='project', remedy='leave --project out'
            )
        found = _one_of((kind for kind in own if kind.recognises(weights)), file)
        return found or _unknown(weights, file, [], project)
    if (found := _recognised(weights, file, whole=True)) is not None:
        return found
    failures = _import_projects()
    found = _recognised(weights, file, whole=True) or _recognised(weights, file, whole=False)
    return found or _unknown(weights, file, failures)


def _recognised(weights: dict[str, Tensor], file: str | Path | None, whole: bool) -> type[SourceKind] | None:
    kinds = (kind for kind in _kinds().values() if kind.is_whole_model == whole and kind.recognises(weights))
    return _one_of(kinds, file)


def _one_of(kinds: Iterable[type[SourceKind]], file: str | Path | None) -> type[SourceKind] | None:
    found = list(kinds)
    if len(found) > 1:
        raise UserError(
            f'several conversions know such weights: {", ".join(kind.title for kind in found)}',
            file=file,
            field='SRC',
            remedy='name the project that it is for: --project NAME',
        )
    return found[0] if found else None


def _kinds() -> dict[str, type[SourceKind]]:
    return {name: CONVERSIONS.get(name) for name in CONVERSIONS.names()}


def _import_projects() -> list[str]:
    """Import all of them; what went wrong, in words."""
    failures = []
    for name in list_projects():
        try:
            import_project(name)
        except UserError as error:
            failures.append(f'the project {name} was not asked: {error.problem}')
    return failures


def _unknown(
    weights: dict[str, Tensor], file: str | Path | None, failures: list[str], project: str | None = None
) -> type[SourceKind]:
    shown = ', '.join(list(weights)[:4])
    known = [
        f'{name} ({kind.title})'
        for name, kind in _kinds().items()
        if project is None or kind.__module__.startswith(f'{PACKAGE}.{project}.')
    ]
    raise UserError(
        '; '.join([f'{len(weights)} weights of an unknown model: {shown}, …', *failures]),
        file=file,
        field='state_dict',
        remedy=f'give a checkpoint of one of: {", ".join(known)}',
    )
