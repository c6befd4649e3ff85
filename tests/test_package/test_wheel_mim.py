"""The wheel, installed in an environment of its own: `mim train|test das_mm` and `das-mm train|test`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.toy import write_toy_dataset
from tests.toy_run import REPOSITORY

CONFIG_NAME = min(path.name for path in (REPOSITORY / 'configs' / 'das').glob('das_tiny_*.py'))
# openmim's own demands would change numpy and setuptools under mmcv; these it cannot do without
MIM = (
    'openmim==0.3.9',
    'click',
    'colorama',
    'model-index',
    'ordered-set',
    'markdown',
    'tabulate',
    'pandas<3',
    'pytz',
    'requests',
    'urllib3',
    'idna',
    'certifi',
    'charset-normalizer',
)

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


def run(*words: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(('PYTHON', 'VIRTUAL_ENV'))}
    done = subprocess.run(
        list(map(str, words)),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=400,
        env={**environment, 'OMP_NUM_THREADS': '1'},
    )
    assert done.returncode == 0 or not check, (done.stdout + done.stderr)[-4000:]
    return done


@pytest.fixture(scope='module')
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('dist')
    run(sys.executable, '-m', 'hatchling', 'build', '-t', 'wheel', '-d', folder, cwd=REPOSITORY)
    return next(folder.glob('das_mm-*.whl'))


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
    assert {f'das_mm/.mim/{path.as_posix()}' for path in files('configs')} <= names
    assert 'das_mm/.mim/model-index.yml' in names
    assert not [name for name in names if not name.startswith(('das_mm/', 'das_mm-'))]


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


def test_mim_train_and_test(installed, user_config, tmp_path):
    """`mim train das_mm <config name>` trains on the package's synthetic people, made on the spot."""
    got = run(
        installed / 'python',
        '-m',
        'pip',
        'install',
        '--quiet',
        '--retries',
        '0',
        '--timeout',
        '15',
        '--no-deps',
        *MIM,
        cwd=tmp_path,
        check=False,
    )
    if got.returncode != 0:
        pytest.skip(f'openmim cannot be had here: {got.stderr.strip().splitlines()[-1]}')
    done = run(
        installed / 'mim',
        'train',
        'das_mm',
        CONFIG_NAME,
        '--work-dir',
        'w',
        '--gpus',
        '0',
        '--cfg-options',
        'train_dataloader.dataset.num_images=8',
        'val_dataloader.dataset.num_images=4',
        'train_dataloader.batch_size=4',
        'train_cfg.max_epochs=1',
        'train_cfg.val_interval=1',
        cwd=tmp_path,
    )
    said = done.stdout
    assert '.mim/configs/das/' in said and 'Training finished successfully' in said
    assert '--device cpu' in said  # what mim makes of --gpus 0
    said = run(
        installed / 'mim',
        'test',
        'das_mm',
        user_config,
        '--checkpoint',
        'w/epoch_1.pth',
        '--work-dir',
        't',
        '--out',
        'metrics.json',
        cwd=tmp_path,
    ).stdout
    assert 'Testing finished successfully' in said
    assert any('mpjpe' in name for name in json.loads((tmp_path / 'metrics.json').read_text()))
