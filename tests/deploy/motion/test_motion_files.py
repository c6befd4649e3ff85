"""Files of motion, read back by other libraries and compared with the bodies of the results in mm."""

from __future__ import annotations

import json
from dataclasses import replace

import bvhio
import numpy as np
import pygltflib
import pytest
import trimesh
from pxr import Usd, UsdGeom, UsdSkel

from das_mm.bodies.skeleton import JOINT_NAMES
from das_mm.bodies.skinning import linear_blend_skinning
from das_mm.deploy.motion import clip_motion, write_motion
from das_mm.structures import project
from das_mm.structures.rotations import axis_angle_to_matrix

from .toy_clip import FPS, FRAMES, SEEN, SIZE, WORLD, K, poses, toy_body, toy_results, true_joints_mm

_SEEN = {identity: [frame for frame in frames if frame in FRAMES] for identity, frames in SEEN.items()}


@pytest.fixture(scope='module')
def body():
    return toy_body()


@pytest.fixture(scope='module')
def files(tmp_path_factory, body):
    """Every format of the clip, by file name."""
    clip = clip_motion(toy_results(), body.model, 'generated')
    written = write_motion(clip, tmp_path_factory.mktemp('motion'), ['glb', 'bvh', 'usd', 'npz'])
    return {path.name: path for path in written}


def to_camera_mm(world_m):
    matrix = np.linalg.inv(WORLD.camera_to_world)
    return 1000 * (np.asarray(world_m) @ matrix[:3, :3].T + matrix[:3, 3])


def test_the_files(files):
    assert list(files) == [
        'walk.glb', 'walk_person_2.bvh', 'walk_person_7.bvh', 'walk.usdc', 'walk_person_2.npz', 'walk_person_7.npz',
        'walk.motion.json',
    ]  # fmt: skip
    about = json.loads(files['walk.motion.json'].read_text())
    assert about['frame_rate'] == FPS and about['frames'] == [[0, 4], [6, 10]]
    assert about['people']['person_7']['frames'] == [[0, 3], [8, 9]] and about['people']['person_2']['identity'] == 2
    assert 'seen by 8 contacts' in about['ground'] and about['files'] == list(files)[:-1]


# ------------------------------------------------------------------------------------------------ glTF


@pytest.fixture(scope='module')
def tree(files):
    return pygltflib.GLTF2().load(str(files['walk.glb']))


def values(tree, number):
    accessor = tree.accessors[number]
    view = tree.bufferViews[accessor.bufferView]
    kind = {5126: np.float32, 5121: np.uint8, 5123: np.uint16}[accessor.componentType]
    width = {'SCALAR': 1, 'VEC3': 3, 'VEC4': 4, 'MAT4': 16}[accessor.type]
    start = view.byteOffset + (accessor.byteOffset or 0)
    array = np.frombuffer(tree.binary_blob(), kind, accessor.count * width, start)
    return array.reshape(accessor.count, width) if width > 1 else array


def node_matrix(rotation, translation, scale=(1, 1, 1)):
    x, y, z, w = rotation
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, :3] *= scale
    matrix[:3, 3] = translation
    return matrix


def gltf_joints(tree, name):
    """Times (T,) and matrices (T, 24, 4, 4) of the joints of a person in the world."""
    skin = next(skin for skin in tree.skins if skin.name == name)
    tracks = {}
    for channel in tree.animations[0].channels:
        sampler = tree.animations[0].samplers[channel.sampler]
        assert sampler.interpolation in ('LINEAR', 'STEP')
        tracks[channel.target.node, channel.target.path] = values(tree, sampler.input), values(tree, sampler.output)
    parents = {child: node for node, one in enumerate(tree.nodes) for child in one.children or []}
    times = tracks[skin.joints[0], 'rotation'][0]
    posed = np.empty((len(times), 24, 4, 4))
    for moment in range(len(times)):
        for row, node in enumerate(skin.joints):
            moved = tracks.get((node, 'translation'))
            place = tree.nodes[node].translation if moved is None else moved[1][moment]
            local = node_matrix(tracks[node, 'rotation'][1][moment], place)
            above = skin.joints.index(parents[node]) if row else None
            posed[moment, row] = local if above is None else posed[moment, above] @ local
    return times, posed


@pytest.mark.parametrize('identity', SEEN)
def test_gltf_skeletons(tree, identity):
    skin = next(skin for skin in tree.skins if skin.name == f'person_{identity}')
    assert [tree.nodes[node].name for node in skin.joints] == list(JOINT_NAMES)
    times, posed = gltf_joints(tree, f'person_{identity}')
    np.testing.assert_allclose(times, np.array(_SEEN[identity]) / FPS, atol=1e-6)
    np.testing.assert_allclose(to_camera_mm(posed[..., :3, 3]), true_joints_mm(identity), atol=0.05)
    holder = next(node for node in tree.nodes if node.name == f'person_{identity}')
    assert holder.extras['identity'] == identity


def test_gltf_hides_people_who_are_not_seen(tree):
    for identity, shown in ((7, [(0, 1), (4, 0), (8, 1), (10, 0)]), (2, [(0, 0), (2, 1), (10, 0)])):
        holder = next(row for row, node in enumerate(tree.nodes) if node.name == f'person_{identity}')
        (channel,) = (one for one in tree.animations[0].channels if one.target.node == holder)
        sampler = tree.animations[0].samplers[channel.sampler]
        assert channel.target.path == 'scale' and sampler.interpolation == 'STEP'
        found = values(tree, sampler.input) * FPS
        np.testing.assert_allclose(found, [frame for frame, _ in shown], atol=1e-4)
        np.testing.assert_array_equal(values(tree, sampler.output), [[there] * 3 for _, there in shown])


def test_gltf_surface(tree, body):
    """Skinned as the file says; SMPL's correctives are what is left out."""
    identity = 7
    mesh = next(mesh for mesh in tree.meshes if mesh.name == f'person_{identity}_body')
    told = mesh.primitives[0].attributes
    rest, joints, weights = (values(tree, number) for number in (told.POSITION, told.JOINTS_0, told.WEIGHTS_0))
    skin = next(skin for skin in tree.skins if skin.name == f'person_{identity}')
    unposed = values(tree, skin.inverseBindMatrices).reshape(-1, 4, 4).swapaxes(1, 2)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    transforms = gltf_joints(tree, f'person_{identity}')[1][3] @ unposed
    blended = np.einsum('vk,vkij->vij', weights, transforms[joints])
    skinned = np.einsum('vij,vj->vi', blended, np.c_[rest, np.ones(len(rest))])[:, :3]
    turns, transl, betas = (array[3:4] for array in (*poses(identity)[:2], poses(identity)[2][None].repeat(4, 0)))
    bare = replace(body.model, posedirs=np.zeros_like(body.model.posedirs))
    wanted, _ = linear_blend_skinning(bare, turns[:, 0], turns[:, 1:], betas, transl)
    np.testing.assert_allclose(to_camera_mm(skinned), 1000 * wanted[0], atol=0.1)
    whole, _ = linear_blend_skinning(body.model, turns[:, 0], turns[:, 1:], betas, transl)
    assert np.linalg.norm(to_camera_mm(skinned) - 1000 * whole[0], axis=1).mean() < 5


def test_gltf_camera_and_ground(tree, files):
    node = next(node for node in tree.nodes if node.camera is not None)
    matrix = node_matrix(node.rotation, node.translation)
    np.testing.assert_allclose(matrix @ np.diag([1, -1, -1, 1]), WORLD.camera_to_world, atol=1e-6)
    camera = tree.cameras[0].perspective
    np.testing.assert_allclose(camera.yfov, 2 * np.arctan(SIZE[1] / 2 / K[1, 1]))
    np.testing.assert_allclose(camera.aspectRatio, (SIZE[0] / K[0, 0]) / (SIZE[1] / K[1, 1]))
    assert tree.scenes[0].extras['K'] == K.tolist()
    read = trimesh.load(files['walk.glb'], process=False)
    assert {'ground', 'person_2_body', 'person_7_body'} <= set(read.geometry)
    np.testing.assert_allclose(read.geometry['ground'].vertices[:, 1], 0, atol=1e-9)
    assert read.geometry['ground'].face_normals[:, 1].min() > 0.99


# ------------------------------------------------------------------------------------------------ BVH, npz, USD


@pytest.mark.parametrize('identity', SEEN)
def test_bvh(files, identity):
    path = files[f'walk_person_{identity}.bvh']
    assert f'Frame Time: {1 / FPS:.9f}' in path.read_text()
    root = bvhio.readAsHierarchy(str(path))
    joints = {joint.Name: joint for joint, _, _ in root.layout()}
    seen = _SEEN[identity]
    assert root.getKeyframeRange() == (0, seen[-1] - seen[0])
    truth = true_joints_mm(identity)
    for row, frame in enumerate(seen):
        root.loadPose(frame - seen[0])
        found = np.array([[*joints[name].PositionWorld] for name in JOINT_NAMES]) / 100
        np.testing.assert_allclose(to_camera_mm(found), truth[row], atol=0.2)
    # at rest: arms out along x, legs down, facing z
    root.loadRestPose()
    at = lambda name: np.array([*joints[name].PositionWorld])
    along = at('left_wrist') - at('left_shoulder')
    assert along[0] > 40 and np.abs(along[1:]).max() < 10 and (at('left_ankle') - at('left_hip'))[1] < -60
    assert (at('left_foot') - at('left_ankle'))[2] > 5


@pytest.mark.parametrize('identity', SEEN)
def test_npz(files, body, identity):
    with np.load(files[f'walk_person_{identity}.npz']) as read:
        data = dict(read)
    seen = _SEEN[identity]
    assert data['mocap_framerate'] == FPS and data['track_id'] == identity
    assert data['frames'][data['observed']].tolist() == seen
    assert data['frames'].tolist() == list(range(seen[0], seen[-1] + 1))
    poses_of = data['poses'].reshape(-1, 24, 3)
    joints = body.posed_joints(poses_of, np.tile(data['betas'], (len(poses_of), 1))) + data['trans'][:, None]
    upright = joints[:, 15, 2] - joints[:, 7, 2]
    assert upright.min() > 1 and abs(joints[data['observed']][..., 2].min()) < 0.2  # z up, the floor at 0
    camera = joints @ data['world_to_camera'][:3, :3].T + data['world_to_camera'][:3, 3]
    np.testing.assert_allclose(1000 * camera[data['observed']], true_joints_mm(identity), atol=0.05)


@pytest.mark.parametrize('identity', SEEN)
def test_usd(files, identity):
    stage = Usd.Stage.Open(str(files['walk.usdc']))
    assert UsdGeom.GetStageUpAxis(stage) == 'Y' and UsdGeom.GetStageMetersPerUnit(stage) == 1
    assert (stage.GetTimeCodesPerSecond(), stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (FPS, 0, 10)
    root = UsdSkel.Root(stage.GetPrimAtPath(f'/world/person_{identity}'))
    cache = UsdSkel.Cache()
    cache.Populate(root, Usd.PrimDefaultPredicate)
    skeleton = UsdSkel.Skeleton(stage.GetPrimAtPath(f'/world/person_{identity}/skeleton'))
    query = cache.GetSkelQuery(skeleton)
    assert [path.split('/')[-1] for path in query.GetJointOrder()] == list(JOINT_NAMES)
    shown = [root.ComputeVisibility(frame) != 'invisible' for frame in FRAMES]
    assert [frame for frame, there in zip(FRAMES, shown) if there] == _SEEN[identity]
    for frame, truth in zip(_SEEN[identity], true_joints_mm(identity)):
        found = np.array([matrix.ExtractTranslation() for matrix in query.ComputeJointSkelTransforms(frame)])
        np.testing.assert_allclose(to_camera_mm(found), truth, atol=0.05)
    mesh = stage.GetPrimAtPath(f'/world/person_{identity}/body')
    binding = cache.GetSkinningQuery(mesh)
    assert binding.HasJointInfluences() and binding.GetNumInfluencesPerComponent() == 4


def test_usd_camera_sees_what_the_camera_saw(files):
    stage = Usd.Stage.Open(str(files['walk.usdc']))
    camera = UsdGeom.Camera(stage.GetPrimAtPath('/world/camera')).GetCamera(0)
    seen = true_joints_mm(2)[0]
    world = 0.001 * seen @ WORLD.camera_to_world[:3, :3].T + WORLD.camera_to_world[:3, 3]
    frustum = camera.frustum
    through = np.array(frustum.ComputeViewMatrix() * frustum.ComputeProjectionMatrix())
    clip = np.c_[world, np.ones(len(world))] @ through
    screen = clip[:, :2] / clip[:, 3:]
    px = (screen * [0.5, -0.5] + 0.5) * SIZE - 0.5  # pixel (0, 0) is the centre of the first
    np.testing.assert_allclose(px, project(seen, K), atol=0.01)


def test_normals_point_outwards(body):
    clip = clip_motion(toy_results()[:1], body.model, 'generated')
    rest = clip.people[0].rest
    corners = rest.vertices[rest.faces]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (np.einsum('fi,fi->f', rest.normals[rest.faces[:, 0]], faces) > 0).mean() > 0.95
    np.testing.assert_allclose(np.linalg.norm(rest.normals, axis=1), 1, atol=1e-9)
    assert set(rest.tips) == {10, 11, 15, 22, 23} and rest.tips[15][1] > 0.1  # the head reaches up
    assert np.isfinite(axis_angle_to_matrix(clip.people[0].axis_angle)).all()
