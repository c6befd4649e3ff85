"""What is installed, and which rules of this software stack it breaks. Imports nothing that could be broken."""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata, util

_PROBE_TIMEOUT_S = 300


@dataclass(frozen=True)
class Wanted:
    """A package, the versions that work (`at_least` ≤ version < `below`), why no others, and what to install."""

    name: str
    at_least: str
    below: str | None = None
    why: str = ''
    install: str = ''
    optional_for: str = ''


WANTED = (
    Wanted(
        'torch',
        '2.6',
        '2.14',
        'older ones load checkpoints by running what is in them; 2.14 needs C++20 and mmcv 2.1 compiles as C++17',
        'torch==2.12.1 torchvision==0.27.1',
    ),
    Wanted('torchvision', '0.21', install='torchvision==0.27.1'),
    Wanted('mmengine', '0.10.7', '1.0', install='mmengine>=0.10.7,<1.0'),
    Wanted('mmcv', '2.0', '2.2', 'mmdet 3.3 refuses 2.2 and later'),
    Wanted('mmdet', '3.2', '3.4', install='mmdet>=3.2.0,<3.4'),
    # with its dependencies pip would try to build chumpy, which mmpose declares and never imports
    Wanted('mmpose', '1.3', '1.4', install='--no-deps mmpose>=1.3.0,<1.4 json_tricks munkres xtcocotools'),
    Wanted('xtcocotools', '1.14', install='xtcocotools'),
    Wanted('numpy', '1.24', '2.0', 'xtcocotools 1.14 is built against numpy 1', 'numpy==1.26.4'),
    Wanted('scipy', '1.10', install='scipy'),
    Wanted('opencv-python', '4.8', '4.12', '4.12 and later ask for numpy 2', 'opencv-python==4.11.0.86'),
    Wanted('trimesh', '4.4', install='trimesh'),
    Wanted(
        'embreex',
        '2.17',
        install='embreex',
        optional_for='' if platform.machine() == 'x86_64' else 'quick rendering (x86-64)',
    ),
    Wanted('pycocotools', '2.0.7', install='pycocotools'),
    Wanted('smplx', '0.1.28', install='smplx', optional_for='SMPL bodies'),
)

OPENCV_PACKAGES = ('opencv-python', 'opencv-python-headless', 'opencv-contrib-python', 'opencv-contrib-python-headless')

# name: (the package it belongs to, what is run)
PROBES = {
    'torch': ('torch', 'import torch'),
    'torchvision.ops': (
        'torchvision',
        'import torch, torchvision\ntorchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)',
    ),
    'mmcv.ops': ('mmcv', 'import das_mm, mmcv.ops'),
    'cv2': ('opencv-python', 'import cv2'),
    'xtcocotools': ('xtcocotools', 'import xtcocotools.mask'),
    'pkg_resources': ('setuptools', 'import pkg_resources'),
    'embreex': ('embreex', 'import embreex.mesh_construction'),
    'das_mm': ('das-mm', 'import das_mm, mmdet.models, mmpose.models, das_mm.registry'),
}


@dataclass(frozen=True)
class Environment:
    """What was found: versions by distribution name (None: not installed), and the error of each probe that failed."""

    python: str
    versions: dict[str, str | None]
    errors: dict[str, str] = field(default_factory=dict)
    chromium: str | None = None
    pip: str = 'pip'


@dataclass(frozen=True)
class Clash:
    """One thing that is wrong, and the command that mends it."""

    name: str
    problem: str
    command: str


def look_around(
    version_of: Callable[[str], str | None] | None = None,
    probe: Callable[[dict[str, str]], dict[str, str]] | None = None,
) -> Environment:
    """Find versions in the packages' metadata and try what matters away from this process.

    Args:
        version_of: Version of a distribution, None if it is not installed.
        probe: Runs named pieces of python code and returns the error of each, '' if it went well.
    """
    version_of, probe = version_of or _version_of, probe or run_probes
    names = {wanted.name for wanted in WANTED} | set(OPENCV_PACKAGES) | {'mmcv-lite', 'mmcv-full', 'setuptools'}
    versions = {name: version_of(name) for name in sorted(names)}
    tried = {
        name: code
        for name, (owner, code) in PROBES.items()
        if owner not in versions or versions[owner] or (name == 'cv2' and _opencvs(versions))
    }
    errors = probe(tried)
    return Environment(
        platform.python_version(),
        versions,
        {name: text for name, text in errors.items() if text},
        shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome'),
        _pip(),
    )


def find_clashes(found: Environment) -> list[Clash]:
    """The rules of the stack that `found` breaks, the causes before their consequences."""
    clashes = []
    if not (3, 10) <= release(found.python) < (3, 13):
        clashes.append(
            Clash(
                'python',
                f'{found.python} is not one of 3.10, 3.11, 3.12',
                'uv venv --python 3.11 && uv sync --all-extras',
            )
        )
    clashes += _range_clashes(found) + _torchvision_clashes(found) + _mmcv_clashes(found) + _opencv_clashes(found)
    if 'pkg_resources' in found.errors or not found.versions.get('setuptools'):
        clashes.append(
            Clash(
                'setuptools',
                'mmengine needs pkg_resources, which setuptools 82 no longer has',
                f"{found.pip} 'setuptools<81'",
            )
        )
    return clashes + _unexplained(found, clashes)


def _unexplained(found: Environment, clashes: list[Clash]) -> list[Clash]:
    """Probes that failed for no reason known to the rules, and not because something below them is missing."""
    explained = {clash.name for clash in clashes} | {'setuptools'}
    if not _torch_works(found):
        explained |= {'torchvision', 'mmcv'}
    new = []
    for name, (owner, _) in PROBES.items():
        if name in found.errors and owner not in explained and not (name == 'das_mm' and clashes + new):
            again = f'{found.pip} --force-reinstall --no-deps {owner}=={found.versions.get(owner)}'
            new.append(
                Clash(
                    owner,
                    f'{name} does not work: {found.errors[name]}',
                    again if owner in found.versions else 'uv sync --all-extras --reinstall',
                )
            )
    return new


def _torch_works(found: Environment) -> bool:
    return bool(found.versions.get('torch')) and 'torch' not in found.errors


def wanted_text(wanted: Wanted) -> str:
    """The range as pip writes it."""
    return f'>={wanted.at_least}' + (f',<{wanted.below}' if wanted.below else '')


def release(version: str) -> tuple[int, ...]:
    """The numbers of a version: `2.12.1+cu130` is (2, 12, 1)."""
    return tuple(int(number) for number in re.match(r'\d+(?:\.\d+)*', version)[0].split('.'))


def _range_clashes(found: Environment) -> list[Clash]:
    clashes = []
    for wanted in WANTED:
        version = found.versions.get(wanted.name)
        command = (
            _compile_mmcv(found)
            if wanted.name == 'mmcv'
            else f'{found.pip} ' + ' '.join(f"'{word}'" if '<' in word else word for word in wanted.install.split())
        )
        if version is None and wanted.name == 'mmcv' and found.versions.get('mmcv-lite'):
            continue
        if version is None:
            stands_in = _opencvs if wanted.name == 'opencv-python' else _other_mmcvs if wanted.name == 'mmcv' else None
            if wanted.optional_for or (stands_in and stands_in(found.versions)):
                continue
            clashes.append(Clash(wanted.name, 'is not installed', command))
        elif release(version) < release(wanted.at_least) or (
            wanted.below and release(version) >= release(wanted.below)
        ):
            why = f' ({wanted.why})' if wanted.why else ''
            clashes.append(Clash(wanted.name, f'{version} is not {wanted_text(wanted)}{why}', command))
    return clashes


def _torchvision_clashes(found: Environment) -> list[Clash]:
    """torch 2.N goes with torchvision 0.(N+15), and the builds must be of one kind."""
    torch, vision = found.versions.get('torch'), found.versions.get('torchvision')
    if not torch or not vision:
        return []
    needed = f'0.{release(torch)[1] + 15}'
    if release(torch)[0] == 2 and release(vision)[:2] != release(needed):
        problem = f'{vision} was built for another torch than {torch}, which needs {needed}'
    elif 'torchvision.ops' in found.errors and _torch_works(found):
        problem = f'its operators do not work with torch {torch}: {found.errors["torchvision.ops"]}'
    else:
        return []
    # both together, so that one index gives both builds
    return [
        Clash(
            'torchvision',
            problem,
            f"{found.pip} --force-reinstall 'torch=={torch.split('+')[0]}' "
            f"'torchvision=={needed}.*' 'numpy<2'  # or, if there is none: "
            'torch==2.12.1 torchvision==0.27.1, and compile mmcv again',
        )
    ]


def _mmcv_clashes(found: Environment) -> list[Clash]:
    for other in _other_mmcvs(found.versions):
        return [
            Clash(
                'mmcv',
                f'{other} {found.versions[other]} stands in its place: mmdet needs mmcv 2 with its compiled operators',
                f'{_uninstall(found)} {other} && {_compile_mmcv(found)}',
            )
        ]
    version = found.versions.get('mmcv')
    if version and 'mmcv.ops' in found.errors and _torch_works(found):
        return [
            Clash(
                'mmcv',
                f'{version} has no compiled operators that work here: {found.errors["mmcv.ops"]}',
                _compile_mmcv(found),
            )
        ]
    return []


def _opencv_clashes(found: Environment) -> list[Clash]:
    present = _opencvs(found.versions)
    keep = 'opencv-python-headless==4.11.0.86'
    replace = f'{_uninstall(found)} {" ".join(present)} && {found.pip} {keep}'
    if len(present) > 1:
        return [Clash('opencv-python', f'{" and ".join(present)} write into the same folder', replace)]
    error = found.errors.get('cv2', '')
    library = re.search(r'(lib[\w.+-]+\.so[\w.]*): cannot open shared object', error)
    if library:
        package = 'libgl1' if library[1].startswith('libGL') else 'libglib2.0-0'
        return [Clash('opencv-python', f'cv2 needs {library[1]} from the system', f'apt-get install -y {package}')]
    return []


def _opencvs(versions: dict[str, str | None]) -> list[str]:
    return [name for name in OPENCV_PACKAGES if versions.get(name)]


def _other_mmcvs(versions: dict[str, str | None]) -> list[str]:
    return [name for name in ('mmcv-full',) if versions.get(name)]


def _compile_mmcv(found: Environment) -> str:
    return (
        f"{found.pip} 'setuptools<81' wheel ninja && MMCV_WITH_OPS=1 {found.pip} --no-build-isolation --no-deps "
        '--force-reinstall --no-binary mmcv mmcv==2.1.0  # compiles, about 10 minutes'
    )


def _uninstall(found: Environment) -> str:
    return found.pip.replace(' install', ' uninstall') + ('' if found.pip.startswith('uv ') else ' -y')


def _pip() -> str:
    """How packages get into this very environment; those that uv makes have no pip."""
    if util.find_spec('pip') is not None:
        return f'{sys.executable} -m pip install'
    return f'uv pip install --python {sys.executable}'


def _version_of(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


_PROBE_PROGRAM = """
import json, sys, warnings
warnings.simplefilter('ignore')
report = open(int(sys.argv[1]), 'w', buffering=1)
for name, code in json.loads(sys.argv[2]).items():
    report.write(json.dumps([name, None]) + chr(10))
    error = ''
    try:
        exec(code, {})
    except BaseException as problem:
        error = (str(problem).strip().splitlines() or [''])[0]
        error = type(problem).__name__ + ': ' + error
    report.write(json.dumps([name, error]) + chr(10))
"""


def run_probes(codes: dict[str, str]) -> dict[str, str]:
    """Run pieces of python code one after the other, away from this process.

    They share one process, since each import of torch takes seconds; one that brings it down is found by the report it
    did not finish, and the others go on in a new one.

    Returns:
        The error of each, '' if it went well.
    """
    errors: dict[str, str] = {}
    while codes.keys() - errors.keys():
        rest = {name: code for name, code in codes.items() if name not in errors}
        with tempfile.TemporaryFile('w+') as report:
            command = [sys.executable, '-c', _PROBE_PROGRAM, str(report.fileno()), json.dumps(rest)]
            end = _run_quietly(command, report.fileno())
            report.seek(0)
            told = dict(json.loads(line) for line in report)
        errors |= {name: end if error is None else error for name, error in told.items()}
        if not told:
            return errors | {name: end for name in rest}
    return errors


def _run_quietly(command: list[str], kept_open: int) -> str:
    """Run to the end; in words, how it ended if not by itself."""
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            timeout=_PROBE_TIMEOUT_S,
            pass_fds=[kept_open],
        )
    except subprocess.TimeoutExpired:
        return f'no answer within {_PROBE_TIMEOUT_S} s'
    return f'it ends the process (status {done.returncode})'
