"""Two optimizers for a network and its adversary."""

from __future__ import annotations

from typing import Any

from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapperDict
from torch import nn

from das_mm.errors import UserError
from das_mm.registry import OPTIM_WRAPPER_CONSTRUCTORS

#: of the config's ``optim_wrapper``, beside ``constructor``
GENERATOR, DISCRIMINATOR = 'generator', 'discriminator'


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class AdversarialOptimizers:
    """``optim_wrapper=dict(constructor='AdversarialOptimizers', generator=dict(…), discriminator=dict(…))``.

    ``discriminator`` is that of the model's ``discriminator``, ``generator`` that of everything else in it; each is
    what a config of one optimizer is, ``paramwise_cfg`` included. Both are saved and resumed under these names.

    Args:
        optim_wrapper_cfg: The two.
        paramwise_cfg: Of mmengine's interface; each of the two has its own.

    Raises:
        UserError: One of them is missing, or there is something else.
    """

    def __init__(self, optim_wrapper_cfg: dict[str, Any], paramwise_cfg: dict[str, Any] | None = None) -> None:
        sides = {GENERATOR, DISCRIMINATOR}
        if set(optim_wrapper_cfg) != sides or paramwise_cfg is not None:
            raise UserError(
                f'it has {", ".join(sorted(optim_wrapper_cfg))}, and not an optimizer for each of two sides',
                field='optim_wrapper',
                remedy=f'give {" and ".join(sorted(sides))}, each with its own optimizer and paramwise_cfg',
            )
        self.sides = optim_wrapper_cfg

    def __call__(self, model: nn.Module) -> OptimWrapperDict:
        """
        Raises:
            UserError: The model has no discriminator.
        """
        model = getattr(model, 'module', model)  # of a distributed training
        adversary = getattr(model, DISCRIMINATOR, None)
        if adversary is None:
            raise UserError(
                f'a {type(model).__name__} without a discriminator has no adversary to train',
                field='optim_wrapper.constructor',
                remedy='give the model a discriminator, or the optim_wrapper one optimizer',
            )
        network = nn.Module()
        for name, child in model.named_children():
            if name != DISCRIMINATOR:
                network.add_module(name, child)
        for name, parameter in model.named_parameters(recurse=False):
            network.register_parameter(name, parameter)
        return OptimWrapperDict(
            **{name: self._wrapper(part, name) for name, part in ((GENERATOR, network), (DISCRIMINATOR, adversary))}
        )

    def _wrapper(self, part: nn.Module, side: str) -> Any:
        options = dict(self.sides[side])
        return DefaultOptimWrapperConstructor(options, options.pop('paramwise_cfg', None))(part)
