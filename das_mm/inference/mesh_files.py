"""People's surfaces as files for other programs: Wavefront ``.obj``, ``.ply`` and binary glTF ``.glb``.

``.obj`` and ``.ply`` keep the camera frame of this package (x right, y down, z forward, millimetres), so that their
vertices project with K as they are; their header says so. ``.glb`` is in metres with y up and z backward, as glTF
demands, with the camera as a node at the origin and all of K among the extras, for glTF cannot say where the principal
point is. Other formats: see :mod:`.mesh_exporters`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import trimesh
from trimesh.exchange.gltf import export_glb
from trimesh.exchange.obj import export_obj
from trimesh.exchange.ply import export_ply
from trimesh.scene import Camera

from das_mm.engine import atomic_write
from das_mm.errors import UserError
from das_mm.visualization.palette import person_color

from .mesh_exporters import EXPORTERS, MeshScene

_CAMERA_FRAME = 'camera frame: x right, y down, z forward'
_GLTF_FRAME = 'x right, y up, z backward, camera at the origin (the camera frame with y and z negated)'


def export_meshes(
    path: str | Path,
    vertices_mm: np.ndarray,
    faces: np.ndarray,
    *,
    K: np.ndarray | None = None,
    image_size: tuple[int, int] | None = None,
    dist: np.ndarray | None = None,
    identities: Sequence[int] | None = None,
    notes: Mapping[str, Any] | None = None,
) -> Path:
    """Write all people of one image into one file, whole or not at all.

    Each is an object named ``person_{identity}`` in its colour of the overlay (in ``.ply``, which knows no objects, a
    vertex property ``person`` holds the identity).

    Args:
        path: The suffix says the format: .obj, .ply, .glb, or one that was added to :data:`.EXPORTERS`.
        vertices_mm: (n, V, 3) camera frame, mm; n may be 0.
        faces: (F, 3) vertex indices, the same for all.
        K: (3, 3) intrinsics of the image, px.
        image_size: (width, height) px; with K it makes the camera of a ``.glb``.
        dist: (5,) lens distortion of the image, told but not applied.
        identities: (n,) track ids; 1, 2, … where not given.
        notes: What else the file shall say of itself (image, model, scores …), JSON-like.

    Returns:
        The path written.

    Raises:
        UserError: Another suffix, vertices that are not finite, or a path that cannot be written.
        ValueError: Arrays that do not fit each other.
    """
    path, vertices_mm, faces = Path(path), np.asarray(vertices_mm, float), np.asarray(faces)
    suffix = path.suffix.lower()
    if suffix[1:] not in EXPORTERS:
        raise UserError(
            f'the suffix {path.suffix!r} is no mesh format that can be written',
            file=path,
            remedy=f'end the file name in .{", .".join(EXPORTERS.names())}',
        )
    names = np.arange(len(vertices_mm)) + 1 if identities is None else np.asarray(identities)
    if vertices_mm.ndim != 3 or len(names) != len(vertices_mm):
        raise ValueError(f'vertices of shape {vertices_mm.shape} and {len(names)} identities, not (n, V, 3) and n')
    broken = names[~np.isfinite(vertices_mm).all((1, 2))]
    if len(broken):
        raise UserError(
            f'person {", ".join(map(str, broken))} has vertices that are not finite',
            file=path,
            remedy='leave that person out',
        )
    # colours as in the overlay, which goes by the row where there are no identities
    colors = [person_color(row if identities is None else name) for row, name in enumerate(names)]
    about = {
        'people': len(names),
        'units': 'mm',
        'frame': _CAMERA_FRAME,
        **_camera_notes(K, image_size, dist),
        **(notes or {}),
    }
    people = [_mesh(vertices, faces, name, color) for vertices, name, color in zip(vertices_mm, names, colors)]
    atomic_write(path, EXPORTERS.get(suffix[1:])(MeshScene(people, about, K, image_size)))
    return path


def _camera_notes(K: np.ndarray | None, image_size: tuple[int, int] | None, dist: np.ndarray | None) -> dict[str, Any]:
    told = {
        'K': None if K is None else np.asarray(K, float).tolist(),
        'image_size': None if image_size is None else [int(side) for side in image_size],
        'dist': None if dist is None else np.asarray(dist, float).tolist(),
    }
    return {name: value for name, value in told.items() if value is not None}


def _mesh(vertices: np.ndarray, faces: np.ndarray, identity: int, color: tuple[int, int, int]) -> trimesh.Trimesh:
    mesh = trimesh.Trimesh(
        vertices, faces, process=False, vertex_colors=np.tile(np.array([*color, 255], np.uint8), (len(vertices), 1))
    )
    mesh.metadata['name'] = f'person_{identity}'
    mesh.metadata['identity'] = int(identity)
    return mesh


def _comments(about: Mapping[str, Any]) -> list[str]:
    text = lambda value: ' '.join(value.split()) if isinstance(value, str) else json.dumps(value)
    return [f'{name}: {text(value)}' for name, value in about.items()]  # a line each


def write_obj(scene: MeshScene) -> bytes:
    """An object a person; what the file says of itself is comments."""
    header = '\n# '.join(['people found by das_mm', *_comments(scene.about)])
    return export_obj(trimesh.Scene(scene.people), include_normals=False, header=header, digits=4).encode()


def write_ply(scene: MeshScene) -> bytes:
    """One binary mesh, with the identity of each vertex; what the file says of itself is comments."""
    merged = cast('trimesh.Trimesh', trimesh.util.concatenate(scene.people)) if scene.people else trimesh.Trimesh()
    rows = (np.full(len(mesh.vertices), mesh.metadata['identity'], np.int32) for mesh in scene.people)
    merged.vertex_attributes['person'] = np.concatenate([np.zeros(0, np.int32), *rows])
    format_line, _, rest = export_ply(merged, vertex_normal=False).partition(b' 1.0\n')
    comments = ''.join(f'comment {line}\n' for line in _comments(scene.about)).encode()
    return format_line + b' 1.0\n' + comments + rest


def write_glb(scene: MeshScene) -> bytes:
    """Binary glTF in metres with the camera; what the file says of itself is among the extras."""
    K, image_size = scene.K, scene.image_size
    tree = trimesh.Scene()
    for mesh in scene.people:
        mesh = mesh.copy()
        mesh.vertices = mesh.vertices * [1e-3, -1e-3, -1e-3]  # turned about x, so faces keep their winding
        tree.add_geometry(mesh, node_name=mesh.metadata['name'], geom_name=mesh.metadata['name'])
    tree.metadata.update({**scene.about, 'units': 'm', 'frame': _GLTF_FRAME})
    if K is not None and image_size is not None:
        tree.camera = Camera('camera', resolution=image_size, focal=(K[0][0], K[1][1]))
        tree.camera_transform = np.eye(4)  # glTF's camera looks along -z with y up

    def mend(tree: dict[str, Any]) -> None:
        if K is not None and image_size is not None:  # trimesh writes the ratio of the angles
            tree['cameras'][0]['perspective']['aspectRatio'] = (image_size[0] / K[0][0]) / (image_size[1] / K[1][1])
        for name in ('accessors', 'meshes', 'images', 'textures', 'materials'):
            if not tree.get(name, True):
                del tree[name]  # glTF allows no empty lists

    return export_glb(tree, include_normals=True, tree_postprocessor=mend)
