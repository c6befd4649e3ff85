"""The least-squares adversarial losses of HMR, ProHMR and CRMH: scores summed, bodies averaged."""

from __future__ import annotations

from torch import Tensor


def generator_loss(fake: Tensor, num_people: int | None = None) -> Tensor:
    """Sum of (D - 1)² over the scores of regressed bodies, over the number of people.

    Args:
        fake: (N, scores).
        num_people: What is divided by, where it is not N: ProHMR's generator has S bodies for each of B people and
            divides by B.
    """
    return (fake - 1).square().sum() / max(num_people or len(fake), 1)


def discriminator_loss(fake: Tensor, real: Tensor) -> Tensor:
    """Sum of D² over the scores of regressed bodies and of (D - 1)² over those of real ones, each over its N.

    Args:
        fake: (N, scores) of bodies that were detached from the network that regressed them.
        real: (M, scores).
    """
    return fake.square().sum() / max(len(fake), 1) + (real - 1).square().sum() / max(len(real), 1)
