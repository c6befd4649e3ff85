"""Shaded meshes: where they lie, who hides whom, edges, and what is behind the camera."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import trimesh

from das_mm.bodies import linear_blend_skinning, load_generated_body
from das_mm.errors import UserError
from das_mm.structures import project
from das_mm.visualization import draw_meshes
from das_mm.visualization.mesh_overlay import vertex_normals
from das_mm.visualization.mesh_thinning import thin_mesh
from das_mm.visualization.palette import PERSON_COLORS

from .figures import SIZE, K, photo

SQUARE_FACES = np.array([[0, 2, 1], [0, 3, 2]])  # seen from the camera: outward is towards it
LENS = np.array([-0.3, 0.12, 1e-3, -1e-3, 0.0])


def square(x, z, half=300.0, turn_deg=0.0):
    """(4, 3) facing the camera, turned in its plane."""
    corners = np.array([[-half, -half], [half, -half], [half, half], [-half, half]])
    cos, sin = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    corners = corners @ np.array([[cos, sin], [-sin, cos]])
    return np.concatenate([corners + [x, 0], np.full((4, 1), float(z))], axis=1)


@pytest.fixture(scope='module')
def bodies():
    """(2, V, 3) mm, standing and upright before the camera."""
    pose = np.random.default_rng(0).normal(0, 0.2, (2, 23, 3))
    upright, place = np.tile([np.pi, 0, 0.0], (2, 1)), np.array([[-0.6, 0, 3.5], [0.6, 0.1, 3.0]])
    vertices, _ = linear_blend_skinning(load_generated_body(), upright, pose, np.zeros((2, 10)), place)
    return vertices * 1000.0


def changed(picture):
    return (picture != photo()).any(-1)


def hue_at(picture, x, y):
    """Which of the palette's people a pixel belongs to, whatever its brightness."""
    color = picture[y, x, ::-1] / np.linalg.norm(picture[y, x].astype(float))
    palette = np.array(PERSON_COLORS) / np.linalg.norm(PERSON_COLORS, axis=1, keepdims=True)
    return int((palette @ color).argmax())


@pytest.mark.parametrize('dist', [None, LENS])
def test_meshes_lie_on_their_projection(bodies, dist):
    image = photo()
    covered = changed(draw_meshes(image, bodies, load_generated_body().faces, K, dist))
    assert (image == photo()).all()  # the input is left alone
    fine = 8  # filled polygons include their outline: an eighth of a pixel too much here
    filled = np.zeros((fine * covered.shape[0], fine * covered.shape[1]), np.uint8)
    for vertices in bodies:
        corners = fine * (project(vertices, K, dist) + 0.5) - 0.5
        for triangle in corners[load_generated_body().faces]:
            cv2.fillConvexPoly(filled, np.round(triangle * 16).astype(np.int32), 1, shift=4)
    share = filled.reshape(covered.shape[0], fine, covered.shape[1], fine).mean((1, 3))
    assert covered.sum() > 4000
    assert covered[share > 0.8].all() and not covered[share == 0].any()


def test_the_nearer_hides_the_farther_whatever_the_order():
    # 600 mm squares at 2 and 3 m overlap; crossing planes swap in the middle
    for order in ([0, 1], [1, 0]):
        vertices = np.stack([square(-100, 3000), square(100, 2000)])[order]
        picture = draw_meshes(photo(), vertices, SQUARE_FACES, K, identities=np.array([0, 1])[order])
        assert hue_at(picture, 170, 120) == 1 and hue_at(picture, 125, 120) == 0
    crossing = np.stack([square(0, 3000), square(0, 3000)])
    crossing[0, :, 2] += crossing[0, :, 0]
    crossing[1, :, 2] -= crossing[1, :, 0]
    picture = draw_meshes(photo(), crossing, SQUARE_FACES, K)
    assert (hue_at(picture, 145, 120), hue_at(picture, 175, 120)) == (0, 1)


def test_edges_are_smooth():
    black = np.zeros((240, 320, 3), np.uint8)
    corners = square(0, 3000, turn_deg=17)
    picture = draw_meshes(black, corners[None], SQUARE_FACES, K, opacity=1.0).astype(float)[..., 0]
    share = picture / np.median(picture[picture > 0])
    partial = (share > 0.15) & (share < 0.85)
    outline = 4 * 60  # px
    assert 0.5 * outline < partial.sum() < 2 * outline
    assert share.sum() == pytest.approx(60**2, rel=0.03)  # the area is kept (shades differ a little over the square)


def test_opacity_and_scale(bodies):
    faces = load_generated_body().faces
    solid, faint = (draw_meshes(photo(), bodies, faces, K, opacity=opacity).astype(float) for opacity in (1.0, 0.25))
    assert np.abs((faint - photo()) - 0.25 * (solid - photo())).max() <= 1
    large = draw_meshes(photo(), bodies, faces, K, scale=2)
    assert large.shape == (480, 640, 3)
    halved = cv2.resize(large, SIZE, interpolation=cv2.INTER_AREA).astype(float)
    assert np.abs(halved - draw_meshes(photo(), bodies, faces, K)).mean() < 1.5


def test_what_cannot_be_seen(bodies):
    faces = load_generated_body().faces
    behind, broken = bodies[:1] - [0, 0, 9000], bodies[:1].copy()
    broken[0, 7, 2] = np.inf
    for nobody in (bodies[:0], behind, broken, bodies[:1] + [90000, 0, 0]):
        assert not changed(draw_meshes(photo(), nobody, faces, K)).any()
    around = bodies[:1] - [bodies[0, :, 0].mean(), 0, bodies[0, :, 2].mean()]  # the camera stands inside
    for dist in (None, LENS):
        picture = draw_meshes(photo(), np.concatenate([broken, around, bodies[1:]]), faces, K, dist)
        assert changed(picture).mean() > 0.2
    # who is out of sight changes nothing of the others, nor of their colours
    alone = draw_meshes(photo(), bodies[1:], faces, K, identities=[1])
    assert (draw_meshes(photo(), np.concatenate([behind, bodies[1:]]), faces, K) == alone).all()


def test_unfit_arrays(bodies):
    with pytest.raises(UserError, match='cannot be drawn on'):
        draw_meshes(photo()[..., 0], bodies, SQUARE_FACES, K)
    with pytest.raises(ValueError, match='identities'):
        draw_meshes(photo(), bodies, SQUARE_FACES, K, identities=[1])


def test_normals_are_trimeshs(bodies):
    mesh = trimesh.Trimesh(bodies[0], load_generated_body().faces, process=False)
    found = vertex_normals(bodies, mesh.faces)[0]
    assert ((found * mesh.vertex_normals).sum(-1) > 0.9).all()  # weighted by area here, by angle there
    sphere = trimesh.creation.icosphere(subdivisions=3)
    assert np.abs(vertex_normals(sphere.vertices[None], sphere.faces)[0] - sphere.vertices).max() < 0.02


def test_thinner_mesh_keeps_the_shape(bodies):
    faces = load_generated_body().faces
    kept, thin = thin_mesh(faces, 6890)
    assert 6890 / 5 < len(kept) < 6890 / 3 and (np.unique(thin) == np.arange(len(kept))).all()
    linked = np.zeros(6890, bool)
    linked[kept] = True
    assert linked[faces].sum(1).max() == 1  # none next to another
    whole, part = (
        trimesh.Trimesh(vertices, triangles, process=False)
        for vertices, triangles in ((bodies[0], faces), (bodies[0][kept], thin))
    )
    assert part.volume == pytest.approx(whole.volume, rel=0.06)  # of the same sign: wound as before
    assert len(np.unique(np.sort(thin, axis=1), axis=0)) == len(thin)
