"""A table of which only those rows are computed that somebody reads."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


class LazyRows:
    """Numbered rows, each computed once, when it is first read; with gradients.

    However often and in however many steps rows are read, none is computed singly twice; once many are wanted the whole
    table is computed at once, if there is a way to.

    Args:
        size: Number of rows. The number ``size`` itself is readable too and stands for a row of zeros: zero padding.
        compute: (n,) distinct row numbers, ascending, to their rows (n, C). Called with n = 0 when nothing is read at
            first, so that the empty result stays part of the graph and every parameter gets its (zero) gradient.
        device: Where the row numbers live.
        compute_all: Computes all rows at once (size, C). It takes over when more than ``DENSE_SHARE`` of the rows are
            wanted together.

    Example:
        >>> squares = LazyRows(10, lambda i: (i * i).float()[:, None], torch.device('cpu'))
        >>> squares(torch.tensor([3, 3, 10])).flatten().tolist(), squares.num_computed
        ([9.0, 9.0, 0.0], 1)
    """

    # Measured on the CPU, 80 × 167 pixels, 15 keypoints: a value of an update costs four to five times as much when it
    # is computed alone as it costs as one of a whole map.
    DENSE_SHARE = 0.2

    def __init__(
        self,
        size: int,
        compute: Callable[[Tensor], Tensor],
        device: torch.device,
        compute_all: Callable[[], Tensor] | None = None,
    ):
        self.size, self.device = size, device
        self._compute, self._compute_all = compute, compute_all
        self._place = torch.full((size + 1,), -1, dtype=torch.long, device=device)  # row number → line of _lines
        self._place[size] = 0
        self._lines: Tensor | None = None  # (1 + computed, C), the first one zero

    @property
    def num_computed(self) -> int:
        """How many rows have been computed so far, those that ``compute_all`` computed again counted again."""
        return 0 if self._lines is None else len(self._lines) - 1

    def all(self) -> Tensor:
        """The whole table (size, C)."""
        return self(torch.arange(self.size, device=self.device))

    def __call__(self, rows: Tensor, part: Tensor | None = None, num_parts: int = 1) -> Tensor:
        """Read rows.

        Args:
            rows: (*,) long, in [0, size]; ``size`` reads zeros.
            part: (*,) long: read only this one of the ``num_parts`` equal parts of each row.

        Returns:
            (*, C), or (*, C / num_parts) if ``part`` is given.
        """
        lines, place = self._find(rows, part, num_parts)
        return lines.index_select(0, place.flatten()).view(*rows.shape, lines.shape[1])

    def blend(self, rows: Tensor, weight: Tensor, part: Tensor | None = None, num_parts: int = 1) -> Tensor:
        """Weighted sums of rows, ``(weight[..., None] * self(rows, …)).sum(-2)``, without the array in between.

        Args:
            rows: (*, n) long, in [0, size].
            weight: (*, n).
            part, num_parts: As in a reading.

        Returns:
            (*, C), or (*, C / num_parts) if ``part`` is given.
        """
        lines, place = self._find(rows, part, num_parts)
        *shape, n = rows.shape
        return _WeightedSum.apply(lines, place.reshape(-1, n), weight.reshape(-1, n)).view(*shape, lines.shape[1])

    def _find(self, rows: Tensor, part: Tensor | None, num_parts: int) -> tuple[Tensor, Tensor]:
        """Computed lines (L, C / num_parts), and which of them the rows are (long, shape of ``rows``)."""
        lines = self._computed(rows)
        place = self._place[rows]
        if part is not None:
            place = place * num_parts + part
        return lines.view(-1, lines.shape[1] // num_parts), place

    def _computed(self, rows: Tensor) -> Tensor:
        """All computed lines (1 + computed, C), those of ``rows`` among them."""
        # A mark per row instead of sorting the wanted numbers: these are many times as many as the rows when thousands
        # of readings share their neighbourhood.
        wanted = torch.zeros_like(self._place, dtype=torch.bool)
        wanted[rows.flatten()] = True
        missing = (wanted & (self._place < 0)).nonzero().squeeze(1)
        if self._lines is not None and not len(missing):
            return self._lines
        if self._compute_all is not None and len(missing) > self.DENSE_SHARE * self.size:
            new, missing = self._compute_all(), slice(0, self.size)
        else:
            new = self._compute(missing)
        known = new.new_zeros(1, new.shape[1]) if self._lines is None else self._lines
        self._place[missing] = torch.arange(len(new), device=self.device) + len(known)
        self._lines = torch.cat((known, new))
        return self._lines


class _WeightedSum(torch.autograd.Function):
    """``(weight[..., None] * lines[place]).sum(1)`` for ``place`` and ``weight`` (Q, n).

    ``embedding_bag`` is ten times as fast here as gathering first, and keeps nothing of size Q·n·C for the backward
    pass; but its own backward pass sorts, and takes twice the time of this one.
    """

    @staticmethod
    def forward(ctx, lines: Tensor, place: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(lines, place, weight)
        if not len(place):
            return lines.new_zeros(0, lines.shape[1])
        return F.embedding_bag(place, lines, mode='sum', per_sample_weights=weight)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, Tensor]:
        lines, place, weight = ctx.saved_tensors
        grad_lines, grad_weight = torch.zeros_like(lines), torch.empty_like(weight)
        for i, column in enumerate(place.unbind(dim=1)):
            grad_lines.index_add_(0, column, weight[:, i, None] * grad)
            grad_weight[:, i] = (lines.index_select(0, column) * grad).sum(dim=1)
        return grad_lines, None, grad_weight
