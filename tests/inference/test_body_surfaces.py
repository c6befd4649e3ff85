"""Meshes from the branch to results, pictures, viewer and files."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import torch
import trimesh

from das_mm.apis import DASInferencer
from das_mm.errors import UserError
from das_mm.inference.body_surfaces import mesh_vertices
from das_mm.inference.result_camera import resolve_for_camera
from das_mm.inference.result_files import read_results, result_schema
from das_mm.inference.results import people_of
from das_mm.structures import project
from das_mm.structures.tensor_rotations import axis_angle_to_matrix
from tests.json_schema import violations
from tests.pictures import picture, write_picture, write_video
from tests.visualization.viewer_pages import page_data, people_of_frames
from tests.walkers import Walkers

K = [[300.0, 0, 80], [0, 310, 60], [0, 0, 1]]
SIZE = (192, 128)


@pytest.fixture
def people(mesh_inferencer, monkeypatch):
    """Two upright bodies in place of what the random network finds."""
    walkers = Walkers(count=2, size=SIZE, meshes=True)
    monkeypatch.setattr(mesh_inferencer.model, 'test_step', walkers)
    return walkers


def results(inferencer, given, **kwargs):
    return [one['predictions'][0] for one in inferencer(given, **kwargs)]


def test_a_result(mesh_inferencer):
    (found,) = results(mesh_inferencer, picture(160, 128))
    assert violations(json.loads(json.dumps(found)), result_schema()) == []
    for person in found['people']:
        smpl = person['smpl']
        assert smpl['body'] == 'generated' and len(smpl['betas']) == 10
        np.testing.assert_allclose(np.add(smpl['root_mm'], smpl['transl_mm']), person['root_cam_mm'], atol=1e-3)


def test_surfaces_are_those_of_the_branch(mesh_inferencer, monkeypatch):
    """Computed from the parameters in a file of results they equal what the network's own branch gives."""
    branch = mesh_inferencer.model.head.branches['mesh']
    monkeypatch.setattr(branch, 'with_vertices', True)
    (sample,) = [one['predictions'][0] for one in mesh_inferencer(picture(160, 128), return_datasamples=True)]
    (found,) = results(mesh_inferencer, picture(160, 128))
    assert 'vertices' not in found['people'][0]
    vertices = mesh_vertices(json.loads(json.dumps(found)), branch.body)
    assert vertices.shape == sample.pred_instances.vertices.shape and vertices.dtype == np.float32
    np.testing.assert_allclose(vertices, sample.pred_instances.vertices, atol=0.5)  # people stand 15 m away


def test_another_camera_moves_the_meshes_too(mesh_inferencer):
    """No body model is needed, and it is the same as running the network with that camera."""
    given = dict(K=K, dist=[-0.05, 0.01, 0, 0, 0])
    (direct,) = results(mesh_inferencer, picture(160, 128), intrinsics=given)
    solved = resolve_for_camera(results(mesh_inferencer, picture(160, 128))[0], given['K'], given['dist'])
    for ours, theirs in zip(solved['people'], direct['people'], strict=True):
        for name in ('transl_mm', 'root_mm', 'global_orient', 'betas'):
            np.testing.assert_allclose(ours['smpl'][name], theirs['smpl'][name], atol=2e-2)


def test_who_has_no_mesh_or_no_place(mesh_inferencer, people, monkeypatch):
    (found,) = results(mesh_inferencer, picture(*SIZE))
    step, body = mesh_inferencer.model.test_step, mesh_inferencer.body

    def spoiled(batch):
        samples = step(batch)
        samples[0].pred_instances.smpl_body_pose[0, 5] = np.nan
        samples[0].pred_instances.root_depths_norm[1] = -1
        return samples

    monkeypatch.setattr(mesh_inferencer.model, 'test_step', spoiled)
    (one,) = list(mesh_inferencer(picture(*SIZE), return_vis=True))  # and it can be drawn
    odd = one['predictions'][0]
    assert violations(odd, result_schema()) == []
    assert odd['people'][0]['smpl'] is None and odd['people'][0]['keypoints_cam_mm'] is not None
    assert odd['people'][1]['smpl']['transl_mm'] is None
    vertices = mesh_vertices(odd, body)
    assert np.isnan(vertices).all() and np.isfinite(mesh_vertices(found, body)).all()
    assert mesh_vertices(dict(found, people=[]), body).shape == (0, body.num_vertices, 3)


def test_another_body_is_refused(mesh_inferencer, inferencer, people):
    (found,) = results(mesh_inferencer, picture(*SIZE))
    found['people'][0]['smpl']['body'] = 'f' * 64
    with pytest.raises(UserError, match='the meshes are of the body ffff.*not of generated'):
        mesh_vertices(found, mesh_inferencer.body)
    with pytest.raises(UserError, match='tells no meshes'):
        mesh_vertices(results(inferencer, picture())[0], mesh_inferencer.body)


def test_what_is_drawn(mesh_inferencer, people):
    image = np.full((*SIZE[::-1], 3), 128, np.uint8)
    drawn = {meshes: next(mesh_inferencer(image, return_vis=True, draw_meshes=meshes)) for meshes in (True, False)}
    found = drawn[True]['predictions'][0]
    overlay, skeletons = (drawn[meshes]['visualization'][0] for meshes in (True, False))
    vertices = mesh_vertices(found, mesh_inferencer.body)
    seen = np.zeros(image.shape[:2], bool)
    for points in project(vertices.astype(float), np.array(found['camera']['K'])):
        hull = cv2.convexHull(np.round(points).astype(np.int32))
        seen |= cv2.fillConvexPoly(np.zeros(image.shape[:2], np.uint8), hull, 1) > 0
    changed, thin = ((one != image).any(-1) for one in (overlay, skeletons))
    assert (changed & seen).sum() > 0.4 * seen.sum()  # a body fills half of its hull
    assert (overlay != skeletons).any(-1)[seen].mean() > 0.3 and (thin & seen).any()


def test_files_come_back_as_they_were(mesh_inferencer, people, tmp_path):
    path = write_picture(tmp_path / 'a.png', *SIZE)
    (found,) = results(mesh_inferencer, str(path), out_dir=tmp_path / 'out', export=['obj', 'ply', 'glb', 'obj'])
    assert sorted(file.name for file in (tmp_path / 'out' / 'meshes').iterdir()) == ['a.glb', 'a.obj', 'a.ply']
    expected = mesh_vertices(found, mesh_inferencer.body)
    for kind, factor in (('obj', 1), ('ply', 1), ('glb', [1e3, -1e3, -1e3])):
        loaded = trimesh.load(tmp_path / 'out' / 'meshes' / f'a.{kind}', process=False, force='mesh')
        bodies = (loaded.vertices * factor).reshape(expected.shape)
        bodies = bodies[np.argsort(bodies[:, 0, 0])]  # glTF's objects have names, but no order
        np.testing.assert_allclose(bodies, expected[np.argsort(expected[:, 0, 0])], atol=0.1)
    assert json.dumps(found['camera']['K']) in (tmp_path / 'out' / 'meshes' / 'a.obj').read_text()[:2000]


def test_a_video(mesh_inferencer, people, tmp_path):
    """Meshes of every frame; smoothed parameters lie on smoothed roots; the viewer shows them in one colour each."""
    people.jitter_px = 2.0
    video = str(write_video(tmp_path / 'v.mp4', 3, size=SIZE))
    found = results(mesh_inferencer, video, out_dir=tmp_path / 'out', export='ply', track=True, smooth=True)
    assert list(read_results(tmp_path / 'out' / 'predictions' / 'v.jsonl')) == found
    files = sorted((tmp_path / 'out' / 'meshes' / 'v').iterdir())
    assert [file.name for file in files] == ['000000.ply', '000001.ply', '000002.ply']
    last = found[-1]
    assert last['smoothed'] and sorted(people_of(last).identities) == [0, 1]
    branch = mesh_inferencer.model.head.branches['mesh']
    vertices = mesh_vertices(last, branch.body)
    for person, surface in zip(last['people'], vertices):
        turns = [torch.tensor([person['smpl'][name]]) for name in ('global_orient', 'body_pose', 'betas')]
        points = 1000 * branch.body_keypoints(axis_angle_to_matrix(turns[0]), axis_angle_to_matrix(turns[1]), turns[2])
        root = points[0, list(branch.keypoint_set.root_sources)].mean(0).numpy() + person['smpl']['transl_mm']
        np.testing.assert_allclose(root, person['root_cam_mm'], atol=0.5)
        assert abs(surface.mean(0) - person['root_cam_mm']).max() < 400
    page = tmp_path / 'out' / 'viewer.html'
    frames = people_of_frames(page)
    assert page_data(page)['meshes'] and [[p['mesh'] for p in frame] for frame in frames] == [[0, 1], [2, 3], [4, 5]]
    # the skeleton in a body is the body's: here the joints that its parameters say
    for person, shown in zip(last['people'], frames[-1]):
        turns = np.array([[person['smpl']['global_orient'], *person['smpl']['body_pose']]])
        joints = 1000 * branch.body.posed_joints(turns, np.array([person['smpl']['betas']]))[0]
        knee = last['keypoint_names'].index('left_knee')
        np.testing.assert_allclose(shown['body'][knee], joints[4] + person['smpl']['transl_mm'], atol=1)
        assert np.abs(shown['body'][knee] - shown['cam'][knee]).max() > 5
    colors = [{person['label']: person['color'] for person in frame} for frame in frames]
    assert colors[0] == colors[1] == colors[2] and len(set(colors[0].values())) == 2


def test_the_viewer_without_meshes(mesh_inferencer, people, tmp_path):
    results(mesh_inferencer, picture(*SIZE), viewer_out_dir=tmp_path, draw_meshes=False)
    assert page_data(tmp_path / 'viewer.html')['meshes'] is None


@pytest.mark.parametrize(
    'options, said',
    [
        (dict(export='stl', out_dir='{0}'), "export: 'stl' is no mesh format"),
        (dict(export=['obj']), 'nobody says where'),
    ],
)
def test_mistakes(mesh_inferencer, tmp_path, options, said):
    options = {name: value.format(tmp_path) if name == 'out_dir' else value for name, value in options.items()}
    with pytest.raises(UserError, match=said):
        mesh_inferencer(picture(), **options)


def test_a_model_without_meshes(inferencer, tmp_path):
    with pytest.raises(UserError, match='export: this model tells no meshes'):
        inferencer(picture(), out_dir=tmp_path, export='obj')
    with pytest.raises(UserError, match='task: this model does not do that; it does: pose'):
        DASInferencer(inferencer.model, task='mesh')
