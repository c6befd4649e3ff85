"""Exported meshes, read back by trimesh and compared; what the files say of units and camera."""

from __future__ import annotations

import json

import numpy as np
import pytest
import trimesh

from das_mm.bodies import load_generated_body
from das_mm.errors import UserError
from das_mm.inference.mesh_exporters import EXPORTERS
from das_mm.inference.mesh_files import export_meshes
from das_mm.structures import project

K = np.array([[620.0, 0, 400.5], [0, 640, 250.5], [0, 0, 1]])
SIZE = (832, 512)


@pytest.fixture(scope='module')
def people():
    """(2, V, 3) mm camera frame, upright."""
    upright = load_generated_body().v_template * [1, -1, -1] * 1000.0
    return np.stack([upright + [-500, 0, 3000], upright + [600, 100, 4500]])


@pytest.fixture(scope='module')
def faces():
    return load_generated_body().faces


def export(path, people, faces, **changes):
    return export_meshes(
        path,
        people,
        faces,
        **{
            **dict(
                K=K,
                image_size=SIZE,
                identities=[7, 12][: len(people)],
                notes={'image': 'a\nb.jpg', 'scores': [0.9, 0.5]},
            ),
            **changes,
        },
    )


def glb_tree(path):
    data = path.read_bytes()
    assert data[:4] == b'glTF' and len(data) == int.from_bytes(data[8:12], 'little')
    return json.loads(data[20 : 20 + int.from_bytes(data[12:16], 'little')])


def test_obj(tmp_path, people, faces):
    path = export(tmp_path / 'people.obj', people, faces)
    text = path.read_text()
    header = text[: text.index('\no ')]
    assert all(line.startswith('#') for line in header.splitlines() if line)
    for told in (
        'units: mm',
        'camera frame: x right, y down, z forward',
        f'K: {K.tolist()}',
        'image_size: [832, 512]',
        'image: a b.jpg',
        'scores: [0.9, 0.5]',
        'people: 2',
    ):
        assert told in header
    lines = text.splitlines()
    assert [line for line in lines if line.startswith('o ')] == ['o person_7', 'o person_12']
    read = trimesh.load(path, process=False, maintain_order=True, force='mesh')
    np.testing.assert_allclose(read.vertices, people.reshape(-1, 3), atol=1e-3)
    np.testing.assert_array_equal(read.faces, np.concatenate([faces, faces + 6890]))


def test_ply(tmp_path, people, faces):
    path = export(tmp_path / 'people.ply', people, faces, dist=np.array([-0.1, 0, 0, 0, 0]))
    header = path.read_bytes().split(b'end_header')[0].decode()
    assert header.startswith('ply\nformat binary_little_endian 1.0\ncomment ')
    for told in ('comment units: mm', 'comment frame: camera frame', 'comment dist: [-0.1', 'comment image: a b.jpg'):
        assert told in header
    read = trimesh.load(path, process=False)
    np.testing.assert_allclose(read.vertices, people.reshape(-1, 3), atol=1e-3)  # float32
    np.testing.assert_array_equal(read.faces, np.concatenate([faces, faces + 6890]))
    person = read.metadata['_ply_raw']['vertex']['data']['person']
    np.testing.assert_array_equal(np.ravel(person), np.repeat([7, 12], 6890))
    assert len(np.unique(read.visual.vertex_colors, axis=0)) == 2
    # in the camera frame: they project as they are
    np.testing.assert_allclose(project(read.vertices, K), project(people.reshape(-1, 3), K), atol=1e-3)


def test_glb(tmp_path, people, faces):
    path = export(tmp_path / 'people.glb', people, faces)
    read = trimesh.load(path, process=False)
    assert list(read.geometry) == ['person_7', 'person_12']
    for mesh, vertices in zip(read.geometry.values(), people):
        np.testing.assert_allclose(mesh.vertices, vertices * [1e-3, -1e-3, -1e-3], atol=1e-6)
        np.testing.assert_array_equal(mesh.faces, faces)
        assert mesh.volume == pytest.approx(trimesh.Trimesh(vertices, faces, process=False).volume * 1e-9, rel=1e-3)
        assert mesh.volume > 0  # faces look outward
        normals = mesh.vertex_normals
        assert ((normals * trimesh.Trimesh(mesh.vertices, faces, process=False).vertex_normals).sum(1) > 0.99).all()
    head, heel = 411, 3387
    mesh = read.geometry['person_7']
    assert mesh.vertices[head, 1] > mesh.vertices[heel, 1] + 1.5  # metres, y up
    tree = glb_tree(path)
    told = tree['scenes'][0]['extras']
    assert told['units'] == 'm' and 'y up' in told['frame']
    assert (told['K'], told['image_size'], told['scores']) == (K.tolist(), list(SIZE), [0.9, 0.5])
    camera = tree['cameras'][0]['perspective']
    assert camera['yfov'] == pytest.approx(2 * np.arctan(256 / 640))
    assert camera['aspectRatio'] == pytest.approx((832 / 620) / (512 / 640))
    node = next(node for node in tree['nodes'] if 'camera' in node)
    assert not {'matrix', 'translation', 'rotation', 'scale'} & set(node)  # at the origin, along -z, y up
    assert all(not {'matrix', 'translation', 'rotation', 'scale'} & set(node) for node in tree['nodes'])


def test_glb_camera_sees_what_the_image_shows(tmp_path, people, faces):
    centred = np.array([[620.0, 0, 415.5], [0, 640, 255.5], [0, 0, 1]])
    path = export(tmp_path / 'people.glb', people, faces, K=centred)
    camera = glb_tree(path)['cameras'][0]['perspective']
    points = np.concatenate([mesh.vertices for mesh in trimesh.load(path, process=False).geometry.values()])
    height = np.tan(camera['yfov'] / 2) * -points[:, 2]
    clip = np.stack([points[:, 0] / (height * camera['aspectRatio']), points[:, 1] / height], 1)  # [-1, 1]
    pixels = (clip * [1, -1] + 1) / 2 * SIZE - 0.5
    np.testing.assert_allclose(pixels, project(people.reshape(-1, 3), centred), atol=1e-2)


def test_without_camera_and_identities(tmp_path, people, faces):
    path = export_meshes(tmp_path / 'people.glb', people, faces)
    tree = glb_tree(path)
    assert 'cameras' not in tree and [node['name'] for node in tree['nodes']] == ['person_1', 'person_2']
    assert 'K' not in tree['scenes'][0]['extras']


@pytest.mark.parametrize('suffix', ['.obj', '.ply', '.glb'])
def test_nobody(tmp_path, people, faces, suffix):
    path = export(tmp_path / f'nobody{suffix}', people[:0], faces)
    read = trimesh.load(path, process=False)
    assert not getattr(read, 'geometry', {}) or not len(read.to_geometry().vertices)
    content = path.read_bytes()
    assert b'people' in content and b'units' in content


def test_bad_input_leaves_no_file(tmp_path, people, faces):
    broken = people.copy()
    broken[1, 3] = np.nan
    with pytest.raises(UserError, match='person 12 has vertices that are not finite'):
        export(tmp_path / 'people.obj', broken, faces)
    with pytest.raises(UserError, match='.stl'):
        export(tmp_path / 'people.stl', people, faces)
    with pytest.raises(ValueError, match='identities'):
        export(tmp_path / 'people.obj', people, faces, identities=[1])
    assert not list(tmp_path.iterdir())
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match='cannot be written'):
        export(tmp_path / 'file' / 'people.obj', people, faces)


def test_a_project_adds_a_format(tmp_path):
    faces = np.array([[0, 1, 2]])
    EXPORTERS.register('txt')(_write_txt)
    path = export_meshes(tmp_path / 'people.txt', np.arange(18.0).reshape(2, 3, 3), faces, identities=[7, 9])
    assert path.read_text() == '7 9 mm'
    with pytest.raises(UserError, match=r'no mesh format') as caught:
        export_meshes(tmp_path / 'people.dae', np.zeros((0, 3, 3)), faces)
    assert '.obj, .ply, .glb, .txt' in caught.value.remedy


def _write_txt(scene):
    return ' '.join([*(str(mesh.metadata['identity']) for mesh in scene.people), scene.about['units']]).encode()
