"""Skinned, animated glTF 2.0 (.glb): every person a skeleton with SMPL's joint names, the camera, the ground.

Metres, y up. A node ``person_3`` holds the skeleton; it shrinks to nothing (scale 0) while the person is not seen, for
glTF's core knows no other way to hide. What glTF cannot say (all of K, lens distortion, frame numbers) is among the
extras of the scene and of the people's nodes.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pygltflib as gltf

from das_mm.bodies.skeleton import JOINT_NAMES, PARENTS
from das_mm.engine import atomic_write
from das_mm.version import __version__
from das_mm.visualization.palette import person_color

from .clip_motion import ClipMotion, PersonMotion, clip_words, person_words
from .gltf_buffer import GltfBuffer
from .motion_arrays import ground_square, linear_color, quaternions, visible_from

_NEAR_M = 0.01


def write_glb(clip: ClipMotion, folder: Path) -> list[Path]:
    """Write ``NAME.glb``."""
    path = folder / f'{clip.name}.glb'
    atomic_write(path, _GltfScene(clip).file())
    return [path]


class _GltfScene:
    """One clip on its way into a file."""

    def __init__(self, clip: ClipMotion):
        self.clip = clip
        self.tree = gltf.GLTF2(asset=gltf.Asset(version='2.0', generator=f'das_mm {__version__}'))
        self.tree.scene = 0
        self.roots: list[int] = []
        self.tree.scenes = [gltf.Scene(name=clip.name, nodes=self.roots, extras=clip_words(clip))]
        self.buffer = GltfBuffer(self.tree)
        self.motion = gltf.Animation(name=clip.name, channels=[], samplers=[])

    def file(self) -> bytes:
        self._add_camera()
        if self.clip.world.ground is not None:
            self._add_ground()
        for person in self.clip.people:
            self._add_person(person)
        if self.motion.channels:
            self.tree.animations = [self.motion]
        return self.buffer.file()

    def _add_node(self, is_root: bool = False, **options) -> int:
        self.tree.nodes.append(gltf.Node(**options))
        if is_root:
            self.roots.append(len(self.tree.nodes) - 1)
        return len(self.tree.nodes) - 1

    def _add_camera(self) -> None:
        (width, height), K, world = self.clip.image_size, self.clip.K, self.clip.world
        perspective = gltf.Perspective(
            yfov=2 * math.atan(height / 2 / K[1, 1]), aspectRatio=(width / K[0, 0]) / (height / K[1, 1]), znear=_NEAR_M
        )
        self.tree.cameras = [gltf.Camera(type='perspective', name='camera', perspective=perspective)]
        turn = quaternions(world.camera_axes[None])[0].tolist()
        self._add_node(True, name='camera', camera=0, rotation=turn, translation=world.camera_m.tolist())

    def _add_ground(self) -> None:
        corners, triangles = ground_square(self.clip)
        self._add_mesh('ground', corners, np.tile([0.0, 1.0, 0.0], (4, 1)), triangles, (0.6, 0.6, 0.6))
        self._add_node(True, name='ground', mesh=len(self.tree.meshes) - 1)

    def _add_mesh(
        self,
        name: str,
        vertices: np.ndarray,
        normals: np.ndarray,
        faces: np.ndarray,
        color: tuple[float, float, float],
        skin: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        """A mesh of its own material; ``skin``: joints (V, 4) and weights (V, 4)."""
        vertex = lambda array, kind='float32', bounds=False: self.buffer.add(
            array.astype(kind), gltf.ARRAY_BUFFER, bounds
        )
        attributes = gltf.Attributes(POSITION=vertex(vertices, bounds=True), NORMAL=vertex(normals))
        if skin is not None:
            attributes.JOINTS_0, attributes.WEIGHTS_0 = vertex(skin[0], 'uint8'), vertex(skin[1])
        indices = self.buffer.add(faces.reshape(-1).astype(np.uint16), gltf.ELEMENT_ARRAY_BUFFER)
        self.tree.materials.append(
            gltf.Material(
                name=name,
                doubleSided=skin is None,
                alphaCutoff=None,
                pbrMetallicRoughness=gltf.PbrMetallicRoughness(
                    baseColorFactor=[*color, 1.0], metallicFactor=0.0, roughnessFactor=0.8
                ),
            )
        )
        primitive = gltf.Primitive(attributes=attributes, indices=indices, material=len(self.tree.materials) - 1)
        self.tree.meshes.append(gltf.Mesh(name=name, primitives=[primitive]))

    def _add_person(self, person: PersonMotion) -> None:
        rest = person.rest
        number = self.clip.people.index(person) if person.identity is None else person.identity
        color = linear_color(person_color(number))
        skin = rest.weight_joints, rest.weights
        self._add_mesh(f'{person.name}_body', rest.vertices, rest.normals, rest.faces, color, skin)
        turns = np.stack([quaternions(person.axis_angle[:, joint]) for joint in range(len(PARENTS))], axis=1)
        joints = self._add_joints(person, turns)
        unposed = np.tile(np.eye(4, dtype=np.float32), (len(joints), 1, 1))
        unposed[:, :3, 3] = -rest.joints
        holder = self._add_node(True, name=person.name, children=[joints[0]], extras=person_words(person))
        self.tree.skins.append(
            gltf.Skin(name=person.name, joints=joints, skeleton=joints[0], inverseBindMatrices=self.buffer.add(unposed))
        )
        body = dict(mesh=len(self.tree.meshes) - 1, skin=len(self.tree.skins) - 1)
        self._add_node(True, name=f'{person.name}_body', **body)
        if not self.clip.is_still:
            self._animate(person, joints, turns, holder)

    def _add_joints(self, person: PersonMotion, turns: np.ndarray) -> list[int]:
        """Nodes in the first pose, joints in SMPL's order."""
        rest = person.rest.joints
        first = len(self.tree.nodes)
        for joint, name in enumerate(JOINT_NAMES):
            parent = PARENTS[joint]
            place = person.pelvis_m[0] if parent < 0 else rest[joint] - rest[parent]
            children = [first + child for child, its_parent in enumerate(PARENTS) if its_parent == joint]
            self._add_node(
                name=name, translation=place.tolist(), rotation=turns[0, joint].tolist(), children=children or None
            )
        return list(range(first, first + len(JOINT_NAMES)))

    def _animate(self, person: PersonMotion, joints: list[int], turns: np.ndarray, holder: int) -> None:
        times = person.times_s
        self._add_channel(joints[0], 'translation', times, person.pelvis_m)
        for joint, node in enumerate(joints):
            self._add_channel(node, 'rotation', times, turns[:, joint])
        moments, visible = visible_from(self.clip, person)
        if not visible.all():
            scales = np.repeat(visible[:, None].astype(np.float32), 3, axis=1)
            self._add_channel(holder, 'scale', moments, scales, gltf.ANIM_STEP)

    def _add_channel(
        self, node: int, path: str, times: np.ndarray, values: np.ndarray, kind: str = gltf.ANIM_LINEAR
    ) -> None:
        clock = self.buffer.add(np.asarray(times, np.float32), bounds=True)
        self.motion.samplers.append(
            gltf.AnimationSampler(input=clock, output=self.buffer.add(values.astype(np.float32)), interpolation=kind)
        )
        target = gltf.AnimationChannelTarget(node=node, path=path)
        self.motion.channels.append(gltf.AnimationChannel(sampler=len(self.motion.samplers) - 1, target=target))
