"""Which mmcv stands here: compiled, mmcv-lite with torchvision's operators, several over each other, another family."""

from __future__ import annotations

from .environment import Clash, Environment

MMCV_LITE = 'mmcv-lite==2.1.0'


def mmcv_kind(found: Environment) -> str:
    """What answers for mmcv's operators, in words; '' where nothing does."""
    if not found.providers('mmcv') or 'mmcv.ops' in found.errors or _is_broken(found):
        return ''
    if 'mmcv._ext' in found.errors:
        return 'torchvision stands in'
    return 'compiled'


def mmcv_clashes(found: Environment) -> list[Clash]:
    """mmcv 1, two of them in one folder, or a compiled module that does not load."""
    present = found.providers('mmcv')
    lite = f'{found.pip} --no-deps {MMCV_LITE}'
    if 'mmcv-full' in present:
        problem = f'mmcv-full {found.versions["mmcv-full"]} stands in its place: mmdet 3 needs mmcv 2'
        return [Clash('mmcv', problem, f'{found.uninstall} {" ".join(present)} && {lite}')]
    if len(present) > 1:
        problem = f'{" and ".join(present)} write into the same folder'
        return [
            Clash(
                'mmcv',
                problem,
                f'{found.uninstall} {" ".join(present)} && {lite}  # or the full one: docs/pages/install.md',
            )
        ]
    if _is_broken(found):
        problem = f'{found.versions["mmcv"]} was compiled for another torch: {found.errors["mmcv._ext"]}'
        return [Clash('mmcv', problem, f'{_compile(found)}, or {found.uninstall} mmcv && {lite}')]
    return []


def onedl_clashes(found: Environment) -> list[Clash]:
    """The OneDL family's packages install modules of the same names as mmengine, mmcv and mmdet."""
    present = sorted(name for name, version in found.versions.items() if name.startswith('onedl-') and version)
    if not present:
        return []
    again = f'{found.pip} --force-reinstall --no-deps mmengine==0.10.7 {MMCV_LITE} mmdet==3.3.0'
    problem = (
        f'{", ".join(present)} write into the folders of mmengine, mmcv and mmdet, and have no mmpose: '
        'the families must not be mixed'
    )
    return [Clash('onedl', problem, f'{found.uninstall} {" ".join(present)} && {again}')]


def _is_broken(found: Environment) -> bool:
    """There is a compiled module and it does not load, though torch does."""
    error = found.errors.get('mmcv._ext', '')
    return bool(error) and "No module named 'mmcv._ext'" not in error and found.torch_works


def _compile(found: Environment) -> str:
    return (
        f"{found.pip} 'setuptools<81' wheel ninja && MMCV_WITH_OPS=1 {found.pip} --no-build-isolation --no-deps "
        '--force-reinstall --no-binary mmcv mmcv==2.1.0  # compiles, about 10 minutes'
    )
