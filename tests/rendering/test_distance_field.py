"""Inside and outside of closed meshes, and how deep: against spheres, boxes and all triangles one by one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh
from torch.nn import functional

from das_mm.errors import UserError
from das_mm.rendering.distance_field import cells_around, distance_fields, surface_distance, triangle_distance
from das_mm.rendering.occupancy import check_closed, inside_lattice


def sphere(radius: float = 0.6, center=(0.0, 0, 0), subdivisions: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    mesh = trimesh.creation.icosphere(subdivisions=subdivisions, radius=radius)
    return torch.tensor(mesh.vertices + np.asarray(center)).float(), torch.tensor(mesh.faces)


def lattice(resolution: int, spacing: float) -> torch.Tensor:
    """(R, R, R, 3) x, y, z of points (z, y, x)."""
    axis = -1 + (torch.arange(resolution) + 0.5) * spacing
    z, y, x = torch.meshgrid(axis, axis, axis, indexing='ij')
    return torch.stack([x, y, z], -1)


@pytest.mark.parametrize('spacing', [None, 2 / 31], ids=['ours', 'released'])
def test_the_field_of_a_sphere_is_the_analytic_one_to_a_fraction_of_a_cell(spacing):
    center = torch.tensor([0.2, -0.1, 0.05])
    (first, faces), (second, _) = sphere(0.6, center), sphere(0.4)
    fields = distance_fields(torch.stack([first, second]), faces, 32, spacing)
    points = lattice(32, spacing or 2 / 32)
    for field, middle, radius in zip(fields, (center, torch.zeros(3)), (0.6, 0.4)):
        expected = (radius - (points - middle).norm(dim=-1)).clamp(min=0)
        assert (field - expected).abs().max() < 0.1 * 2 / 32  # what the polyhedron cuts off
        assert field.max() > radius - 0.06


def test_a_field_may_be_made_where_it_is_read_alone():
    (ball, faces), generator = sphere(0.8, subdivisions=2), torch.manual_seed(0)
    places = 2.4 * torch.rand(1, 40, 3, generator=generator) - 1.2  # beyond the cube too
    wanted = cells_around(places, 12)
    read = lambda field: functional.grid_sample(field[:, None], places[:, :, None, None], align_corners=False)
    whole, part = distance_fields(ball[None], faces, 12), distance_fields(ball[None], faces, 12, wanted=wanted)
    assert torch.allclose(read(whole), read(part), atol=1e-6) and read(part).max() > 0.1
    assert (part > 0).sum() < 0.7 * (whole > 0).sum() and torch.equal(part[wanted], whole[wanted])


def test_distances_are_those_of_all_triangles_one_by_one():
    generator = torch.manual_seed(3)
    triangles, points = torch.randn(60, 3, 3, generator=generator), torch.randn(40, 3, generator=generator)
    triangles[0, 1] = triangles[0, 0]  # no area
    every = triangle_distance(points.repeat_interleave(60, 0), triangles.repeat(40, 1, 1)).view(40, 60)
    assert torch.allclose(surface_distance(points, triangles), every.amin(1))
    # the point of a triangle nearest to each, by brute force over its points
    u, v = torch.meshgrid(torch.linspace(0, 1, 101), torch.linspace(0, 1, 101), indexing='ij')
    weights = torch.stack([u, v, 1 - u - v], -1)[u + v <= 1 + 1e-6]  # (n, 3)
    dense = torch.cdist(points, (weights @ triangles).flatten(0, 1)).view(40, 60, -1).amin(2)
    assert (dense - every).abs().max() < 0.06 and (every <= dense + 1e-4).all()


def test_columns_through_corners_edges_and_faces_count_them_once():
    box = trimesh.creation.box(bounds=[[1, 1, 1], [3, 3, 3]])  # corners, edges and diagonals lie on the lattice
    inside = inside_lattice(torch.tensor(box.vertices[None]).float(), torch.tensor(box.faces), (5, 6, 7))
    assert inside.shape == (1, 5, 6, 7) and inside[0, 1:3, 1:3, 1:3].all() and inside.sum() == 8
    ball, faces = sphere(3.0, (4.0, 4.0, 4.0))  # with corners on the axes, and the middle column through both poles
    inside = inside_lattice(ball[None], faces, (9, 9, 9))[0]
    radius = (lattice(9, 1.0) - 3.5).norm(dim=-1)  # the lattice's first point is -0.5
    assert inside[radius < 2.9].all() and not inside[radius > 3.01].any()


def test_where_a_body_cuts_itself_the_rules_differ():
    (first, faces), (second, _) = sphere(3.0, (6.1, 6.2, 6.3)), sphere(3.0, (9.1, 6.2, 6.3))
    both, surface = torch.cat([first, second])[None], torch.cat([faces, faces + len(first)])
    odd, winding = (inside_lattice(both, surface, (13, 13, 16), rule)[0] for rule in ('odd', 'winding'))
    one, other = (inside_lattice(part[None], faces, (13, 13, 16))[0] for part in (first, second))
    assert torch.equal(winding, one | other) and torch.equal(odd, one ^ other) and (one & other).any()
    check_closed(surface)


def test_open_surfaces_have_no_inside():
    _, faces = sphere(subdivisions=1)
    check_closed(faces)
    for wrong in (faces[1:], torch.cat([faces, faces[:1]]), faces[:0]):
        with pytest.raises(UserError, match='not closed'):
            check_closed(wrong)
