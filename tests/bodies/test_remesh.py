"""The tools that made the template, on surfaces small enough to check."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from das_mm.bodies.template.marching_tetrahedra import marching_tetrahedra
from das_mm.bodies.template.remesh import HalfMesh, reach_vertex_count, remesh


def sphere(points):
    return np.linalg.norm(points, axis=1) - 0.1


def torus(points):
    ring = np.hypot(points[:, 0], points[:, 1]) - 0.1
    return np.hypot(ring, points[:, 2]) - 0.04


@pytest.mark.parametrize(
    'field,euler,volume', [(sphere, 2, 4 / 3 * np.pi * 1e-3), (torus, 0, 2 * np.pi**2 * 0.1 * 0.04**2)]
)
def test_marching_tetrahedra_keep_topology(field, euler, volume):
    vertices, faces = marching_tetrahedra(field, np.full(3, -0.163), np.full(3, 0.163), 0.012)
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    assert mesh.is_watertight and mesh.is_winding_consistent and mesh.euler_number == euler
    assert mesh.volume == pytest.approx(volume, rel=0.03)


def two_centimetres(points):
    return np.full(len(points), 0.02)


@pytest.fixture(scope='module')
def half_sphere():
    vertices, faces = marching_tetrahedra(sphere, np.array([0, -0.16, -0.16]), np.full(3, 0.16), 0.016)
    mesh = HalfMesh(vertices, faces)
    remesh(mesh, sphere, two_centimetres, rounds=3)
    return mesh


def test_remeshing_gives_the_wanted_edges(half_sphere):
    vertices, faces = half_sphere.compact()
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    lengths = mesh.edges_unique_length
    assert np.mean((lengths > 0.8 * 0.02) & (lengths < 4 / 3 * 0.02)) > 0.9
    assert lengths.min() > 0.008 and np.mean(lengths) == pytest.approx(0.02, rel=0.12)
    np.testing.assert_allclose(sphere(vertices), 0, atol=1e-5)
    assert len(vertices) - len(half_sphere.edges()) + len(faces) == 1  # a disc
    np.testing.assert_allclose(vertices[sorted(half_sphere.boundary), 0], 0, atol=1e-9)


@pytest.mark.parametrize('change', [-30, 1, 40])
def test_vertex_count_is_met_exactly(half_sphere, change):
    mesh = HalfMesh(*half_sphere.compact())
    total = 2 * len(mesh.points) - len(mesh.boundary) + change
    reach_vertex_count(mesh, two_centimetres, total)
    vertices, faces = mesh.compact()
    assert 2 * len(vertices) - len(mesh.boundary) == total
    assert 2 * len(faces) == 2 * total - 4  # Euler, closed genus 0


def test_collapse_refuses_what_would_break_the_manifold():
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
    tetrahedron = HalfMesh(corners, np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]]))
    assert not any(tetrahedron.collapse(a, b) for a, b in tetrahedron.edges())
    assert not any(tetrahedron.flip(a, b) for a, b in tetrahedron.edges())
