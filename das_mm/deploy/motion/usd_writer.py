"""USD (.usdc): UsdSkel skeletons with SMPL's joint names and skinned bodies, the camera with all of K, the ground.

Metres, y up; time codes are the numbers of the clip's frames (of a varying frame rate, times at the usual one). Who is
not seen is invisible. What USD has no word for is among the custom data of the world's and the people's prims.
"""

# pyright: reportAttributeAccessIssue=false
# the modules of pxr fill themselves when they are imported
from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
from pxr import Gf, Usd, UsdGeom, UsdSkel, Vt

from das_mm.bodies.skeleton import JOINT_NAMES, PARENTS
from das_mm.engine import atomic_write
from das_mm.visualization.palette import person_color

from .clip_motion import ClipMotion, PersonMotion, clip_words, person_words
from .motion_arrays import ground_square, linear_color, quaternions, visible_from

_FILM_MM = 36.0  # width of the camera's film, which only says how focal lengths are counted
_NEAR_FAR_M = 0.01, 10000.0


def write_usd(clip: ClipMotion, folder: Path) -> list[Path]:
    """Write ``NAME.usdc``."""
    stage = Usd.Stage.CreateInMemory()
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    world = UsdGeom.Xform.Define(stage, '/world')
    stage.SetDefaultPrim(world.GetPrim())
    if not clip.is_still:
        codes = _codes(clip, clip.frames, clip.times_s)
        stage.SetTimeCodesPerSecond(clip.fps)
        stage.SetFramesPerSecond(clip.fps)
        stage.SetStartTimeCode(codes[0])
        stage.SetEndTimeCode(codes[-1])
    world.GetPrim().SetCustomDataByKey('das_mm', _plain(clip_words(clip)))
    _add_camera(stage, clip)
    if clip.world.ground is not None:
        _add_ground(stage, clip)
    for person in clip.people:
        _add_person(stage, clip, person)
    path = folder / f'{clip.name}.usdc'
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / 'whole.usdc'
        stage.GetRootLayer().Export(str(whole))
        atomic_write(path, whole.read_bytes())
    return [path]


def _codes(clip: ClipMotion, frames: np.ndarray, times_s: np.ndarray) -> list[float]:
    """Time codes of frames."""
    return [float(one) for one in (frames if clip.has_steady_rate else times_s * clip.fps)]


def _add_camera(stage: Usd.Stage, clip: ClipMotion) -> None:
    (width, height), K, world = clip.image_size, clip.K, clip.world
    camera = UsdGeom.Camera.Define(stage, '/world/camera')
    px_mm = _FILM_MM / width
    aspect = K[0, 0] / K[1, 1]  # pixels need not be square
    camera.CreateFocalLengthAttr(K[0, 0] * px_mm)
    camera.CreateHorizontalApertureAttr(_FILM_MM)
    camera.CreateVerticalApertureAttr(height * px_mm * aspect)
    # pixel (0, 0) is centred on (0.5, 0.5) of the film; a principal point to the right moves the film to the left
    camera.CreateHorizontalApertureOffsetAttr((width / 2 - K[0, 2] - 0.5) * px_mm)
    camera.CreateVerticalApertureOffsetAttr((K[1, 2] + 0.5 - height / 2) * px_mm * aspect)
    camera.CreateClippingRangeAttr(Gf.Vec2f(*_NEAR_FAR_M))
    matrix = np.eye(4)
    matrix[:3, :3], matrix[3, :3] = world.camera_axes.T, world.camera_m  # USD's matrices act from the right
    camera.AddTransformOp().Set(Gf.Matrix4d(*matrix.reshape(-1).tolist()))


def _add_ground(stage: Usd.Stage, clip: ClipMotion) -> None:
    corners, triangles = ground_square(clip)
    _mesh(stage, '/world/ground', corners, triangles, (0.6, 0.6, 0.6)).CreateDoubleSidedAttr(True)


def _mesh(
    stage: Usd.Stage, path: str, vertices: np.ndarray, faces: np.ndarray, color: tuple[float, float, float]
) -> UsdGeom.Mesh:
    mesh = UsdGeom.Mesh.Define(stage, path)
    mesh.CreatePointsAttr(_vectors(vertices))
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(faces), 3, np.int32)))
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(faces.reshape(-1).astype(np.int32)))
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreateExtentAttr(_vectors(np.stack([vertices.min(0), vertices.max(0)])))
    mesh.CreateDisplayColorAttr(_vectors(np.array([color])))
    return mesh


def _add_person(stage: Usd.Stage, clip: ClipMotion, person: PersonMotion) -> None:
    root = UsdSkel.Root.Define(stage, f'/world/{person.name}')
    root.GetPrim().SetCustomDataByKey('das_mm', _plain(person_words(person)))
    skeleton = UsdSkel.Skeleton.Define(stage, f'/world/{person.name}/skeleton')
    rest = person.rest
    skeleton.CreateJointsAttr(Vt.TokenArray(_JOINT_PATHS))
    skeleton.CreateBindTransformsAttr(_translations(rest.joints))
    skeleton.CreateRestTransformsAttr(_translations(_bones(rest.joints)))
    number = clip.people.index(person) if person.identity is None else person.identity
    mesh = _mesh(stage, f'/world/{person.name}/body', rest.vertices, rest.faces, linear_color(person_color(number)))
    mesh.CreateNormalsAttr(_vectors(rest.normals))
    mesh.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    skin = UsdSkel.BindingAPI.Apply(mesh.GetPrim())
    per_vertex = rest.weights.shape[1]
    joints = Vt.IntArray.FromNumpy(rest.weight_joints.reshape(-1).astype(np.int32))
    skin.CreateJointIndicesPrimvar(False, per_vertex).Set(joints)
    weights = Vt.FloatArray.FromNumpy(rest.weights.reshape(-1).astype(np.float32))
    skin.CreateJointWeightsPrimvar(False, per_vertex).Set(weights)
    skin.CreateGeomBindTransformAttr(Gf.Matrix4d(1.0))
    skin.CreateSkeletonRel().SetTargets([skeleton.GetPath()])
    motion = _add_motion(stage, clip, person)
    UsdSkel.BindingAPI.Apply(skeleton.GetPrim()).CreateAnimationSourceRel().SetTargets([motion.GetPath()])
    visibility = root.CreateVisibilityAttr()
    moments, visible = visible_from(clip, person)
    if not visible.all():
        at = np.searchsorted(clip.times_s, moments)
        for code, is_there in zip(_codes(clip, clip.frames[at], moments), visible):
            visibility.Set(UsdGeom.Tokens.inherited if is_there else UsdGeom.Tokens.invisible, code)


def _add_motion(stage: Usd.Stage, clip: ClipMotion, person: PersonMotion) -> UsdSkel.Animation:
    motion = UsdSkel.Animation.Define(stage, f'/world/{person.name}/motion')
    motion.CreateJointsAttr(Vt.TokenArray(_JOINT_PATHS))
    motion.CreateScalesAttr(Vt.Vec3hArray([Gf.Vec3h(1.0)] * len(PARENTS)))
    places, turns = motion.CreateTranslationsAttr(), motion.CreateRotationsAttr()
    rows = np.stack([quaternions(person.axis_angle[:, joint]) for joint in range(len(PARENTS))], axis=1)
    bones = _bones(person.rest.joints)
    codes = [Usd.TimeCode.Default()] if clip.is_still else _codes(clip, person.frames, person.times_s)
    for code, pelvis, row in zip(codes, person.pelvis_m, rows):
        places.Set(_vectors(np.concatenate([pelvis[None], bones[1:]])), code)
        turns.Set(Vt.QuatfArray([Gf.Quatf(w, x, y, z) for x, y, z, w in row.tolist()]), code)
    return motion


def _joint_paths() -> list[str]:
    """'pelvis/left_hip/left_knee' and so on, parents first."""
    paths: list[str] = []
    for name, parent in zip(JOINT_NAMES, PARENTS):
        paths.append(name if parent < 0 else f'{paths[parent]}/{name}')
    return paths


_JOINT_PATHS = _joint_paths()


def _bones(joints: np.ndarray) -> np.ndarray:
    """(24, 3) from the parent to each joint; the place of the first."""
    return np.stack([joints[row] - (0 if parent < 0 else joints[parent]) for row, parent in enumerate(PARENTS)])


def _translations(places: np.ndarray) -> Vt.Matrix4dArray:
    return Vt.Matrix4dArray([Gf.Matrix4d().SetTranslate(Gf.Vec3d(*place)) for place in places.tolist()])


def _vectors(array: np.ndarray) -> Vt.Vec3fArray:
    return Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(array, np.float32))


def _plain(words: dict) -> dict:
    """What custom data can hold: texts, numbers, and tables as texts of json."""
    return {
        name: value if isinstance(value, (str, bool, int, float)) else json.dumps(value)
        for name, value in words.items()
    }
