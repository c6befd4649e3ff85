"""L-BFGS for many people at once, each with an optimiser of their own, whose evaluations share one batch.

torch's L-BFGS takes one step length for all its parameters, so people who shared an optimiser would move by what the
others need (:mod:`.lbfgs` lets them take turns). Here every optimiser runs in a thread and waits wherever it asks for
an energy; when all have asked, their energies are computed together. Letters: B people, n of them who ask.
"""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .lbfgs import LBFGSOptions

#: rows (n,) of the people, and of each parameter theirs, (n, …), to energies (n,)
BatchEnergy = Callable[[Tensor, Sequence[Tensor]], Tensor]


class _Message(NamedTuple):
    """What a thread says: it asks for an energy, or it has ended (``values`` None), perhaps by an error."""

    row: int
    values: list[Tensor] | None
    error: BaseException | None = None


def minimise_in_lockstep(parameters: Sequence[Tensor], energy: BatchEnergy, options: LBFGSOptions) -> Tensor:
    """Moves tensors (B, …), in place, to lower energies, row by row.

    A person is done after ``outer_steps`` restarts of the inner loop, or by the rule of ProHMR's released fitting: the
    energy at the beginning of a restart is less than ``ftol`` below that of the one before, relative to the larger of
    the two and 1; or of no parameter the largest entry of the gradient reaches ``gtol``.

    Args:
        parameters: What is fitted, detached.
        energy: Depends in each row on that row of every parameter alone.
        options: The same for all.

    Returns:
        (B,) energies at the end, NaN where one was not finite on the way.
    """
    num = len(parameters[0])
    asked: queue.SimpleQueue[_Message] = queue.SimpleQueue()
    answers: list[queue.SimpleQueue] = [queue.SimpleQueue() for _ in range(num)]
    threads = [
        threading.Thread(target=_minimise_one, args=(row, parameters, options, asked, answers[row]), daemon=True)
        for row in range(num)
    ]
    for thread in threads:
        thread.start()
    running, errors = num, []
    while running:
        messages = [asked.get() for _ in range(running)]  # each of them says one thing, then waits or has ended
        running = sum(message.values is not None for message in messages)
        errors += [message.error for message in messages if message.error is not None]
        asking = sorted((one for one in messages if one.values is not None), key=lambda one: one.row)
        if errors:
            for one in asking:
                answers[one.row].put(None)
        elif asking:
            for one, answer in zip(asking, _answers(asking, energy, errors)):
                answers[one.row].put(answer)
    if errors:
        raise errors[0]
    rows = torch.arange(num, device=parameters[0].device)
    with torch.no_grad():
        last = energy(rows, parameters)
    return torch.where(last.isfinite(), last, torch.nan)


def _answers(asking: list[_Message], energy: BatchEnergy, errors: list[BaseException]) -> list:
    """Energy and gradients of each who asks; None to all where they cannot be computed."""
    try:
        columns = zip(*(one.values for one in asking if one.values is not None))
        values = [torch.stack(column).requires_grad_() for column in columns]
        rows = torch.tensor([one.row for one in asking], device=values[0].device)
        with torch.enable_grad():
            energies = energy(rows, values)
            gradients = torch.autograd.grad(energies.sum(), values)
        told = energies.detach().tolist()
        return [(told[i], [gradient[i] for gradient in gradients]) for i in range(len(asking))]
    except Exception as error:  # told to who has called, once the threads have ended
        errors.append(error)
        return [None] * len(asking)


class _Stopped(Exception):
    """Somebody else's energy could not be computed."""


def _minimise_one(
    row: int, parameters: Sequence[Tensor], options: LBFGSOptions, asked: queue.SimpleQueue, answers: queue.SimpleQueue
) -> None:
    """The optimiser of one person, in a thread of its own."""
    try:
        own = [parameter[row].detach().clone() for parameter in parameters]
        optimizer = torch.optim.LBFGS(own, lr=options.lr, max_iter=options.inner_steps, line_search_fn='strong_wolfe')

        def closure() -> Tensor:
            asked.put(_Message(row, [tensor.detach().clone() for tensor in own]))
            answer = answers.get()
            if answer is None:
                raise _Stopped
            for tensor, gradient in zip(own, answer[1]):
                tensor.grad = gradient
            return torch.tensor(answer[0], dtype=torch.float64)

        _until_settled(optimizer, closure, own, options)
        with torch.no_grad():
            for parameter, tensor in zip(parameters, own):
                parameter[row] = tensor
        asked.put(_Message(row, None))
    except _Stopped:
        asked.put(_Message(row, None))
    except BaseException as error:
        asked.put(_Message(row, None, error))


def _until_settled(
    optimizer: torch.optim.LBFGS, closure: Callable[[], Tensor], own: Sequence[Tensor], options: LBFGSOptions
) -> None:
    last = math.nan
    for step in range(options.outer_steps):
        # at the beginning of the step; a tensor, as in torch's own examples
        value = float(optimizer.step(closure))  # type: ignore[arg-type]
        if not math.isfinite(value):
            return
        if step and (last - value) / max(abs(last), abs(value), 1) < options.ftol:
            return
        # as released: the largest entry, not the largest in size
        if all(abs(tensor.grad.max().item()) < options.gtol for tensor in own if tensor.grad is not None):
            return
        last = value
