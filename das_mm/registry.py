"""Registries of the scope ``das_mm``, children of mmpose's.

A type without a prefix inside a ``das_mm`` config is looked for here first and then in mmpose; ``mmdet.X`` reaches
mmdet, and users of mmpose reach ours as ``das_mm.X``. Modules are imported when a registry is first asked.

Every registry of mmpose has a child here, also where we add nothing: with ``default_scope='das_mm'`` mmengine looks
for a child of that scope, and without one it would pass over mmpose's optimizers, codecs, loops, … .
"""

from mmengine.registry import Registry
from mmpose import registry as mmpose_registry


class _ChildRegistry(Registry):
    """mmengine looks an unprefixed name up among the parent's *imported* modules, so the parent is imported too."""

    def import_from_location(self) -> None:
        if self._locations:  # without any, mmengine would go for `das_mm.utils.register_all_modules`
            super().import_from_location()
        self.parent.import_from_location()


def _child(name: str, *locations: str) -> Registry:
    parent = getattr(mmpose_registry, name)
    return _ChildRegistry(parent.name, parent=parent, scope='das_mm', locations=[f'das_mm.{loc}' for loc in locations])


_MODELS = [
    f'models.{room}'
    for room in (
        'backbones',
        'body_models',
        'data_preprocessors',
        'flows',
        'heads',
        'layers',
        'losses',
        'necks',
        'pose_estimators',
    )
]

MODELS = _child('MODELS', *_MODELS)
TASK_UTILS = _child('TASK_UTILS', 'models.task_modules')
DATASETS = _child('DATASETS', 'datasets.datasets', 'datasets.datasets.frame_pairs', 'datasets.synthetic.dataset')
TRANSFORMS = _child('TRANSFORMS', 'datasets.transforms')
DATA_SAMPLERS = _child('DATA_SAMPLERS', 'datasets.samplers')
METRICS = _child('METRICS', 'evaluation.metrics')
VISUALIZERS = _child('VISUALIZERS', 'visualization.visualizer')
HOOKS = _child('HOOKS', 'engine.hooks')
INFERENCERS = _child('INFERENCERS', 'inference.inferencer')

# nothing of ours in these (yet)
BATCH_AUGMENTS = _child('BATCH_AUGMENTS')
EVALUATORS = _child('EVALUATORS')
KEYPOINT_CODECS = _child('KEYPOINT_CODECS')
LOG_PROCESSORS = _child('LOG_PROCESSORS')
LOOPS = _child('LOOPS')
MODEL_WRAPPERS = _child('MODEL_WRAPPERS')
OPTIM_WRAPPER_CONSTRUCTORS = _child('OPTIM_WRAPPER_CONSTRUCTORS')
OPTIM_WRAPPERS = _child('OPTIM_WRAPPERS')
OPTIMIZERS = _child('OPTIMIZERS')
PARAM_SCHEDULERS = _child('PARAM_SCHEDULERS')
RUNNER_CONSTRUCTORS = _child('RUNNER_CONSTRUCTORS')
RUNNERS = _child('RUNNERS')
VISBACKENDS = _child('VISBACKENDS')
WEIGHT_INITIALIZERS = _child('WEIGHT_INITIALIZERS')
