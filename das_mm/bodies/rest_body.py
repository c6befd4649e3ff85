"""A body of one shape at rest, as programs for animation take it: surface, joints, four weights a vertex, limb tips.

What SMPL adds to the surface with the pose (``posedirs``) is not in it: linear blend skinning is all that a skeleton in
a file can say. Joints are the same to the last digit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .body_model import BodyModel

WEIGHTS_PER_VERTEX = 4
#: a fifth of a limb stands in for the tip of one that moves no vertex
_TIP_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class RestBody:
    """Metres; x to the person's left, y up, z forward, arms stretched out.

    Attributes:
        vertices: (V, 3).
        joints: (24, 3).
        faces: (F, 3) int64.
        weight_joints: (V, 4) int64 joints that move a vertex, the heaviest first; 0 where there are fewer.
        weights: (V, 4), rows sum to 1.
        tips: Of the joints without children, by index: (3,) from the joint to the end of the body there.
    """

    vertices: np.ndarray
    joints: np.ndarray
    faces: np.ndarray
    weight_joints: np.ndarray
    weights: np.ndarray
    tips: dict[int, np.ndarray]

    @property
    def normals(self) -> np.ndarray:
        """(V, 3) unit normals of the vertices."""
        corners = self.vertices[self.faces]
        of_faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])  # twice the area long
        normals = np.zeros_like(self.vertices)
        for corner in range(3):
            np.add.at(normals, self.faces[:, corner], of_faces)
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        return np.where(lengths > 0, normals / np.maximum(lengths, 1e-300), [0.0, 1.0, 0.0])


def rest_body(model: BodyModel, betas: np.ndarray) -> RestBody:
    """The body of a shape.

    Args:
        model: The arrays.
        betas: (B,) shape, not more than the model has directions.
    """
    betas = np.asarray(betas, np.float64)
    vertices = model.v_template + model.shapedirs[..., : len(betas)].astype(np.float64) @ betas
    joints = rest_joints_of(model, betas[None])[0]
    order = np.argsort(-model.weights, axis=1, kind='stable')[:, :WEIGHTS_PER_VERTEX]
    weights = np.take_along_axis(model.weights, order, axis=1).astype(np.float64)
    weights /= weights.sum(axis=1, keepdims=True)
    return RestBody(
        vertices, joints, model.faces, np.where(weights > 0, order, 0), weights, _tips(model, vertices, joints)
    )


def skinned(rest: RestBody, transforms: np.ndarray) -> np.ndarray:
    """(n, V, 3) the surface under the transforms (n, 24, 3, 4) of :func:`.forward_kinematics`."""
    points = np.concatenate([rest.vertices, np.ones((len(rest.vertices), 1))], axis=1)
    surface = np.zeros((len(transforms), *rest.vertices.shape))
    for joints, weights in zip(rest.weight_joints.T, rest.weights.T):
        surface += weights[:, None] * np.einsum('nvij,vj->nvi', transforms[:, joints], points)
    return surface


def rest_joints_of(model: BodyModel, betas: np.ndarray) -> np.ndarray:
    """(n, 24, 3) m: the rest joints of shapes (n, B)."""
    directions = model.joints_dirs[..., : betas.shape[1]]
    return model.joints_template + np.einsum('jck,nk->njc', directions, np.asarray(betas, np.float64))


def _tips(model: BodyModel, vertices: np.ndarray, joints: np.ndarray) -> dict[int, np.ndarray]:
    """As far beyond a joint without children as the vertices go that hang on it, along the bone that leads to it."""
    parents = model.parents
    heaviest = model.weights.argmax(axis=1)
    tips = {}
    for joint in sorted(set(range(len(parents))) - set(parents.tolist())):
        bone = joints[joint] - joints[parents[joint]]
        length = np.linalg.norm(bone)
        own = vertices[heaviest == joint]
        reach = float(((own - joints[joint]) @ (bone / length)).max()) if len(own) else 0.0
        tips[joint] = bone / length * max(reach, _TIP_SHARE * length)
    return tips
