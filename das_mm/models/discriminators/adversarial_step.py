"""One step of a training with an adversary: the network first, then the discriminator on what the network had said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from mmengine.dist import all_reduce_params, get_world_size
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from das_mm.engine.optim_wrappers.adversarial_optimizers import DISCRIMINATOR, GENERATOR
from das_mm.errors import UserError

from .least_squares import discriminator_loss


class AdversarialStep:
    """Steps the network with the discriminator's parameters at rest, then the discriminator with the bodies at rest.

    Args:
        optim_wrapper: With an optimizer of each of the two, as
            :class:`das_mm.engine.optim_wrappers.AdversarialOptimizers` makes them.
        discriminator: (body rotations, betas) -> scores.
        weight: Of the discriminator's loss, that of the network's adversarial term.
    """

    def __init__(self, optim_wrapper: OptimWrapperDict, discriminator: nn.Module, weight: float) -> None:
        if not isinstance(optim_wrapper, OptimWrapperDict) or {GENERATOR, DISCRIMINATOR} - set(optim_wrapper.keys()):
            raise UserError(
                'a training with an adversary needs an optimizer for each side',
                field='optim_wrapper',
                remedy="give optim_wrapper=dict(constructor='AdversarialOptimizers', generator=…, discriminator=…)",
            )
        self.generator: OptimWrapper = optim_wrapper[GENERATOR]
        self.judge: OptimWrapper = optim_wrapper[DISCRIMINATOR]
        self.discriminator, self.weight = discriminator, weight

    def step_generator(self, model: nn.Module, loss_of: Callable[[], tuple[Tensor, Any]]) -> Any:
        """Computes the network's loss, in the precision of its optimizer, and steps.

        The discriminator judges within the loss and gets no gradient of it.

        Args:
            model: The network with the discriminator in it, for the wrapper's context.
            loss_of: Gives the loss, a scalar, and anything else.

        Returns:
            The anything else.
        """
        self.discriminator.requires_grad_(False)
        try:
            with self.generator.optim_context(model):
                loss, rest = loss_of()
            _update(self.generator, loss)
        finally:
            self.discriminator.requires_grad_(True)
        return rest

    def step_discriminator(self, model: nn.Module, fake: tuple[Tensor, Tensor], real: tuple[Tensor, Tensor]) -> Tensor:
        """Steps the discriminator on bodies that were regressed and real ones.

        Args:
            model: As for the other.
            fake, real: Body rotations (N, J, 3, 3) and betas (N, ·); detached here.

        Returns:
            Its loss without the weight, detached.
        """
        with self.judge.optim_context(model), torch.autocast(fake[0].device.type, enabled=False):
            loss = discriminator_loss(
                self.discriminator(*(part.detach().float() for part in fake)),
                self.discriminator(*(part.detach().float() for part in real)),
            )
        _update(self.judge, self.weight * loss)
        return loss.detach()


def _update(optim_wrapper: OptimWrapper, loss: Tensor) -> None:
    """Backward and step, with the means of the gradients of all processes."""
    if get_world_size() == 1:
        optim_wrapper.update_params(loss)
        return
    optim_wrapper.backward(optim_wrapper.scale_loss(loss))
    groups = optim_wrapper.optimizer.param_groups
    learnt = [one for group in groups for one in group['params'] if one.requires_grad]
    for one in learnt:
        if one.grad is None:  # of this process' batch; the others wait for it
            one.grad = torch.zeros_like(one)
    all_reduce_params([one.grad for one in learnt if one.grad is not None], op='mean')
    if optim_wrapper.should_update():
        optim_wrapper.step()
        optim_wrapper.zero_grad()
