"""The z-buffer against planes, against the ray tracer, and its gradient against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh

from das_mm.errors import UserError
from das_mm.rendering import build_tracer
from das_mm.rendering.lattice_boxes import candidates
from das_mm.rendering.z_buffer import rasterize

_K = torch.tensor([[60.0, 0.5, 20.3], [0, 55.0, 15.8], [0, 0, 1]])
_SIZE = dict(height=32, width=40)
_QUAD = torch.tensor([[0, 1, 2], [0, 2, 3]])


def quad(z: float, left: float = -0.4, right: float = 0.4, tilt: float = 0.0) -> torch.Tensor:
    """(4, 3): upright, at depth z + tilt * x."""
    corners = torch.tensor([[left, -0.3], [right, -0.3], [right, 0.3], [left, 0.3]])
    return torch.cat([corners, z + tilt * corners[:, :1]], dim=1)


def rays(height: int, width: int) -> torch.Tensor:
    """(H, W, 3) through the centres of pixels, z = 1."""
    v, u = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
    return torch.stack([u, v, torch.ones_like(u)], -1).float() @ torch.linalg.inv(_K).T


def test_a_tilted_plane_has_its_depth_in_every_pixel_and_no_gap_at_the_diagonal():
    raster = rasterize(quad(2.0, tilt=0.5)[None], _QUAD, _K, **_SIZE)
    expected = 2.0 / (1 - 0.5 * rays(**_SIZE)[..., 0])  # z = 2 + x / 2 with x = z * ray
    where = raster.silhouettes[0]
    assert where.sum() > 400
    assert (where.int().diff(dim=1).abs().sum(1) <= 2).all()  # one run a row
    assert torch.allclose(raster.depth[0][where], expected[where], atol=1e-5)
    assert raster.depth[0][~where].isinf().all() and set(raster.face_ids.unique().tolist()) == {-1, 0, 1}


def test_the_ray_tracer_sees_the_same_triangles_at_the_same_depths():
    mesh = trimesh.creation.icosphere(subdivisions=2, radius=0.4)
    vertices = np.asarray(mesh.vertices, np.float32) * [1, 0.7, 1.3] + [0.05, 0.02, 1.5]
    raster = rasterize(torch.tensor(vertices[None]).float(), torch.tensor(mesh.faces), _K, **_SIZE)
    directions = rays(**_SIZE).reshape(-1, 3).numpy()
    hits = build_tracer(vertices, mesh.faces).first_hits(np.zeros_like(directions), directions)
    seen, face = raster.depth[0].flatten().numpy(), raster.face_ids[0].flatten().numpy()
    both = (face >= 0) & (hits.face >= 0)
    assert both.sum() > 300 and ((face >= 0) != (hits.face >= 0)).sum() <= 2
    np.testing.assert_allclose(seen[both], hits.t[both], atol=1e-4)
    assert (face[both] == hits.face[both]).mean() > 0.97  # the others lie on edges


def test_the_gradient_of_depth_runs_through_corners_and_weights():
    vertices = torch.stack([quad(2.0, tilt=0.5), quad(1.5, right=0.0, tilt=-0.3)]).double().requires_grad_()
    camera = _K.double()

    def depths(points: torch.Tensor) -> torch.Tensor:
        depth = rasterize(points, _QUAD, camera, **_SIZE).depth
        # pixels away from the border stay in their person's quad under the tiny moves of finite differences
        return torch.stack([depth[0, 14:18, 12:30:3], depth[1, 14:18, 8:16].sum(1, keepdim=True).expand(-1, 6)])

    assert torch.autograd.gradcheck(depths, (vertices,), eps=1e-5, atol=1e-5)
    assert not rasterize(vertices, _QUAD, camera, **_SIZE).face_ids.is_floating_point()


def test_people_are_drawn_alone_and_the_nearest_is_in_front():
    people = torch.stack([quad(2.0), quad(1.5, right=0.0), quad(3.0, left=0.0)])
    raster = rasterize(people, _QUAD, _K, **_SIZE)
    alone = [rasterize(person[None], _QUAD, _K, **_SIZE).depth[0] for person in people]
    assert torch.equal(raster.depth, torch.stack(alone))
    assert set(raster.person_ids.unique().tolist()) == {-1, 0, 1}
    assert raster.person_ids[16, 10] == 1 and raster.person_ids[16, 28] == 0 and raster.person_ids[0, 0] == -1


@pytest.mark.parametrize(
    'moved', [(50.0, 0, 0), (0, 0, -5.0), (0, 0, 200.0), (float('nan'), 0, 0), (0, 0, -1.95)],
    ids=['aside', 'behind', 'beyond far', 'NaN', 'nearer than near'],
)  # fmt: skip
def test_who_is_not_before_the_camera_is_not_drawn(moved):
    people = torch.stack([quad(2.0) + torch.tensor(moved), quad(2.0)]).requires_grad_()
    raster = rasterize(people, _QUAD, _K, **_SIZE)
    assert not raster.silhouettes[0].any() and (raster.person_ids != 0).all()
    raster.depth[raster.silhouettes].sum().backward()
    assert (people.grad[0] == 0).all() and people.grad[1].isfinite().all() and (people.grad[1] != 0).any()


def test_nobody_and_no_triangles():
    assert rasterize(torch.zeros(0, 4, 3), _QUAD, _K, **_SIZE).depth.shape == (0, 32, 40)
    empty = rasterize(quad(2.0)[None], torch.zeros(0, 3, dtype=torch.long), _K, **_SIZE)
    assert not empty.silhouettes.any() and (empty.person_ids == -1).all()


def test_pieces_hold_the_same_candidates_as_a_whole():
    corners = torch.rand(50, 3, 2, generator=torch.manual_seed(0)) * 30 - 8
    usable = torch.arange(50) % 7 != 0
    whole = torch.stack(next(iter(candidates(corners, usable, 16, 12))), 1)
    parts = torch.cat([torch.stack(part, 1) for part in candidates(corners, usable, 16, 12, most=20)])
    assert torch.equal(whole, parts) and len(whole) > 500
    low, high = corners.amin(1)[whole[:, 0]], corners.amax(1)[whole[:, 0]]
    assert ((whole[:, 1:] >= low) & (whole[:, 1:] <= high)).all() and usable[whole[:, 0]].all()


@pytest.mark.parametrize(
    'vertices, faces, field',
    [
        (torch.zeros(1, 3, 3), _QUAD, 'faces'),
        (torch.zeros(1, 4, 3), _QUAD - 1, 'faces'),
        (torch.zeros(1, 4, 3), _QUAD.float(), 'faces'),
        (torch.zeros(4, 3), _QUAD, 'vertices'),
        (torch.zeros(1, 4, 3).int(), _QUAD, 'vertices'),
    ],
)
def test_other_meshes_are_refused(vertices, faces, field):
    with pytest.raises(UserError, match=field):
        rasterize(vertices, faces, _K, **_SIZE)
