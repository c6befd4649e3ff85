"""Registries of the scope ``das_mm``: beside mmdet's and mmpose's below the roots of mmengine, mmpose's behind ours.

A type without a prefix inside a ``das_mm`` config is looked for here first and then in mmpose and mmengine; ``mmdet.X``
reaches mmdet; and ``das_mm.X`` is found from every scope: from mmpose's and mmdet's configs and from mmengine's roots.
Modules are imported when a registry is first asked for something.

Every registry of mmpose has its like here, also where we add nothing: with ``default_scope='das_mm'`` mmengine looks
for a registry of that scope, and without one it would pass over mmpose's optimizers, codecs, loops, … .
"""

from mmengine.registry import Registry
from mmpose import registry as mmpose_registry


class _RegistryOverMMPose(Registry):
    """A registry that asks mmpose's for the unprefixed names it does not have itself.

    mmengine finds a scope among the children of a root only, so this one is a child of the root, not of mmpose's. And
    it asks a parent for what has been imported already only, so mmpose's is asked as a registry, and only then are its
    modules imported, which takes seconds.
    """

    def __init__(self, over: Registry, locations: list[str]) -> None:
        super().__init__(over.name, parent=over.root, scope='das_mm', locations=locations)
        self.over = over

    def import_from_location(self) -> None:
        if self._locations:  # without any, mmengine would go for `das_mm.utils.register_all_modules`
            super().import_from_location()

    def get(self, key: str) -> type | None:
        self.import_from_location()
        if '.' in key or key in self.module_dict:
            return super().get(key)
        return self.over.get(key)


def _registry(name: str, *locations: str) -> Registry:
    return _RegistryOverMMPose(getattr(mmpose_registry, name), [f'das_mm.{location}' for location in locations])


_MODELS = [
    f'models.{room}'
    for room in (
        'backbones',
        'body_models',
        'data_preprocessors',
        'discriminators',
        'flows',
        'heads',
        'layers',
        'losses',
        'necks',
        'pose_estimators',
    )
]

MODELS = _registry('MODELS', *_MODELS)
TASK_UTILS = _registry(
    'TASK_UTILS',
    *(
        f'models.task_modules.{module}'
        for module in ('assigner', 'coder', 'keypoint_root_coder', 'oks_nms', 'trackers.registered')
    ),
    'datasets.datasets.mocap_bodies',
    'datasets.datasets.openpose_detections',
    'datasets.datasets.openpose_folder',
)
DATASETS = _registry('DATASETS', 'datasets.datasets')
TRANSFORMS = _registry('TRANSFORMS', 'datasets.transforms')
DATA_SAMPLERS = _registry('DATA_SAMPLERS', 'datasets.samplers')
METRICS = _registry('METRICS', 'evaluation.metrics')
VISUALIZERS = _registry('VISUALIZERS', 'visualization.visualizer')
HOOKS = _registry('HOOKS', 'engine.hooks', 'evaluation.label_body_hook')
OPTIM_WRAPPERS = _registry('OPTIM_WRAPPERS', 'engine.optim_wrappers')
OPTIM_WRAPPER_CONSTRUCTORS = _registry('OPTIM_WRAPPER_CONSTRUCTORS', 'engine.optim_wrappers')
INFERENCERS = _registry('INFERENCERS', 'apis.das_inferencer')
MODEL_WRAPPERS = _registry('MODEL_WRAPPERS', 'models.discriminators')

# nothing of ours in these (yet)
BATCH_AUGMENTS = _registry('BATCH_AUGMENTS')
EVALUATORS = _registry('EVALUATORS')
KEYPOINT_CODECS = _registry('KEYPOINT_CODECS')
LOG_PROCESSORS = _registry('LOG_PROCESSORS')
LOOPS = _registry('LOOPS')
OPTIMIZERS = _registry('OPTIMIZERS')
PARAM_SCHEDULERS = _registry('PARAM_SCHEDULERS')
RUNNER_CONSTRUCTORS = _registry('RUNNER_CONSTRUCTORS')
RUNNERS = _registry('RUNNERS')
VISBACKENDS = _registry('VISBACKENDS')
WEIGHT_INITIALIZERS = _registry('WEIGHT_INITIALIZERS')
