"""The scope `das_mm` beside mmpose's and mmdet's, and configs found from outside the package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope, Registry
from mmpose import registry as mmpose_registry

import das_mm
from das_mm import registry
from das_mm.errors import UserError
from tests.toy_run import CONFIG, REPOSITORY

RUNTIME = '_base_/default_runtime.py'
TINY = next(name for name in das_mm.list_configs() if name.startswith('das/das_tiny_'))


def registries(module) -> dict[str, Registry]:
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, Registry) and name.isupper() and not name.startswith('MMENGINE_')
    }


def test_every_registry_of_mmpose_has_its_like():
    ours, theirs = registries(registry), registries(mmpose_registry)
    assert ours.keys() == theirs.keys()
    for name, one in ours.items():
        assert one.scope == 'das_mm' and one.parent is theirs[name].root and one.build_func is theirs[name].build_func


@pytest.mark.parametrize(
    'name, kind, package',
    [
        ('MODELS', 'DASHead', 'das_mm'),
        ('MODELS', 'RLELoss', 'das_mm'),  # ours before mmpose's
        ('MODELS', 'mmpose.RLELoss', 'mmpose'),
        ('MODELS', 'TopdownPoseEstimator', 'mmpose'),
        ('MODELS', 'mmdet.FPN', 'mmdet'),
        ('DATASETS', 'DASDataset', 'das_mm'),
        ('DATASETS', 'CocoDataset', 'mmpose'),
        ('TRANSFORMS', 'PackDASInputs', 'das_mm'),
        ('TRANSFORMS', 'mmdet.PhotoMetricDistortion', 'mmdet'),
        ('METRICS', 'CocoMetric', 'mmpose'),
        ('HOOKS', 'AtomicCheckpointHook', 'das_mm'),
        ('HOOKS', 'PoseVisualizationHook', 'mmpose'),
        ('HOOKS', 'EMAHook', 'mmengine'),
        ('OPTIM_WRAPPERS', 'AmpOptimWrapper', 'mmengine'),
        ('KEYPOINT_CODECS', 'MSRAHeatmap', 'mmpose'),
        ('PARAM_SCHEDULERS', 'QuadraticWarmupLR', 'mmpose'),
    ],
)
def test_names_are_found_across_the_packages(name, kind, package, capfd):
    with DefaultScope.overwrite_default_scope('das_mm'):
        found = getattr(registry, name).get(kind)
        with registry.MODELS.switch_scope_and_registry('das_mm') as switched:
            assert switched is registry.MODELS
    assert found.__module__.split('.')[0] == package
    assert 'Failed to search registry' not in ''.join(capfd.readouterr())


def test_our_runtime_is_mmposes_with_our_hooks():
    cfg = Config.fromfile(das_mm.config_path(RUNTIME))
    assert cfg.default_scope == 'das_mm'
    assert cfg.default_hooks.badcase.type == 'BadCaseAnalysisHook'  # inherited
    assert cfg.default_hooks.checkpoint.type == 'das_mm.AtomicCheckpointHook'


@pytest.mark.parametrize('name', [RUNTIME, TINY])
def test_a_config_outside_the_package_inherits_ours(tmp_path, name):
    user = tmp_path / 'user.py'
    user.write_text(f'_base_ = "das_mm::{name}"\nrandomness = dict(seed=5)\n')
    ours, cfg = Config.fromfile(das_mm.config_path(name)), Config.fromfile(user)
    assert cfg.randomness.seed == 5 and cfg.default_scope == 'das_mm'
    assert cfg.keys() == ours.keys()
    assert cfg.default_hooks == ours.default_hooks


def test_config_names():
    path = das_mm.config_path(f'das_mm::{TINY}')
    assert Path(path).is_file()
    for name in (TINY, TINY.removesuffix('.py'), Path(TINY).name, path):
        assert das_mm.config_path(name) == path
    with pytest.raises(UserError, match=f'did you mean .*{TINY}'):
        das_mm.config_path(Path(TINY).name[:-8])


def test_mmpose_users_who_never_import_us(tmp_path):
    """mmpose's own train.py on a config of its scope with our types, and on one that inherits from ours.

    mmengine knows `package::` for the packages in its own list only, and nothing can extend that list before das_mm is
    imported; `__import__` in `_base_` (an expression that mmengine evaluates) is the way. With mmcv-lite mmpose works
    from then on only.
    """
    import mmpose

    train = Path(mmpose.__file__).parent / '.mim' / 'tools' / 'train.py'
    user = tmp_path / 'user.py'
    text = CONFIG.format(work_dir=str(tmp_path / 'work'), noise=0.1, batch_size=4, num_workers=0)
    scoped = "'das_mm::_base_/default_runtime.py'"
    assert scoped in text
    text = text.replace(scoped, "__import__('das_mm').config_path('_base_/default_runtime.py')")
    user.write_text(text + 'train_cfg = dict(by_epoch=True, max_epochs=1)\n')
    (tmp_path / 'unknown.py').write_text(f'_base_ = {scoped}\n')
    code = f"""
import importlib.util, runpy, sys
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmpose.registry import DATASETS, MODELS
try:
    Config.fromfile({str(tmp_path / 'unknown.py')!r})
except AssertionError as error:
    assert "does not support to load das_mm" in str(error), error
else:
    raise SystemExit("das_mm:: works without das_mm: simplify the documentation")
with DefaultScope.overwrite_default_scope("mmpose"):
    assert "das_mm" not in sys.modules
    if importlib.util.find_spec("mmcv._ext") is None:
        import das_mm
    for registry, name in ((MODELS, "DASHead"), (MODELS, "RLELoss"), (DATASETS, "DASDataset")):
        assert registry.get("das_mm." + name).__module__.startswith("das_mm."), name
sys.argv = ["train.py", {str(user)!r}]
runpy.run_path({str(train)!r}, run_name="__main__")
"""
    done = subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True,
        text=True,
        env={**os.environ, 'PYTHONPATH': str(REPOSITORY), 'OMP_NUM_THREADS': '1'},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / 'work' / 'epoch_1.pth').exists()
