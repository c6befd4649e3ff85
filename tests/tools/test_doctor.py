"""The doctor finds what clashes in made-up environments, and survives any environment."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from das_mm.tools import doctor
from das_mm.tools.diagnosis import environment as environment_module
from das_mm.tools.diagnosis.clashes import find_clashes
from das_mm.tools.diagnosis.environment import Environment, installed_versions, look_around
from das_mm.tools.diagnosis.mmcv_kind import mmcv_kind
from das_mm.tools.diagnosis.probes import PROBES, run_probes
from das_mm.tools.diagnosis.wanted_packages import WANTED, release
from tests.toy_run import REPOSITORY

HEALTHY = {
    'torch': '2.12.1+cu130',
    'torchvision': '0.27.1',
    'mmengine': '0.10.7',
    'mmcv': '2.1.0',
    'mmdet': '3.3.0',
    'mmpose': '1.3.2',
    'xtcocotools': '1.14.3',
    'numpy': '1.26.4',
    'scipy': '1.17.1',
    'opencv-python': '4.11.0.86',
    'onnxruntime': '1.32.0',
    'trimesh': '5.2.0',
    'embreex': '4.4.0.post1',
    'pycocotools': '2.0.11',
    'smplx': '0.1.28',
    'setuptools': '80.9.0',
}
NOT_COMPILED = {'mmcv._ext': "ModuleNotFoundError: No module named 'mmcv._ext'"}


def environment(errors=None, python='3.11.7', **versions) -> Environment:
    changed = {name.replace('_', '-'): version for name, version in versions.items()}
    return Environment(python, HEALTHY | changed, errors or {}, pip='pip install')


def test_nothing_to_say_of_a_healthy_environment():
    assert find_clashes(environment()) == []
    assert find_clashes(environment(smplx=None)) == []  # optional
    assert find_clashes(environment(opencv_python=None, opencv_python_headless='4.11.0.86')) == []
    assert find_clashes(environment(NOT_COMPILED, mmcv=None, mmcv_lite='2.1.0')) == []
    assert find_clashes(environment(NOT_COMPILED)) == []  # mmcv installed without its operators


@pytest.mark.parametrize(
    'found, name, problem, command',
    [
        (environment(python='3.13.1'), 'python', '3.13.1 is not one of', 'uv venv --python 3.11'),
        (
            environment(torch='2.14.0', torchvision='0.29.0'),
            'torch',
            'needs C\\+\\+20',
            'torch==2.12.1 torchvision==0.27.1',
        ),
        (environment(torch='2.1.0', torchvision='0.16.0'), 'torch', '2.1.0 is not >=2.6,<2.14', 'torch==2.12.1'),
        (environment(torchvision='0.26.0'), 'torchvision', 'needs 0.27', "'torchvision==0.27.*'"),
        (
            environment({'torchvision.ops': 'RuntimeError: operator torchvision::nms does not exist'}),
            'torchvision',
            'its operators do not work with torch 2.12.1',
            "'torch==2.12.1' 'torchvision==0.27.*'",
        ),
        (
            environment(mmcv='2.2.0'),
            'mmcv',
            'mmdet 3.3 refuses 2.2',
            'pip uninstall -y mmcv && pip install --no-deps mmcv-lite==2.1.0',
        ),
        (environment(mmcv=None), 'mmcv', 'is not installed', 'pip install --no-deps mmcv-lite==2.1.0'),
        (
            environment({'mmcv._ext': 'ImportError: undefined symbol: _ZN3c10', 'mmcv.ops': 'ImportError: the same'}),
            'mmcv',
            '2.1.0 was compiled for another torch: ImportError: undefined symbol',
            'MMCV_WITH_OPS=1 pip install --no-build-isolation',
        ),
        (
            environment(NOT_COMPILED | {'mmcv.ops': 'ImportError: damaged'}, mmcv=None, mmcv_lite='2.1.0'),
            'mmcv',
            'mmcv.ops does not work: ImportError: damaged',
            'pip install --force-reinstall --no-deps mmcv-lite==2.1.0',
        ),
        (
            environment(mmcv_lite='2.1.0'),
            'mmcv',
            'mmcv and mmcv-lite write into the same folder',
            'pip uninstall -y mmcv mmcv-lite && pip install --no-deps mmcv-lite==2.1.0',
        ),
        (
            environment(mmcv='2.3.6', onedl_mmengine='0.10.12', onedl_mmcv='2.3.6'),
            'onedl',
            'onedl-mmcv, onedl-mmengine write into the folders of mmengine.*must not be mixed',
            'pip uninstall -y onedl-mmcv onedl-mmengine && pip install --force-reinstall --no-deps mmengine==',
        ),
        (
            environment(mmcv=None, mmcv_full='1.7.0'),
            'mmcv',
            'mmcv-full 1.7.0 stands in its place',
            'pip uninstall -y mmcv-full && ',
        ),
        (environment(mmdet='2.28.0'), 'mmdet', '2.28.0 is not >=3.2,<3.4', "'mmdet>=3.2.0,<3.4'"),
        (environment(mmpose=None), 'mmpose', 'is not installed', "--no-deps 'mmpose>=1.3.0,<1.4'"),
        (environment(numpy='2.1.0'), 'numpy', 'xtcocotools 1.14 is built against numpy 1', 'numpy==1.26.4'),
        (
            environment({'pkg_resources': "ModuleNotFoundError: No module named 'pkg_resources'"}, setuptools='82.0.0'),
            'setuptools',
            'mmengine needs pkg_resources',
            "'setuptools<81'",
        ),
        (
            environment({'cv2': 'ImportError: libGL.so.1: cannot open shared object file: No such file'}),
            'opencv-python',
            'cv2 needs libGL.so.1',
            'apt-get install -y libgl1',
        ),
        (
            environment(opencv_python_headless='4.10.0'),
            'opencv-python',
            'opencv-python and opencv-python-headless write',
            'pip uninstall -y opencv-python opencv-python-headless && pip install opencv-python-headless==4.11.0.86',
        ),
        (
            environment({'embreex': 'ImportError: wrong ELF class'}),
            'embreex',
            'does not work: ImportError: wrong ELF class',
            'pip install --force-reinstall --no-deps embreex==4.4.0.post1',
        ),
        (environment({'das_mm': 'ImportError: something new'}), 'das-mm', 'something new', 'uv sync'),
    ],
)
def test_each_clash_and_its_remedy(found, name, problem, command):
    clashes = find_clashes(found)
    assert [clash.name for clash in clashes][:1] == [name]
    assert re.search(problem, clashes[0].problem) and command in clashes[0].command


def test_causes_are_named_and_not_their_consequences():
    """No torch: mmcv, torchvision and we ourselves fail too, and nothing of that needs mending."""
    errors = dict.fromkeys(('torchvision.ops', 'mmcv.ops', 'das_mm'), "ModuleNotFoundError: No module named 'torch'")
    assert [clash.name for clash in find_clashes(environment(errors, torch=None))] == ['torch']
    broken = {'torch': 'OSError: libcudart.so.13: cannot open shared object file', **errors}
    assert [clash.name for clash in find_clashes(environment(broken))] == ['torch']
    errors = dict.fromkeys(
        ('torchvision.ops', 'mmcv.ops', 'das_mm'), 'RuntimeError: operator torchvision::nms does not exist'
    )
    assert [clash.name for clash in find_clashes(environment(errors))] == ['torchvision']


def test_an_empty_machine_is_described(capsys, monkeypatch):
    found = look_around(installed=dict, probe=lambda codes: dict.fromkeys(codes, 'ImportError: no'))
    monkeypatch.setattr(doctor, 'look_around', lambda: found)
    assert doctor.run(None) == 1
    said = capsys.readouterr().out
    assert all(f'✗ {wanted.name}: is not installed' in said for wanted in WANTED if not wanted.optional_for)


def test_without_rich_it_still_speaks(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, 'rich.table', None)
    monkeypatch.setattr(doctor, 'look_around', lambda: environment(mmcv='2.2.0'))
    assert doctor.run(None) == 1
    said = capsys.readouterr().out
    assert re.search(r'mmcv +2\.2\.0 +>=2\.0,<2\.2 +clash', said) and '1 to mend' in said
    monkeypatch.setattr(doctor, 'look_around', environment)
    assert doctor.run(None) == 0 and 'Everything fits together.' in capsys.readouterr().out


def test_probes_that_fail_or_kill_their_process_are_told_apart():
    assert run_probes(
        {
            'good': 'import json',
            'missing': 'import no_such_module',
            'fatal': 'import os; os._exit(3)',
            'killed': 'import os, signal; os.kill(os.getpid(), signal.SIGKILL)',
            'after': 'print("noise")',
        }
    ) == {
        'good': '',
        'missing': "ModuleNotFoundError: No module named 'no_such_module'",
        'fatal': 'it ends the process (status 3)',
        'killed': 'it ends the process (status -9)',
        'after': '',
    }


def test_this_environment_is_seen(monkeypatch):
    """Real metadata; the probes of a real environment take long, so one of them stands for all."""
    monkeypatch.setattr(environment_module, 'PROBES', {'cv2': environment_module.PROBES['cv2']})
    found = look_around()
    assert found.versions['mmengine'] and 'mmcv-full' not in found.versions and found.errors == {}
    assert find_clashes(replace(found, errors={})) == []


@pytest.mark.parametrize(
    'found, kind',
    [
        (environment(), 'compiled'),
        (environment(NOT_COMPILED, mmcv=None, mmcv_lite='2.1.0'), 'torchvision stands in'),
        (environment({'mmcv._ext': 'ImportError: undefined symbol'}), ''),
        (environment(mmcv=None), ''),
    ],
)
def test_kind_of_mmcv_in_the_table(found, kind, capsys, monkeypatch):
    assert mmcv_kind(found) == kind
    monkeypatch.setitem(sys.modules, 'rich.table', None)
    monkeypatch.setattr(doctor, 'look_around', lambda: found)
    assert doctor.run(None) == (0 if kind else 1)
    verdict = f'{kind or "–"} +any +{"ok" if kind else "clash"}'
    assert re.search(f'mmcv operators +{verdict}', capsys.readouterr().out)


def test_kind_of_mmcv_here():
    """What the doctor says of this environment is what Python finds."""
    error = run_probes({'mmcv._ext': PROBES['mmcv._ext'][1]})['mmcv._ext']
    found = Environment('3.11', installed_versions(), {'mmcv._ext': error} if error else {})
    stands_in = 'stand-in' in importlib.util.find_spec('mmcv._ext').origin
    assert mmcv_kind(found) == ('torchvision stands in' if stands_in else 'compiled')


def test_ranges_lie_within_what_the_package_declares():
    tomllib = pytest.importorskip('tomllib')  # from python 3.11 on
    declared = tomllib.loads((REPOSITORY / 'pyproject.toml').read_text())['project']['dependencies']
    declared = {re.match(r'[\w-]+', line)[0]: line for line in declared}
    for wanted in WANTED:
        line = declared.get(wanted.name, '')
        least, below = re.search(r'>=([\d.]+)', line), re.search(r'<([\d.]+)', line)
        assert not least or release(wanted.at_least) >= release(least[1])[:2], line
        if below:
            assert wanted.below and release(wanted.below)[:2] == (*release(below[1]), 0)[:2], line


def test_its_own_process_survives_broken_packages(tmp_path):
    """`das-mm doctor` starts where mmengine and torch cannot be imported."""
    for name in ('mmengine', 'torch', 'numpy'):
        (tmp_path / f'{name}.py').write_text('raise ImportError("broken on purpose")\n')
    done = subprocess.run(
        [sys.executable, '-m', 'das_mm.cli', 'doctor'],
        capture_output=True,
        text=True,
        env={**os.environ, 'PYTHONPATH': f'{tmp_path}:{REPOSITORY}', 'COLUMNS': '100'},
    )
    assert done.returncode == 1, done.stderr
    assert '✗ torch: torch does not work: ImportError: broken on purpose' in done.stdout
    assert 'Traceback' not in done.stderr
