"""The rules of this software stack that an environment breaks, and the command that mends each."""

from __future__ import annotations

import re

from .environment import Clash, Environment
from .mmcv_kind import MMCV_LITE, mmcv_clashes, onedl_clashes
from .probes import PROBES
from .wanted_packages import WANTED, Wanted, release, wanted_text


def find_clashes(found: Environment) -> list[Clash]:
    """The rules that `found` breaks, the causes before their consequences."""
    clashes = _python_clashes(found) + onedl_clashes(found)
    strangers = {'mmengine', 'mmcv', 'mmdet'} if onedl_clashes(found) else set()
    clashes += [clash for wanted in WANTED if wanted.name not in strangers for clash in _range_clashes(found, wanted)]
    clashes += _torchvision_clashes(found) + mmcv_clashes(found) + _opencv_clashes(found)
    if 'pkg_resources' in found.errors or not found.versions.get('setuptools'):
        problem = 'mmengine needs pkg_resources, which setuptools 82 no longer has'
        clashes.append(Clash('setuptools', problem, f"{found.pip} 'setuptools<81'"))
    return clashes + _unexplained(found, {clash.name for clash in clashes} | strangers)


def _python_clashes(found: Environment) -> list[Clash]:
    if (3, 10) <= release(found.python) < (3, 13):
        return []
    problem = f'{found.python} is not one of 3.10, 3.11, 3.12'
    return [Clash('python', problem, 'uv venv --python 3.11 && uv sync --all-extras')]


def _range_clashes(found: Environment, wanted: Wanted) -> list[Clash]:
    """Missing, too old, too new."""
    words = (f"'{word}'" if '<' in word else word for word in wanted.install.split())
    command = f'{found.pip} {" ".join(words)}'
    providers = found.providers(wanted.name)
    if not providers:
        return [] if wanted.optional_for else [Clash(wanted.name, 'is not installed', command)]
    version = found.versions[providers[0]] or ''
    below = not wanted.below or release(version) < release(wanted.below)
    if (release(version) >= release(wanted.at_least) and below) or 'mmcv-full' in providers:  # told of by its own rule
        return []
    if wanted.name == 'mmcv':
        command = f'{found.uninstall} {" ".join(providers)} && {command}'
    why = f' ({wanted.why})' if wanted.why else ''
    return [Clash(wanted.name, f'{version} is not {wanted_text(wanted)}{why}', command)]


def _torchvision_clashes(found: Environment) -> list[Clash]:
    """torch 2.N goes with torchvision 0.(N+15), and the builds must be of one kind."""
    torch, vision = found.versions.get('torch'), found.versions.get('torchvision')
    if not torch or not vision:
        return []
    needed = f'0.{release(torch)[1] + 15}'
    if release(torch)[0] == 2 and release(vision)[:2] != release(needed):
        problem = f'{vision} was built for another torch than {torch}, which needs {needed}'
    elif 'torchvision.ops' in found.errors and found.torch_works:
        problem = f'its operators do not work with torch {torch}: {found.errors["torchvision.ops"]}'
    else:
        return []
    command = (  # both together, so that one index gives both builds
        f"{found.pip} --force-reinstall 'torch=={torch.split('+')[0]}' 'torchvision=={needed}.*' 'numpy<2'"
        '  # or, if there is none: torch==2.12.1 torchvision==0.27.1, and a compiled mmcv again'
    )
    return [Clash('torchvision', problem, command)]


def _opencv_clashes(found: Environment) -> list[Clash]:
    present = found.providers('opencv-python')
    if len(present) > 1:
        keep = 'opencv-python-headless==4.11.0.86'
        command = f'{found.uninstall} {" ".join(present)} && {found.pip} {keep}'
        return [Clash('opencv-python', f'{" and ".join(present)} write into the same folder', command)]
    library = re.search(r'(lib[\w.+-]+\.so[\w.]*): cannot open shared object', found.errors.get('cv2', ''))
    if library:
        package = 'libgl1' if library[1].startswith('libGL') else 'libglib2.0-0'
        return [Clash('opencv-python', f'cv2 needs {library[1]} from the system', f'apt-get install -y {package}')]
    return []


def _unexplained(found: Environment, explained: set[str]) -> list[Clash]:
    """Probes that failed for no reason known to the rules, and not because something below them is missing."""
    any_cause = bool(explained)
    explained = explained | {'setuptools'}
    if not found.torch_works or 'torchvision' in explained:
        explained |= {'torchvision', 'mmcv'}
    new = []
    for name, (owner, _) in PROBES.items():
        if name == 'mmcv._ext' or name not in found.errors or owner in explained:
            continue
        if name == 'das_mm' and (any_cause or new):
            continue
        again = {
            'das-mm': 'uv sync --all-extras --reinstall',
            'mmcv': f'{found.pip} --force-reinstall --no-deps {MMCV_LITE}',
        }.get(owner, f'{found.pip} --force-reinstall --no-deps {owner}=={found.versions.get(owner)}')
        new.append(Clash(owner, f'{name} does not work: {found.errors[name]}', again))
    return new
