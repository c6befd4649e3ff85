"""The wheel, installed in an environment of its own: `mim train|test das_mm` and `das-mm train|test`."""

from __future__ import annotations

import json
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.test_package.processes import run
from tests.toy import write_toy_dataset
from tests.toy_run import REPOSITORY

CONFIG_NAME = min(path.name for path in (REPOSITORY / 'configs' / 'das').glob('das_tiny_*.py'))
OPENMIM = 'openmim==0.3.9'  # alone: what it really needs is the extra `mim`, which this environment has

USER_CONFIG = """
_base_ = 'das_mm::das/{name}'
files = dict(data_root={data!r}, ann_file='annotations.json', data_prefix=dict(img='images'))
train_dataloader = dict(batch_size=2, num_workers=0, dataset=dict(
    _delete_=True, type='DASDataset', keypoint_set='panoptic15', pipeline={{{{_base_.train_pipeline}}}}, **files))
val_dataloader = dict(batch_size=2, num_workers=0, dataset=dict(
    _delete_=True, type='DASDataset', keypoint_set='panoptic15', pipeline={{{{_base_.test_pipeline}}}}, test_mode=True,
    **files))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=1, val_interval=1)
"""


@pytest.fixture(scope='module')
def installed(wheel, tmp_path_factory) -> Path:
    """The `bin` of an environment with the wheel, which sees the other packages of this one but not its das_mm."""
    folder = tmp_path_factory.mktemp('env')
    run(sys.executable, '-m', 'venv', folder, cwd=folder)
    python = folder / 'bin' / 'python'
    ask = 'import sysconfig; print(sysconfig.get_path("purelib"))'
    packages = Path(run(python, '-c', ask, cwd=folder).stdout.strip())
    # a path added this way comes last, and the .pth files in it (of the editable install) are not followed
    (packages / 'host.pth').write_text(sysconfig.get_path('purelib') + '\n')
    run(python, '-m', 'pip', 'install', '--quiet', '--no-index', '--no-deps', wheel, cwd=folder)
    found = run(python, '-c', 'import das_mm; print(das_mm.__file__)', cwd=folder).stdout.strip()
    assert Path(found).parent == packages / 'das_mm'
    return folder / 'bin'


@pytest.fixture(scope='module')
def user_config(tmp_path_factory) -> Path:
    """A user's own config on the package's tiny model, with toy people."""
    folder = tmp_path_factory.mktemp('user')
    write_toy_dataset(folder / 'data', num_images=4)
    path = folder / 'mine.py'
    path.write_text(USER_CONFIG.format(name=CONFIG_NAME, data=str(folder / 'data')))
    return path


def test_the_wheel_is_whole(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())

    def files(folder):
        return {
            path.relative_to(REPOSITORY)
            for path in (REPOSITORY / folder).rglob('*')
            if path.is_file() and '__pycache__' not in path.parts
        }

    assert {path.as_posix() for path in files('das_mm')} <= names
    wanted = {path for folder in ('configs', 'projects') for path in files(folder)}
    tests = {path for path in wanted if path.parts[0] == 'projects' and path.parts[2:3] == ('tests',)}
    assert {f'das_mm/.mim/{path.as_posix()}' for path in wanted - tests} <= names
    assert not {f'das_mm/.mim/{path.as_posix()}' for path in tests} & names
    assert {'das_mm/.mim/model-index.yml', 'das_mm/py.typed'} <= names
    assert not [name for name in names if not name.startswith(('das_mm/', 'das_mm-'))]


def test_names_that_mim_finds_become_configs(installed, tmp_path):
    """mim hands on the path of a file that has the name it was given; without `.py` that is an empty one."""
    name = CONFIG_NAME.removesuffix('.py')
    ask = f"""
import das_mm, pathlib
folder = pathlib.Path(das_mm.__file__).parent / '.mim'
assert (folder / 'names' / {name!r}).is_file()
print(pathlib.Path(das_mm.config_path(str(folder / 'names' / {name!r}))).relative_to(folder))
"""
    assert run(installed / 'python', '-c', ask, cwd=tmp_path).stdout.strip() == f'configs/das/{CONFIG_NAME}'


def test_projects_are_found_from_any_folder(installed, tmp_path):
    """Python would import every project out of the wheel, and its configs are found by their names."""
    ask = """
import importlib.util, das_mm, pathlib
from das_mm.config_files import config_path, runnable_configs
from das_mm.project_packages import list_projects
root = pathlib.Path(das_mm.__file__).parent / '.mim' / 'projects'
for name in list_projects():
    assert pathlib.Path(importlib.util.find_spec(f'projects.{name}.{name}').origin).is_relative_to(root), name
for config in runnable_configs():
    if config.startswith('projects/'):
        assert pathlib.Path(config_path(pathlib.Path(config).stem)).is_relative_to(root), config
print(*list_projects())
"""
    there = sorted(path.parent.name for path in REPOSITORY.glob('projects/*/*/__init__.py'))
    assert run(installed / 'python', '-c', ask, cwd=tmp_path).stdout.split() == [
        name for name in there if name != 'tests'
    ]


def test_das_mm_train_and_test(installed, user_config, tmp_path):
    run(installed / 'das-mm', 'train', user_config, '--work-dir', 'w', cwd=tmp_path)
    run(
        installed / 'das-mm',
        'test',
        user_config,
        'w/epoch_1.pth',
        '--work-dir',
        't',
        '--out',
        'metrics.json',
        cwd=tmp_path,
    )
    assert any('mpjpe' in name for name in json.loads((tmp_path / 'metrics.json').read_text()))


def test_mim_train_and_test(installed, tmp_path):
    """`mim train das_mm <config name>`, with and without `.py`, on the package's synthetic people, made on the spot."""
    pip = [installed / 'python', '-m', 'pip', 'install', '--quiet', '--retries', '0', '--timeout', '15', '--no-deps']
    got = run(*pip, OPENMIM, cwd=tmp_path, check=False)
    if got.returncode != 0:
        pytest.skip(f'openmim cannot be had here: {got.stderr.strip().splitlines()[-1]}')
    small = ['train_dataloader.dataset.num_images=8', 'train_dataloader.batch_size=4', 'train_cfg.max_epochs=1']
    small += [f'{loader}_dataloader.dataset.num_images=4' for loader in ('val', 'test')]
    options = ['--gpus', '0', '--work-dir', 'w', '--cfg-options', *small, 'train_cfg.val_interval=1']

    name = CONFIG_NAME.removesuffix('.py')
    said = run(installed / 'mim', 'train', 'das_mm', name, *options, cwd=tmp_path).stdout
    assert f'.mim/names/{name} ' in said and 'Training finished successfully' in said
    assert '--device cpu' in said  # what mim makes of --gpus 0
    assert (tmp_path / 'w' / CONFIG_NAME).is_file()  # the config that was run, kept as always

    options += ['--checkpoint', 'w/epoch_1.pth', '--out', 'metrics.json']
    said = run(installed / 'mim', 'test', 'das_mm', CONFIG_NAME, *options, cwd=tmp_path).stdout
    assert '.mim/configs/das/' in said and 'Testing finished successfully' in said
    assert any('mpjpe' in name for name in json.loads((tmp_path / 'metrics.json').read_text()))
