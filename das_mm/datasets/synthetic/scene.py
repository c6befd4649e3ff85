"""A scene before it is drawn: who stands where, seen by which camera."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from das_mm.bodies import linear_blend_skinning, load_generated_body
from das_mm.structures.rotations import axis_angle_to_matrix, matrix_to_axis_angle

from .surfaces import yaw_matrix
from .viewpoint import Viewpoint


@dataclass(frozen=True)
class Person:
    """One posed person in the world frame (y up, metres).

    Attributes:
        identity: Number within the scene or clip; a look belongs to an identity.
        betas (10,), body_pose (23, 3) rad, global_orient (3,) rad, transl (3,) m: SMPL parameters, world.
        vertices (V, 3), joints (24, 3): What they give, m.
        seat_height: Height of the seat under a sitting person, 0 where there is none.
    """

    identity: int
    betas: np.ndarray
    body_pose: np.ndarray
    global_orient: np.ndarray
    transl: np.ndarray
    vertices: np.ndarray
    joints: np.ndarray
    seat_height: float = 0.0

    @classmethod
    def posed(cls, identity: int, betas, body_pose, global_orient, transl, seat_height: float = 0.0) -> Person:
        """A person from SMPL parameters alone."""
        arrays = [np.asarray(a, np.float64) for a in (betas, body_pose, global_orient, transl)]
        betas, body_pose, global_orient, transl = arrays
        vertices, joints = linear_blend_skinning(
            load_generated_body(), global_orient[None], body_pose[None], betas[None], transl[None]
        )
        return cls(
            identity,
            betas,
            body_pose,
            global_orient,
            transl,
            vertices[0].astype(np.float64),
            joints[0].astype(np.float64),
            seat_height,
        )

    def moved(self, yaw: float, shift: np.ndarray) -> Person:
        """The same person turned by ``yaw`` rad about the vertical through the pelvis and shifted by (3,) metres."""
        turn, pelvis = yaw_matrix(yaw), self.joints[0]
        orient = matrix_to_axis_angle(turn @ axis_angle_to_matrix(self.global_orient))
        vertices, joints = ((points - pelvis) @ turn.T + pelvis + shift for points in (self.vertices, self.joints))
        return replace(self, global_orient=orient, transl=self.transl + shift, vertices=vertices, joints=joints)


@dataclass(frozen=True)
class Layout:
    """The people of one image and the camera that sees them."""

    people: list[Person]
    view: Viewpoint


def camera_frame_smpl(person: Person, view: Viewpoint) -> tuple[np.ndarray, np.ndarray]:
    """``global_orient`` (3,) rad and ``transl`` (3,) m with which the same SMPL body lies in the CAMERA frame.

    SMPL turns a body about its rest pelvis J0, so the translation is R (J0 + t - c) - J0, c the camera's place.
    """
    body = load_generated_body()
    pelvis = body.joints_template[0] + body.joints_dirs[0, :, : len(person.betas)] @ person.betas
    orient = matrix_to_axis_angle(view.rotation @ axis_angle_to_matrix(person.global_orient))
    return orient, view.to_camera(pelvis + person.transl) - pelvis
