"""People who stand in each other: values against a plain reference, who feels it and who does not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh
from scipy.ndimage import map_coordinates

from das_mm.errors import UserError
from das_mm.models.losses import InterpenetrationLoss

_BALL = trimesh.creation.icosphere(subdivisions=2, radius=0.5)
_FACES = torch.tensor(_BALL.faces)


def balls(*centers: tuple[float, float, float], radii: tuple[float, ...] | None = None) -> torch.Tensor:
    """(P, V, 3) leaf."""
    ball = torch.tensor(_BALL.vertices).float() * 2
    radii = radii or (0.5,) * len(centers)
    people = [radius * ball + torch.tensor(center) for radius, center in zip(radii, centers)]
    return torch.stack(people).requires_grad_()


def plain_loss(people: np.ndarray, released: bool, robust: str, points: int = 16) -> float:
    """In loops, of convex bodies: the depth inside is the least distance to the plane of a face."""
    if released:
        kept = [a for a in people if all((a.min(0) <= b.max(0)).all() and (b.min(0) <= a.max(0)).all() for b in people)]
    else:
        kept = list(people)
    total, per_person = 0.0, np.zeros(len(kept))
    for i, body in enumerate(kept):
        center, half = (body.min(0) + body.max(0)) / 2, 1.2 * 0.5 * (body.max(0) - body.min(0)).max()
        own = (body - center) / half
        mesh = trimesh.Trimesh(own, _BALL.faces, process=False)
        axis = -1 + (np.arange(points) + 0.5) * 2 / (points - released)
        z, y, x = np.meshgrid(axis, axis, axis, indexing='ij')
        lattice = np.stack([x, y, z], -1)
        offsets = (mesh.triangles[:, 0] * mesh.face_normals).sum(1)
        field = (offsets - lattice @ mesh.face_normals.T).min(-1).clip(0)
        for j, other in enumerate(kept):
            if i != j:
                places = ((other - center) / half + 1) * points / 2 - 0.5
                e = map_coordinates(field, places[:, ::-1].T, order=1, mode='constant')
                per_person[j] += e.sum()
                total += (e**2 / (e**2 + 0.2**2)).sum()
    if robust == 'person':
        return float((per_person**2 / (per_person**2 + 0.2**2)).sum())
    return float(total) / len(kept) ** 2


@pytest.mark.parametrize('released', [False, True])
@pytest.mark.parametrize('robust', ['vertex', 'person'])
def test_values_are_those_of_the_plain_reference(released, robust):
    people = balls((0, 0, 3.0), (0.3, 0.1, 3.2), (-0.2, 0.4, 3.1), radii=(0.5, 0.4, 0.45))
    loss = InterpenetrationLoss(16, robust=robust, released=released, loss_weight=0.01)(people, _FACES)
    expected = 0.01 * plain_loss(people.detach().double().numpy(), released, robust)
    assert loss.item() == pytest.approx(expected, rel=1e-3) and expected > 0.01


def test_one_step_pushes_overlapping_spheres_apart():
    people = balls((0, 0, 3.0), (0.7, 0, 3.0))
    loss = InterpenetrationLoss(16)
    first = loss(people, _FACES)
    first.backward()
    push = people.grad.sum(1)  # (2, 3)
    assert push[0, 0] > 0 > push[1, 0] and (push[:, 1:].abs() < 0.1 * push[:, :1].abs()).all()
    # only what lies inside the other is moved: nobody collides with themselves
    other = people.detach().flip(0).mean(1, keepdim=True)
    distance = (people.detach() - other).norm(dim=2)
    assert (people.grad.norm(dim=2)[distance > 0.5 + 1.2 * 0.5 / 8] == 0).all()
    moved = (people - 0.002 * push[:, None]).detach()
    assert 0 < loss(moved, _FACES) < 0.9 * first


def test_the_field_is_a_constant_and_the_places_are_not():
    people = balls((0, 0, 3.0), (0.2, 0, 3.0), radii=(0.5, 0.1))  # the small one is whole inside the great one
    InterpenetrationLoss(16)(people, _FACES).backward()
    assert (people.grad[0] == 0).all()  # none of their vertices lies in the small one, and their field has no gradient
    assert (people.grad[1].norm(dim=1) > 0).all() and people.grad[1].sum(0)[0] < 0


def test_the_robust_form_bounds_the_force():
    deep = balls((0, 0, 3.0), (0.05, 0, 3.0))
    InterpenetrationLoss(16)(deep, _FACES).backward()
    robust = deep.grad.norm(dim=2).max()
    deep.grad = None
    InterpenetrationLoss(16, robust=None)(deep, _FACES).backward()
    # of ρ: at most 0.65 / c a unit of depth; of a depth: one over half a side; one fourth is 1 / N²
    assert robust < 1.05 * 0.65 / 0.2 / 0.6 / 4 and deep.grad.norm(dim=2).max() > 1.5


def test_who_is_alone_changes_nothing_and_chains_are_whole():
    pair = balls((0, 0, 3.0), (0.7, 0, 3.0))
    with_third = balls((0, 0, 3.0), (0.7, 0, 3.0), (5.0, 0, 3.0))
    chain = balls((0, 0, 3.0), (0.7, 0, 3.0), (1.4, 0, 3.0))
    ours, theirs = InterpenetrationLoss(16), InterpenetrationLoss(16, released=True)
    loss = ours(with_third, _FACES)
    assert loss.item() == pytest.approx(ours(pair, _FACES).item()) and loss > 0.1
    loss.backward()
    assert (with_third.grad[2] == 0).all()
    ours(chain, _FACES).backward()
    assert (chain.grad.abs().sum((1, 2)) > 0).all()
    # the released filter drops everybody whose box misses anybody's
    assert theirs(pair, _FACES) > 0.1 and theirs(with_third, _FACES) == theirs(chain, _FACES) == 0
    assert ours.meeting(with_third).tolist() == [True, True, False]
    assert theirs.meeting(chain).tolist() == [False, True, False]


def test_nobody_one_person_apart_and_people_astray():
    loss = InterpenetrationLoss(16)
    for people in (balls((0, 0, 3.0))[:0], balls((0, 0, 3.0)), balls((0, 0, 3.0), (2.0, 0, 3.0))):
        people = people.detach().requires_grad_()
        value = loss(people, _FACES)
        value.backward()
        assert value == 0 and (people.grad == 0).all()
    astray = balls((0, 0, 3.0), (0.7, 0, 3.0), (0.1, 0, 3.0)).detach()
    astray[2, 0] = float('nan')
    astray.requires_grad_()
    value = loss(astray, _FACES)
    value.backward()
    assert value.item() == pytest.approx(loss(astray[:2], _FACES).item())
    assert astray.grad.isfinite().all() and (astray.grad[2] == 0).all() and (astray.grad[:2] != 0).any()


def test_a_body_may_cut_itself():
    # each person is two balls in each other; the other one's box is reached, their flesh is not
    person = torch.cat(list(balls((0, 0, 3.0), (0.4, 0, 3.0)).detach()))
    faces = torch.cat([_FACES, _FACES + len(_BALL.vertices)])
    people = torch.stack([person, person + torch.tensor([1.2, 0.8, 0.0])]).requires_grad_()
    loss = InterpenetrationLoss(16)
    assert loss.meeting(people).all()
    value = loss(people, faces)
    value.backward()
    assert value == 0 and (people.grad == 0).all()


def test_depth_translation_and_resolution():
    moved = torch.tensor([10.0, -4.0, 30.0])
    people, loss = balls((0, 0, 3.0), (0.6, 0.1, 3.0)), InterpenetrationLoss(16)
    assert loss(people + moved, _FACES).item() == pytest.approx(loss(people, _FACES).item(), rel=1e-3)
    # the cube is tight about each person, so another scale is the same problem
    assert loss(people * 4, _FACES).item() == pytest.approx(loss(people, _FACES).item(), rel=1e-3)
    fine = InterpenetrationLoss(resolution=24)(people, _FACES).item()
    assert fine == pytest.approx(loss(people, _FACES).item(), rel=0.1)


def test_bad_input_is_told():
    loss, people = InterpenetrationLoss(16), balls((0, 0, 3.0), (0.7, 0, 3.0))
    with pytest.raises(UserError, match='not closed'):
        loss(people, _FACES[1:])
    with pytest.raises(UserError, match='faces of the body'):
        loss(people[:, :100], _FACES)
    for wrong in (dict(robust='mesh'), dict(resolution=1), dict(robust_scale=0)):
        with pytest.raises(UserError):
            InterpenetrationLoss(**wrong)
