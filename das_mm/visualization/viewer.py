"""People in 3D in one HTML file that works offline: orbit with the mouse, step through images or play a sequence.

The page is ``assets/viewer.html`` with the style, the script, plotly.js and the data put into it. It shows the camera
frame in metres (x right, z forward, y down, so that up is -y); positions under the mouse are told in mm.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from das_mm.engine import atomic_write
from das_mm.printable import printable
from das_mm.structures.people import People
from das_mm.structures.world_frame import WorldFrame

from .ground import estimate_ground
from .mesh_thinning import thin_mesh
from .palette import css, limb_color, person_color
from .skeletons import KeypointSet, Skeleton, skeleton_of

# of the page, for all meshes of all frames (a body of 6890 vertices takes 55 kB); above it they are drawn coarser
_MESH_BUDGET_BYTES = 24e6

CAMERA_SOURCES = {
    'annotation': 'intrinsics given with the data',
    'user': 'intrinsics given by the user',
    'exif': 'focal length from the EXIF data of the photograph',
    'fov': 'field of view given by the user',
    'default_fov': 'intrinsics unknown: default field of view assumed, so depths and sizes may be off by one factor',
}


@dataclass(frozen=True)
class Scene:
    """One image (or frame) for the viewer.

    Attributes:
        title: Name in the list, such as the file name.
        people: Found people, with ``keypoints_cam_mm`` (and ``keypoints_px`` for the thumbnail).
        image_size: (width, height) of the original image in px.
        K: (3, 3) intrinsics of the original image used for ``people``; no frustum is drawn without.
        camera_source: Where K is from: a key of ``CAMERA_SOURCES``, or the words to be shown.
        image_bgr: (H, W, 3) uint8, shown small beside the scene and as a plane in it.
        truth: True people, drawn as white dashes.
        world: Of a camera that stands still: its floor is drawn in place of one guessed from the people's feet.
    """

    title: str
    people: People
    image_size: tuple[int, int]
    K: np.ndarray | None = None
    camera_source: str = 'default_fov'
    image_bgr: np.ndarray | None = None
    truth: People | None = None
    world: WorldFrame | None = None


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
            vertices where there are so many people and frames that the page would grow past some 30 MB.
        frames_per_second: Of a sequence: adds a play button and keeps the view from frame to frame. Without it the
            scenes are unrelated images, and the view is fitted to each.
        thumbnail_px: Longer side of the images kept in the page.

    Raises:
        UserError: The path cannot be written.
        ValueError: No scene.
    """
    if not scenes:
        raise ValueError('the viewer needs at least one scene')
    skeleton = skeleton_of(keypoint_set)
    kept, faces = _meshes_within_budget(scenes, faces)
    data = {
        'title': printable(title),
        'fps': frames_per_second,
        'names': [name.replace('_', ' ') for name in skeleton.names],
        'links': skeleton.links,
        'linkSides': [skeleton.link_side(link) for link in skeleton.links],
        'sides': skeleton.sides,
        'faces': None if faces is None else _packed(np.asarray(faces), '<i4'),
        'frames': [_frame(scene, skeleton, kept, thumbnail_px=thumbnail_px) for scene in scenes],
    }
    atomic_write(path, _page(title, data).encode())
    return Path(path)


def _meshes_within_budget(
    scenes: Sequence[Scene], faces: np.ndarray | None
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Which vertices of each mesh are kept, and their faces; ``None`` where no meshes are drawn."""
    groups = [
        people.vertices_cam_mm
        for scene in scenes
        for people in (scene.people, scene.truth)
        if people is not None and people.vertices_cam_mm is not None and len(people)
    ]
    if faces is None or not groups:
        return None, None
    num_vertices = groups[0].shape[1]
    size_bytes = sum(len(vertices) for vertices in groups) * num_vertices * 3 * 2 * 4 / 3  # 16 bits in base 64
    return thin_mesh(faces, num_vertices) if size_bytes > _MESH_BUDGET_BYTES else (np.arange(num_vertices), faces)


def _page(title: str, data: dict[str, Any]) -> str:
    from plotly.offline import get_plotlyjs  # a second, which a run without a viewer need not wait

    asset = lambda name: (resources.files('das_mm.visualization') / 'assets' / name).read_text()
    # '</script' and '<!--' mean something to the page, whatever the JSON string around them
    payload = json.dumps(data, separators=(',', ':'), allow_nan=False).replace('<', '\\u003c')
    escaped = html.escape(printable(title))
    parts = {
        'TITLE': escaped,
        'STYLE': asset('viewer.css'),
        'SCRIPT': asset('viewer.js'),
        'DATA': payload,
        'PLOTLY': get_plotlyjs(),
    }
    return re.sub(r'\[\[(\w+)\]\]', lambda match: parts[match[1]], asset('viewer.html'))


def _frame(scene: Scene, skeleton: Skeleton, kept: np.ndarray | None, *, thumbnail_px: int) -> dict[str, Any]:
    people = [_person(scene.people, row, skeleton, kept) for row in range(len(scene.people))]
    truth = (
        [] if scene.truth is None else [_person(scene.truth, row, skeleton, kept) for row in range(len(scene.truth))]
    )
    return {
        'title': printable(scene.title),
        'people': people,
        'truth': truth,
        'hasTruth': scene.truth is not None,
        'size': list(scene.image_size),
        'K': None if scene.K is None else np.asarray(scene.K, float).round(4).tolist(),
        'camera': _camera_text(scene),
        'source': scene.camera_source,
        'image': None if scene.image_bgr is None else _data_uri(scene.image_bgr, thumbnail_px),
        'ground': _ground(scene, skeleton),
    }


def _camera_text(scene: Scene) -> str:
    text = CAMERA_SOURCES.get(scene.camera_source, scene.camera_source)
    if scene.K is None:
        return f'{text}; no intrinsics'
    width, height = scene.image_size
    field_x, field_y = (
        np.degrees(2 * np.arctan(side / (2 * focal)))
        for side, focal in ((width, scene.K[0][0]), (height, scene.K[1][1]))
    )
    return (
        f'{text}. Focal length {scene.K[0][0]:.0f} × {scene.K[1][1]:.0f} px, '
        f'field of view {field_x:.0f}° × {field_y:.0f}°, image {width} × {height} px'
    )


def _person(people: People, row: int, skeleton: Skeleton, kept: np.ndarray | None) -> dict[str, Any]:
    color = person_color(people.identities[row])
    shown = people.shown_cam[row] if people.keypoints_cam_mm is not None else np.zeros(len(skeleton.names), bool)
    person = {
        'label': _label(people, row),
        'color': css(color),
        'sideColors': {side: css(limb_color(color, side)) for side in ('left', 'middle', 'right')},
        'score': _number(people.scores, row, 3),
        'depth': _number(people.root_depths_mm, row, 0),
        'cam': _points(people.keypoints_cam_mm, row, shown, 1),
        'px': _points(people.keypoints_px, row, people.shown_px[row], 1),
        'jointScores': None
        if people.keypoint_scores is None
        else [None if not np.isfinite(score) else round(float(score), 3) for score in people.keypoint_scores[row]],
    }
    if kept is not None and people.vertices_cam_mm is not None and np.isfinite(people.vertices_cam_mm[row]).all():
        vertices = people.vertices_cam_mm[row][kept]
        origin = vertices.mean(0).round()
        # whole millimetres about the middle of the body fit 16 bits; a larger "body" is none
        person['mesh'] = {
            'origin': origin.tolist(),
            'vertices': _packed(np.clip(np.round(vertices - origin), -32767, 32767), '<i2'),
        }
    return person


def _label(people: People, row: int) -> str:
    """Identities over time are told as they are, '?' for none; rows of one image are counted from 1."""
    if people.track_ids is None:
        return str(row + 1)
    return '?' if people.identities[row] < 0 else str(people.identities[row])


def _number(values: np.ndarray | None, row: int, digits: int) -> float | None:
    return None if values is None or not np.isfinite(values[row]) else round(float(values[row]), digits)


def _points(points: np.ndarray | None, row: int, shown: np.ndarray, digits: int) -> list[list[float] | None] | None:
    if points is None:
        return None
    return [np.round(point.astype(float), digits).tolist() if ok else None for point, ok in zip(points[row], shown)]


def _packed(values: np.ndarray, kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode()


def _data_uri(image_bgr: np.ndarray, longer_px: int) -> str:
    scale = min(1.0, longer_px / max(image_bgr.shape[:2]))
    if scale < 1:
        size = tuple(max(1, round(side * scale)) for side in image_bgr.shape[1::-1])
        image_bgr = cv2.resize(image_bgr, size, interpolation=cv2.INTER_AREA)
    _, buffer = cv2.imencode('.jpg', image_bgr, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return 'data:image/jpeg;base64,' + base64.b64encode(buffer.tobytes()).decode()


def _ground(scene: Scene, skeleton: Skeleton) -> dict[str, Any] | None:
    """Of the world frame; else from the found people, from the true ones where nobody was found."""
    if scene.world is not None:
        return {
            'point': scene.world.floor_point_mm.round(1).tolist(),
            'up': scene.world.up.round(5).tolist(),
            'feet': scene.world.num_contacts,
        }
    for people in (scene.people, scene.truth):
        if people is not None and people.keypoints_cam_mm is not None and len(people):
            ground = estimate_ground(people.keypoints_cam_mm, people.shown_cam, skeleton.names)
            if ground is not None:
                return {
                    'point': ground.point_mm.round(1).tolist(),
                    'up': ground.up.round(5).tolist(),
                    'feet': ground.num_feet,
                }
    return None
