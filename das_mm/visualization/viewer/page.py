"""The page: people in 3D in one HTML file that works offline.

It is ``assets/page.html`` with the style, the scripts, three.js (``assets/three/``) and the data put into it. Lengths
are metres over the floor where one is known or guessed, positions under the mouse are told in mm of the camera frame.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from das_mm.engine import atomic_write
from das_mm.printable import printable
from das_mm.structures.people import People
from das_mm.visualization.skeletons import KeypointSet, Skeleton, skeleton_of

from .levelling import guessed_poses, told_pose
from .mesh_table import MeshTable
from .packing import pack
from .people_table import Identities, PeopleTable
from .scene import Scene
from .thumbnails import jpeg_text, longer_side_px

# in their order: later ones use earlier ones
_SCRIPTS = ('tables', 'stage', 'strokes', 'skeletons', 'bodies', 'camera', 'floor', 'labels', 'panel', 'playback')


def write_viewer(
    path: str | Path,
    scenes: Sequence[Scene],
    title: str,
    keypoint_set: str | KeypointSet | Skeleton,
    *,
    faces: np.ndarray | None = None,
    frames_per_second: float | None = None,
    thumbnail_px: int = 640,
) -> Path:
    """Write the viewer of one or more images.

    Args:
        path: The HTML file.
        scenes: At least one; an image without people is shown as such.
        title: Heading of the page.
        keypoint_set: Names, links and sides of the keypoints of all scenes.
        faces: (F, 3) vertex indices of ``people.vertices_cam_mm``; meshes are drawn when given, with a quarter of the
            vertices, or fewer, where there are so many people and frames that the page would grow past some 30 MB.
        frames_per_second: Of a sequence of a camera at rest: adds a play button and keeps the view and the floor from
            frame to frame. It plays at that speed, or by the times of the scenes where all of them tell theirs. Without
            it the scenes are unrelated images, and the view is fitted to each.
        thumbnail_px: Longer side of the images kept in the page; less where there are hundreds.

    Raises:
        UserError: The path cannot be written.
        ValueError: No scene.
    """
    if not scenes:
        raise ValueError('the viewer needs at least one scene')
    skeleton = skeleton_of(keypoint_set)
    frames = _Frames(skeleton, None if faces is None else MeshTable(faces), len(scenes), thumbnail_px)
    for scene in scenes:
        frames.add(scene)
    data = {
        'title': printable(title),
        'names': [name.replace('_', ' ') for name in skeleton.names],
        'links': skeleton.links,
        'linkSides': [skeleton.link_side(link) for link in skeleton.links],
        'sides': skeleton.sides,
        **frames.packed(frames_per_second),
    }
    atomic_write(path, _page(title, data).encode())
    return Path(path)


class _Frames:
    """Gathers what the page knows of its images, scene by scene; no scene is kept."""

    def __init__(self, skeleton: Skeleton, meshes: MeshTable | None, num_scenes: int, thumbnail_px: int):
        self.skeleton, self.meshes, self.num_scenes, self.thumbnail_px = skeleton, meshes, num_scenes, thumbnail_px
        self.identities = Identities()
        self.people, self.truth = (PeopleTable(len(skeleton.names), self.identities) for _ in range(2))
        self.bodies: tuple[list[int], list[int]] = ([], [])
        self.frames: list[dict[str, Any]] = []
        self.cameras: list[dict[str, Any]] = []
        self.worlds: list[dict[str, Any] | None] = []
        self.times_s: list[float | None] = []

    def add(self, scene: Scene) -> None:
        """The next image."""
        self.people.add(scene.people, scene.body_keypoints_cam_mm)
        self.truth.add(People() if scene.truth is None else scene.truth)
        if self.meshes is not None:
            for bodies, people in zip(self.bodies, (scene.people, scene.truth)):
                bodies += [] if people is None else self.meshes.add(people)
        longer = longer_side_px(self.num_scenes, self.thumbnail_px, scene.image_size)
        camera = {
            'size': list(scene.image_size),
            'K': None if scene.K is None else np.asarray(scene.K, float).round(4).tolist(),
            'text': scene.camera_words,
            'source': scene.camera_source,
        }
        self.frames.append(
            {
                'title': printable(scene.title),
                'hasTruth': scene.truth is not None,
                'camera': _place(camera, self.cameras),
                'image': None if scene.image_bgr is None else jpeg_text(scene.image_bgr, longer),
            }
        )
        self.worlds.append(None if scene.world is None else told_pose(scene.world))
        self.times_s.append(scene.time_s)

    def packed(self, frames_per_second: float | None) -> dict[str, Any]:
        """All of it as the page reads it."""
        is_clip, count = frames_per_second is not None, len(self.frames)
        poses: list[dict[str, Any]] = []
        if None in self.worlds:
            groups = [slice(0, count)] if is_clip else [slice(i, i + 1) for i in range(count)]
            poses = guessed_poses((self.people, self.truth), self.skeleton.names, groups, is_clip)
        guessed = list(range(len(poses))) if not is_clip else [0] * count
        for index, world in enumerate(self.worlds):
            self.frames[index]['pose'] = guessed[index] if world is None else _place(world, poses)
        return {
            'fps': frames_per_second,
            'times': _times(self.times_s) if is_clip else None,
            'identities': self.identities.words,
            'cameras': self.cameras,
            'poses': poses,
            'people': {**self.people.packed(), 'mesh': pack(np.array(self.bodies[0]), 'i4')},
            'truth': {**self.truth.packed(), 'mesh': pack(np.array(self.bodies[1]), 'i4')},
            'meshes': None if self.meshes is None else self.meshes.packed(),
            'meshWords': '' if self.meshes is None else self.meshes.words,
            'frames': self.frames,
        }


def _place(one: dict[str, Any], known: list[dict[str, Any]]) -> int:
    """Where it stands, put at the end if it is new; most are what the last one was."""
    if known and known[-1] == one:
        return len(known) - 1
    known.append(one)
    return len(known) - 1


def _times(times_s: Sequence[float | None]) -> list[float] | None:
    """Seconds from the first frame on; None where a frame tells none or does not come after the one before it."""
    if len(times_s) < 2 or None in times_s:
        return None
    seconds = np.array(times_s, float)
    return (seconds - seconds[0]).round(4).tolist() if (np.diff(seconds) > 0).all() else None


def _page(title: str, data: dict[str, Any]) -> str:
    assets = resources.files('das_mm.visualization.viewer') / 'assets'
    # '</script' and '<!--' mean something to the page, whatever the JSON string around them
    payload = json.dumps(data, separators=(',', ':'), allow_nan=False).replace('<', '\\u003c')
    parts = {
        'TITLE': html.escape(printable(title)),
        'STYLE': (assets / 'page.css').read_text(encoding='utf-8'),
        'SCRIPT': '\n'.join((assets / f'{name}.js').read_text(encoding='utf-8') for name in _SCRIPTS),
        'DATA': payload,
        'THREE': (assets / 'three' / 'three.bundle.js').read_text(encoding='utf-8'),
    }
    return re.sub(r'\[\[(\w+)\]\]', lambda match: parts[match[1]], (assets / 'page.html').read_text(encoding='utf-8'))
