"""What a config that came out of a file may name: what is registered in the OpenMMLab packages and by the projects
that come with das_mm, and what the user allowed.

mmengine builds whatever a ``type`` names, be it ``os.system``. A config in python is a program, and the user who gives
one trusts it; a config inside a checkpoint or an ONNX file, or in yaml or json, is data.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import Registry

from das_mm.config_files import config_root
from das_mm.errors import UserError
from das_mm.project_packages import is_project_module, project_root

PACKAGES = ('das_mm', 'mmengine', 'mmpose', 'mmdet')  # the quickest to import first
_CODE_OF = (*PACKAGES, 'mmcv')
_TYPE_KEYS = ('type', 'constructor', 'runner_type', 'ema_type')
_SCOPE_KEYS = ('_scope_', 'default_scope')
_DESCRIPTIONS, _HALVES = ('keypoint_info', 'skeleton_info'), ('', 'upper', 'lower')  # of bodies, in mmpose's metainfo
_ALBUMENTATIONS = ('Albumentation', 'Albu')  # their steps are looked up in that package alone
_PLAIN_TYPES = ('nms', 'soft_nms')  # words of mmcv's, which it evaluates
#: registered, but made to evaluate texts, run other configs or fetch weights that a config names
_NEVER = frozenset(
    {
        'AppearanceFreeLink',
        'BertModel',
        'CameraMotionCompensation',
        'DWPoseDistiller',
        'KnowledgeDistillationSingleStageDetector',
        'LAD',
        'RFSearchHook',
        'RandomSamplingNegPos',
    }
)
_ALLOW = 'if you trust the file and that code, allow it: --allow {name} (in Python allow=[{name!r}])'


class ConfigRules:
    """What one config may name.

    Args:
        allow: What the user trusts beside: packages, modules and classes (``my_package`` stands for all that is in it),
            and paths of python configs.
    """

    def __init__(self, allow: Iterable[str] = ()):
        self.allow = tuple(allow)

    def permits_module(self, name: str) -> bool:
        """Whether a module may be imported: it is of the packages or of our projects, is imported already, or is
        allowed."""
        ours = '__main__' not in name.split('.') and (name.split('.')[0] in _CODE_OF or is_project_module(name))
        return ours or name in sys.modules or self._allows(name)

    def permits_type(self, name: str) -> bool:
        """Whether a class or function may be built by this name."""
        if self._allows(name):
            return True
        known = _registered(name)
        return known is not None and getattr(known, '__name__', '') not in _NEVER

    def permits_config(self, path: str | Path) -> bool:
        """Whether a config may be read: it is no program, comes with one of the packages, or is allowed."""
        path = Path(path)
        if path.suffix.lower() in ('.yaml', '.yml', '.json'):
            return True
        path = path.resolve()
        return any(path.is_relative_to(root) for root in _config_roots()) or path in map(_resolved, self.allow)

    def _allows(self, name: str) -> bool:
        return any(name == one or name.startswith(f'{one}.') for one in self.allow if one)


def check_config(cfg: Mapping[str, Any] | Config, file: str | Path, rules: ConfigRules, where: str = '') -> None:
    """Refuse a config that names code, and import the modules that it may name.

    Args:
        cfg: Plain values, or mmengine's config of such.
        file: Where it is from, for messages.
        rules: What it may name.
        where: What the config is called inside the file, for messages.

    Raises:
        UserError: A ``type`` that is not registered and not allowed; ``custom_imports`` of another package, or one that
            cannot be imported; a config that would be run.
    """
    prefix = f'{where}: ' if where else ''
    _import_modules(cfg.get('custom_imports'), file, rules, prefix)
    try:
        for field, key, value in _named(dict(cfg.items())):
            _check(key, value, file, prefix + field, rules)
    except RecursionError:
        raise UserError(
            'it is nested without end', file=file, field=where or None, remedy='give the config it was made from'
        ) from None


def _check(key: str, value: Any, file: str | Path, field: str, rules: ConfigRules) -> None:
    if value is None or (callable(value) and not isinstance(value, str)):  # only a python config can make an object
        return
    if not isinstance(value, str):
        raise UserError(
            f'a {type(value).__name__} stands where a name is expected',
            file=file,
            field=field,
            remedy='write the name of a registered class',
        )
    permitted = rules.permits_module(f'{value}.registry') if key in _SCOPE_KEYS else rules.permits_type(value)
    if not permitted:
        raise UserError(
            f"'{value}' is not among what {', '.join(PACKAGES)} register for this; a file must not choose what runs",
            file=file,
            field=field,
            remedy=_ALLOW.format(name=value),
        )


def _named(value: Any, field: str = '', above: str = '') -> Iterator[tuple[str, str, Any]]:
    """(field, key, value) of all entries that name something to be built or imported.

    Args:
        value: A part of a config.
        field: Its place.
        above: ``type`` of what it is an argument of.
    """
    if isinstance(value, dict):
        kind = value.get('type')
        for name, part in value.items():
            place = f'{field}.{name}' if field else str(name)
            named = name in _TYPE_KEYS and not (name == 'type' and _is_plain(part, above, field))
            if named or name in _SCOPE_KEYS:
                yield place, name, part
            yield from _named(part, place, kind if isinstance(kind, str) else above)
    elif isinstance(value, (list, tuple, set)):
        for index, part in enumerate(value):
            yield from _named(part, f'{field}[{index}]', above)


def _is_plain(kind: Any, above: str, field: str) -> bool:
    """Whether a ``type`` is a word and names nothing that mmengine would look up."""
    if not isinstance(kind, str):
        return False
    if kind in _HALVES and any(f'{part}.' in field for part in _DESCRIPTIONS):
        return True
    steps_of_albumentations = above.rpartition('.')[-1] in _ALBUMENTATIONS
    return kind in _PLAIN_TYPES or (steps_of_albumentations and re.fullmatch(r'[A-Z][A-Za-z0-9]*', kind) is not None)


def _import_modules(said: Any, file: str | Path, rules: ConfigRules, prefix: str) -> None:
    if not said:
        return
    field = f'{prefix}custom_imports'
    names = said.get('imports') if isinstance(said, dict) else None
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise UserError(
            'it names no modules', file=file, field=field, remedy="write custom_imports=dict(imports=['my_package'])"
        )
    for name in names:
        if not rules.permits_module(name):
            raise UserError(
                f"it would import '{name}', and a file must not choose what is run",
                file=file,
                field=f'{field}.imports',
                remedy=_ALLOW.format(name=name),
            )
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:  # a module is a program: anything can go wrong in it
            if said.get('allow_failed_imports') and isinstance(error, ImportError):
                continue
            raise UserError(
                f"'{name}' cannot be imported ({type(error).__name__}: {error})",
                file=file,
                field=f'{field}.imports',
                remedy='run in the folder, or install the package, where it is',
            ) from error


def _registered(name: str) -> Any:
    """What the packages have registered by a name: bare, with its scope, or with its module; None without."""
    scope, _, bare = name.partition('.')
    if not bare:
        twice = (*PACKAGES, *PACKAGES)  # importing one package may register in another, as mmcv does in mmengine
        return next((found for package in twice if (found := _entry(package, name)) is not None), None)
    if scope in PACKAGES and (found := _entry(scope, bare)) is not None:
        return found
    found = _imported(name)
    if found is None:
        return None
    everything = (
        entry for package in PACKAGES for registry in _registries(package) for entry in registry.module_dict.values()
    )
    return found if any(entry is found for entry in everything) else None


def _entry(package: str, name: str) -> Any:
    for registry in _registries(package):
        registry.import_from_location()
        if name in registry.module_dict:
            return registry.module_dict[name]
    return None


def _registries(scope: str) -> list[Registry]:
    module = importlib.import_module(f'{scope}.registry')
    return [value for value in vars(module).values() if isinstance(value, Registry)]


def _imported(name: str) -> Any:
    """The object that a whole dotted name means among the modules that are imported already."""
    parts = name.split('.')
    module = next((count for count in range(len(parts), 0, -1) if '.'.join(parts[:count]) in sys.modules), 0)
    if not module:
        return None
    found = sys.modules['.'.join(parts[:module])]
    for part in parts[module:]:
        found = getattr(found, part, None)
    return found


def _config_roots() -> Iterator[Path]:
    yield config_root().resolve()
    yield from (path.resolve() for path in project_root().glob('*/configs'))
    for package in ('mmpose', 'mmdet'):
        spec = importlib.util.find_spec(package)
        for place in (spec and spec.submodule_search_locations) or ():
            yield (Path(place) / '.mim' / 'configs').resolve()


def _resolved(path: str) -> Path:
    return Path(path).resolve()
