"""The formats of motion files by name, in a registry that other packages add to; a clip in several of them.

Example::

    @MOTION_EXPORTERS.register('csv')
    def write_csv(clip: ClipMotion, folder: Path) -> list[Path]: ...

An installed package names its function in the entry points of the group ``das_mm.motion_exporters``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

from das_mm.checkpoints.optional_packages import require
from das_mm.engine import atomic_write
from das_mm.plugin_registry import PluginRegistry

from .clip_motion import ClipMotion, clip_words, person_words

FORMAT = 'das_mm.motion/1'

#: writes a clip below a folder and says which files
MotionExporter: TypeAlias = Callable[[ClipMotion, Path], list[Path]]

MOTION_EXPORTERS: PluginRegistry[MotionExporter] = PluginRegistry(
    'motion_exporter',
    {
        'glb': 'das_mm.deploy.motion.gltf_writer:write_glb',
        'bvh': 'das_mm.deploy.motion.bvh_writer:write_bvh',
        'usd': 'das_mm.deploy.motion.usd_writer:write_usd',
        'npz': 'das_mm.deploy.motion.npz_writer:write_npz',
    },
    field='to',
)
_PACKAGES = {'glb': 'pygltflib', 'usd': 'pxr'}


def check_motion_formats(formats: Iterable[str]) -> None:
    """Before the work and not after it.

    Raises:
        UserError: There is no such format, or the package that writes it is not installed.
    """
    for name in formats:
        if name in _PACKAGES:
            require(_PACKAGES[name], extra='motion')
        MOTION_EXPORTERS.get(name)


def write_motion(clip: ClipMotion, folder: str | Path, formats: Sequence[str]) -> list[Path]:
    """Write a clip to files, and a companion ``NAME.motion.json`` with what not every format can say.

    That is frame numbers, gaps, frame rate, camera, ground and shapes.

    Args:
        clip: See :func:`.clip_motion`.
        folder: Is made where it is not there.
        formats: Names out of :data:`MOTION_EXPORTERS`.

    Returns:
        The files, the companion last.

    Raises:
        UserError: There is no such format, or a file cannot be written.
    """
    folder = Path(folder)
    written = [path for name in dict.fromkeys(formats) for path in MOTION_EXPORTERS.get(name)(clip, folder)]
    about = dict(
        format=FORMAT,
        units='m',
        frame='world: x right, y up, z towards the camera',
        **clip_words(clip),
        people={person.name: person_words(person) for person in clip.people},
        files=[path.name for path in written],
    )
    companion = folder / f'{clip.name}.motion.json'
    atomic_write(companion, (json.dumps(about, indent=2, allow_nan=False) + '\n').encode())
    return [*written, companion]
