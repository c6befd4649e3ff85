"""yaml for mmengine, read as data: its own reader would call whatever a tag ``!!python/…`` names."""

from __future__ import annotations

from typing import Any

import yaml

_SafeLoader: Any = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
_MOST_VALUES = 1_000_000  # a config has some thousands; aliases of aliases would multiply to any number


class DataLoader(_SafeLoader):
    """Plain values, and tuples, which mmengine writes with a tag of python's.

    Raises:
        yaml.YAMLError: Any other tag, or values that refer to each other without end or to more than a million.
    """

    def get_single_data(self) -> Any:
        data = super().get_single_data()
        if _count(data, {}) > _MOST_VALUES:
            raise yaml.YAMLError(f'its aliases stand for more than {_MOST_VALUES} values')
        return data


def _count(value: Any, known: dict[int, int]) -> int:
    """Values in a structure in which parts may be shared."""
    if not isinstance(value, (dict, list, tuple, set)):
        return 1
    if id(value) not in known:
        known[id(value)] = _MOST_VALUES + 1  # of itself: without end
        parts = (*value, *value.values()) if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_count(part, known) for part in parts)
    return known[id(value)]


def _tuple(loader: Any, node: yaml.SequenceNode) -> tuple:
    return tuple(loader.construct_sequence(node, deep=True))


DataLoader.add_constructor('tag:yaml.org,2002:python/tuple', _tuple)


def read_yaml_as_data() -> None:
    """Let mmengine read every yaml file with :class:`DataLoader`."""
    from mmengine.fileio import register_handler
    from mmengine.fileio.handlers import YamlHandler

    @register_handler(['yaml', 'yml'])
    class DataYamlHandler(YamlHandler):
        def load_from_fileobj(self, file, **kwargs):
            return super().load_from_fileobj(file, **{**kwargs, 'Loader': DataLoader})
