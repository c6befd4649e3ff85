"""Constructors whose arguments come in groups, and which still take the flat ones of before.

A config lives long: as text in checkpoints and ONNX files, and in users' files that override ours. So what was
``loss_pose=…`` and is ``losses=dict(pose=…)`` now is understood in both forms, and in any mixture of them: a flat key
that stands beside a group overrides it just as a config overrides the one that it inherits.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

from mmengine.config import Config

from das_mm.errors import UserError

Constructor = TypeVar('Constructor', bound=Callable[..., None])


def regroup(
    given: Mapping[str, Any], groups: Mapping[str, Mapping[str, str]], dropped: Collection[str] = ()
) -> dict[str, Any]:
    """A config in groups.

    Args:
        given: A config with keys of groups, flat keys, or both.
        groups: For each group its members: flat key -> key in the group.
        dropped: Flat keys of before that never had an effect.

    Returns:
        The same without flat keys; ``given`` stays as it is.

    Example:
        >>> groups = dict(losses=dict(loss_pose='pose', loss_root='root'))
        >>> base = dict(dims=3, losses=dict(pose=dict(type='RLELoss', prior='laplace'), root=dict(type='L1Loss')))
        >>> regroup({**base, 'loss_pose': dict(prior='gaussian')}, groups)['losses']['pose']
        {'type': 'RLELoss', 'prior': 'gaussian'}
        >>> regroup(dict(loss_pose=dict(type='L1PoseLoss')), groups)
        {'losses': {'pose': {'type': 'L1PoseLoss'}}}
    """
    flat = {key for members in groups.values() for key in members}.union(dropped)
    result = {key: value for key, value in given.items() if key not in flat}
    for group, members in groups.items():
        own = {key: given[flat_key] for flat_key, key in members.items() if flat_key in given}
        if own:
            result[group] = _overridden(result.get(group) or {}, own)
    return result


def takes_flat(
    groups: Mapping[str, Mapping[str, str]], dropped: Collection[str] = ()
) -> Callable[[Constructor], Constructor]:
    """Decorator of an ``__init__`` with groups of arguments: it takes the flat arguments of before too.

    Args:
        groups, dropped: As of :func:`regroup`.
    """

    def decorate(constructor: Constructor) -> Constructor:
        @wraps(constructor)
        def construct(self, *args, **kwargs) -> None:
            constructor(self, *args, **regroup(kwargs, groups, dropped))

        return cast('Constructor', construct)

    return decorate


def _overridden(base: Mapping[str, Any], by: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` overridden as mmengine does when a config inherits, ``_delete_`` included."""
    config = Config(dict(group=_copy(base)))
    config.merge_from_dict(dict(group=_copy(by)))  # it takes the marks out of what it is given
    return _without_marks(config.group)


def _copy(value: Any) -> Any:
    """Dictionaries copied, what they hold as it is: modules may be shared."""
    return {key: _copy(one) for key, one in value.items()} if isinstance(value, dict) else value


def _without_marks(value: Any) -> Any:
    """Plain dictionaries without ``_delete_``, which stays where there was nothing to delete."""
    if isinstance(value, dict):
        return {key: _without_marks(one) for key, one in value.items() if key != '_delete_'}
    return value


def refuse_unknown(group: str, given: Collection[str], known: Collection[str]) -> None:
    """UserError where a group of a config has a key that nobody reads."""
    unknown = set(given) - set(known)
    if unknown:
        raise UserError(
            f'there is no {", ".join(sorted(unknown))} there', field=group, remedy=f'use {", ".join(known)}'
        )
