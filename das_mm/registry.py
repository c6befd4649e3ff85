"""Registries of the scope ``das_mm``, children of mmpose's.

A type without a prefix inside a ``das_mm`` config is looked for here first and then in mmpose; ``mmdet.X`` reaches
mmdet, and users of mmpose reach ours as ``das_mm.X``. Modules are imported when a registry is first asked.
"""
from mmengine.registry import Registry
from mmpose import registry as mmpose_registry


class _ChildRegistry(Registry):
    """mmengine looks an unprefixed name up among the parent's *imported* modules, so the parent is imported too."""

    def import_from_location(self) -> None:
        super().import_from_location()
        self.parent.import_from_location()


def _child(name: str, *locations: str) -> Registry:
    parent = getattr(mmpose_registry, name)
    return _ChildRegistry(parent.name, parent=parent, scope='das_mm', locations=[f'das_mm.{loc}' for loc in locations])


MODELS = _child('MODELS', 'models')
TASK_UTILS = _child('TASK_UTILS', 'models')
DATASETS = _child('DATASETS', 'datasets')
TRANSFORMS = _child('TRANSFORMS', 'datasets.transforms')
DATA_SAMPLERS = _child('DATA_SAMPLERS', 'datasets')
METRICS = _child('METRICS', 'evaluation')
VISUALIZERS = _child('VISUALIZERS', 'visualization')
HOOKS = _child('HOOKS', 'engine')
INFERENCERS = _child('INFERENCERS', 'apis')
