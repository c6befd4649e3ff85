import numpy as np
import pytest
from scipy import sparse
from trimesh.creation import icosphere, torus
from trimesh.triangles import closest_point

from das_mm.bodies import load_generated_body
from das_mm.errors import UserError
from projects.graphcmr.graphcmr.barycentric_upsampling import nearest_triangles
from projects.graphcmr.graphcmr.body_mesh import level_mesh
from projects.graphcmr.graphcmr.edge_collapse import CollapsingMesh, check_closed_surface
from projects.graphcmr.graphcmr.mesh_pyramid import build_pyramid, normalised_adjacency, normalised_template
from projects.graphcmr.graphcmr.pyramid_files import load_pyramid, pyramid_of_body


@pytest.fixture(scope='module')
def ball():
    return icosphere(3)  # 642 vertices


@pytest.fixture(scope='module')
def pyramid(ball):
    return build_pyramid(ball.vertices, ball.faces)


def write_released(path, pyramid, **changes):
    """An archive as the authors distribute it: object arrays of scipy matrices, adjacency of twos."""
    formats = dict(A=lambda m: sparse.csr_matrix(2 * m), D=sparse.coo_matrix, U=sparse.csc_matrix)
    lists = dict(A=pyramid.adjacency, D=pyramid.down, U=pyramid.up) | changes
    arrays = {}
    for name, matrices in lists.items():
        arrays[name] = np.empty(len(matrices), object)
        arrays[name][:] = [formats[name](matrix) for matrix in matrices]
    np.savez(path, **arrays)
    return path


def test_every_level_is_a_closed_surface_that_keeps_vertices(ball):
    vertices, faces = np.asarray(ball.vertices), ball.faces
    mesh = CollapsingMesh(vertices, faces)
    mesh.reduce(161)
    kept, coarse = mesh.result()
    assert len(kept) == 161 and len(coarse) == 318
    check_closed_surface(coarse, len(kept))
    corners = vertices[kept][coarse]
    outward = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert ((outward * corners.mean(1)).sum(1) > 0).all()


def test_pyramid_of_the_generated_body(body_pyramid):
    assert body_pyramid.sizes == (6890, 1723, 431)
    template = load_generated_body().v_template.astype(float)
    body_pyramid.check_body(load_generated_body().faces, 6890)
    for down, up, edges in zip(body_pyramid.down, body_pyramid.up, body_pyramid.adjacency[1:]):
        assert edges.nnz // 2 == 3 * edges.shape[0] - 6
        assert abs(down @ up - sparse.identity(down.shape[0])).max() == 0
        assert np.linalg.norm(up @ down @ template - template, axis=1).mean() < 3e-3
        template = down @ template


def test_matrices_select_and_restore(pyramid, ball):
    assert pyramid.sizes == (642, 161, 41)
    for level, (down, up) in enumerate(zip(pyramid.down, pyramid.up)):
        assert set(np.unique(down.data)) == {1} and (np.diff(down.indptr) == 1).all()
        assert abs(down @ up - sparse.identity(down.shape[0])).max() == 0
        assert np.diff(up.indptr).max() == 3 and np.allclose(up.sum(1), 1)
        edges = pyramid.adjacency[level + 1]
        assert edges.nnz // 2 == 3 * edges.shape[0] - 6  # V - E + F = 2 of a triangulated ball
        assert edges.diagonal().sum() == 0 and abs(edges - edges.T).max() == 0
    restored = pyramid.up[0] @ pyramid.down[0] @ ball.vertices
    nearest = np.linalg.norm(ball.vertices[:, None] - (pyramid.down[0] @ ball.vertices)[None], axis=2).min(1)
    assert np.linalg.norm(restored - ball.vertices, axis=1).mean() < 0.3 * nearest.mean()  # no nearest neighbours


def test_nearest_triangles_are_those_of_an_exhaustive_search(ball):
    points = np.random.default_rng(0).normal(size=(20, 3))
    triangles = ball.vertices[ball.faces]
    gaps = [np.linalg.norm(closest_point(triangles, np.tile(p, (len(triangles), 1))) - p, axis=1) for p in points]
    found = nearest_triangles(points, triangles)
    assert np.allclose([gap[row] for gap, row in zip(gaps, found)], np.min(gaps, axis=1))


def test_adjacency_is_the_mean_over_neighbours_and_self(pyramid):
    mean = normalised_adjacency(2 * pyramid.adjacency[1])
    assert np.allclose(mean.sum(1), 1) and (mean.diagonal() > 0).all()
    degree = np.asarray(pyramid.adjacency[1].sum(1)).ravel()
    assert np.allclose(mean.diagonal(), 1 / (degree + 1))
    assert abs(mean - mean.T).max() > 0.01  # by rows, not symmetric
    assert np.allclose(mean @ np.ones(161), 1)


def test_template_is_normalised_before_it_is_subsampled(pyramid, ball):
    vertices = ball.vertices * [1, 2, 3] + 5
    mesh = level_mesh(pyramid, vertices, 1)
    template = normalised_template(vertices)
    assert np.abs(template).max() == pytest.approx(1) and np.allclose(template.max(0), -template.min(0))
    assert np.array_equal(mesh.template, pyramid.down[0] @ template)
    assert level_mesh(pyramid, vertices, 2).upsampling.shape == (642, 41)


def test_cache_and_released_file_give_the_same_matrices(ball, pyramid, tmp_path, monkeypatch):
    monkeypatch.setenv('DAS_MM_CACHE', str(tmp_path / 'cache'))
    released = load_pyramid(write_released(tmp_path / 'released.npz', pyramid))
    built = pyramid_of_body(ball.vertices, ball.faces)
    stored = next((tmp_path / 'cache').rglob('*.npz'))
    again = pyramid_of_body(ball.vertices, ball.faces)
    for other in (released, built, again):
        for mine, theirs in zip(pyramid.adjacency + pyramid.down + pyramid.up, other.adjacency + other.down + other.up):
            assert abs(mine - theirs).max() == 0
    stored.write_bytes(b'damaged')
    assert pyramid_of_body(ball.vertices, ball.faces).sizes == pyramid.sizes


def test_bodies_that_are_not_closed_or_of_another_mesh_are_refused(ball, pyramid, tmp_path):
    with pytest.raises(UserError, match='hole'):
        build_pyramid(ball.vertices, ball.faces[1:])
    ring = torus(1, 0.3)
    with pytest.raises(UserError, match='V - E \\+ F is 0'):
        build_pyramid(ring.vertices, ring.faces)
    with pytest.raises(UserError, match='642 vertices, this one has 162') as raised:
        pyramid.check_body(icosphere(2).faces, 162, 'some.npz')
    assert raised.value.file == 'some.npz' and raised.value.remedy
    mixed = np.random.default_rng(0).permutation(642)[ball.faces]
    with pytest.raises(UserError, match='another way'):
        pyramid.check_body(mixed, 642)


class _Evil:
    def __reduce__(self):
        return print, ('run',)


def test_files_that_are_no_pyramid_are_refused(pyramid, tmp_path, capsys):
    with pytest.raises(UserError, match='no archive'):
        load_pyramid(tmp_path / 'absent.npz')
    with pytest.raises(UserError, match='do not lead'):
        load_pyramid(write_released(tmp_path / 'mixed.npz', pyramid, D=pyramid.down[::-1]))
    with pytest.raises(UserError, match='need 2 matrices'):
        load_pyramid(write_released(tmp_path / 'short.npz', pyramid, U=pyramid.up[:1]))
    np.savez(tmp_path / 'plain.npz', A=np.eye(3), D=np.eye(3), U=np.eye(3))
    with pytest.raises(UserError, match='not a list'):
        load_pyramid(tmp_path / 'plain.npz')
    evil = np.empty(1, object)
    evil[0] = _Evil()
    np.savez(tmp_path / 'evil.npz', A=evil, D=evil, U=evil)
    with pytest.raises(UserError, match='builtins.print'):
        load_pyramid(tmp_path / 'evil.npz')
    assert 'run' not in capsys.readouterr().out
