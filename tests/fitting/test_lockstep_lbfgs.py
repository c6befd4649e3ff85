"""People share the evaluations and nothing else."""

from __future__ import annotations

import pytest
import torch

from das_mm.fitting.lbfgs import LBFGSOptions
from das_mm.fitting.lockstep_lbfgs import minimise_in_lockstep

OPTIONS = LBFGSOptions(outer_steps=20, inner_steps=20)
STARTS = torch.tensor([[-1.2, 1.0], [0.0, 0.0], [2.0, -1.0], [1.0, 1.0]])


def rosenbrock(scales, batches=None):
    def energy(rows, values):
        (points,) = values
        if batches is not None:
            batches.append(rows.tolist())
        valley = points[:, 1] - points[:, 0].square()
        return (1 - points[:, 0]).square() + scales[rows] * valley.square()

    return energy


def test_everybody_arrives_as_alone():
    scales, batches = torch.tensor([100.0, 1.0, 10.0, 5.0]), []
    together = STARTS.clone()
    last = minimise_in_lockstep([together], rosenbrock(scales, batches), OPTIONS)
    assert last.max() < 1e-6 and (together - 1).abs().max() < 1e-2
    assert batches[0] == [0, 1, 2, 3] and len(batches[-2]) < 4  # who has arrived is not asked again
    for row in range(4):
        alone = STARTS[row : row + 1].clone()
        minimise_in_lockstep([alone], rosenbrock(scales[row : row + 1]), OPTIONS)
        assert torch.equal(alone[0], together[row])


def test_it_is_torchs_optimiser():
    scales = torch.tensor([100.0])
    ours, theirs = STARTS[:1].clone(), STARTS[0].clone().requires_grad_()
    minimise_in_lockstep([ours], rosenbrock(scales), LBFGSOptions(outer_steps=1, inner_steps=20))
    optimizer = torch.optim.LBFGS([theirs], lr=1.0, line_search_fn='strong_wolfe')

    def closure():
        optimizer.zero_grad()
        value = rosenbrock(scales)(torch.tensor([0]), [theirs[None]])[0]
        value.backward()
        return value

    optimizer.step(closure)
    torch.testing.assert_close(ours[0], theirs.detach(), rtol=1e-4, atol=1e-4)


def test_numbers_that_are_not_finite_are_their_own_peoples():
    starts = STARTS.clone()
    starts[1] = torch.nan
    last = minimise_in_lockstep([starts], rosenbrock(torch.full((4,), 10.0)), OPTIONS)
    assert last.isnan().tolist() == [False, True, False, False]
    assert (starts[[0, 2, 3]] - 1).abs().max() < 1e-2


def test_an_error_reaches_who_has_called():
    def energy(rows, values):
        raise ValueError('no such energy')

    with pytest.raises(ValueError, match='no such energy'):
        minimise_in_lockstep([STARTS.clone()], energy, OPTIONS)
