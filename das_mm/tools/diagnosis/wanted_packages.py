"""The packages of this software stack, the versions of them that work together, and why no others do."""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass


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
    # alone: it would ask for any opencv-python
    Wanted('mmcv', '2.0', '2.2', 'mmdet 3.3 refuses 2.2 and later', '--no-deps mmcv-lite==2.1.0'),
    Wanted('mmdet', '3.2', '3.4', install='mmdet>=3.2.0,<3.4'),
    # with its dependencies pip would try to build chumpy, which mmpose declares and never imports
    Wanted('mmpose', '1.3', '1.4', install='--no-deps mmpose>=1.3.0,<1.4 json_tricks munkres xtcocotools'),
    Wanted('xtcocotools', '1.14', install='xtcocotools'),
    Wanted('numpy', '1.24', '2.0', 'xtcocotools 1.14 is built against numpy 1', 'numpy==1.26.4'),
    Wanted('scipy', '1.10', install='scipy'),
    Wanted('opencv-python', '4.8', '4.12', '4.12 and later ask for numpy 2', 'opencv-python==4.11.0.86'),
    Wanted('onnxruntime', '1.20', install='onnxruntime'),
    Wanted('trimesh', '4.4', install='trimesh'),
    Wanted(
        'embreex',
        '2.17',
        install='embreex',
        optional_for='' if platform.machine() == 'x86_64' else 'quick rendering (x86-64)',
    ),
    Wanted('pycocotools', '2.0.7', install='pycocotools'),
    Wanted('smplx', '0.1.28', install='smplx', optional_for='SMPL bodies'),
    Wanted('av', '13', install='av', optional_for='videos that browsers play'),
)

# distributions that install the same module
SAME_MODULE = {
    'opencv-python': (
        'opencv-python',
        'opencv-python-headless',
        'opencv-contrib-python',
        'opencv-contrib-python-headless',
    ),
    'mmcv': ('mmcv', 'mmcv-lite', 'mmcv-full'),
}


def wanted_text(wanted: Wanted) -> str:
    """The range as pip writes it."""
    return f'>={wanted.at_least}' + (f',<{wanted.below}' if wanted.below else '')


def release(version: str) -> tuple[int, ...]:
    """The numbers of a version: `2.12.1+cu130` is (2, 12, 1)."""
    numbers = re.match(r'\d+(?:\.\d+)*', version)
    return tuple(int(number) for number in numbers[0].split('.')) if numbers else ()
