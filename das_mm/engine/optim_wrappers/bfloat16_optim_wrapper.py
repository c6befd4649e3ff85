"""Mixed precision where mmengine's ``AmpOptimWrapper`` has none: it refuses to run without a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from mmengine.runner.amp import autocast
from torch import nn

from das_mm.registry import OPTIM_WRAPPERS

from ..precision import resolve_precision


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Runs the network in bfloat16 where that is safe, on CPUs too.

    Its range is that of float32, so losses need no scale and the state is that of a plain ``OptimWrapper``. It is
    quicker only on a processor that computes in it (AMX, AVX-512 BF16); elsewhere it is slower.

    Args:
        precision: 'bf16'; 'fp32', a plain ``OptimWrapper``; or 'auto', what this machine does best
            (:mod:`das_mm.engine.precision`; on a GPU bf16 where it has it).
        kwargs: What ``OptimWrapper`` takes.

    Raises:
        UserError: There is no such precision.
    """

    def __init__(self, *args: Any, precision: str = 'bf16', **kwargs: Any):
        super().__init__(*args, **kwargs)
        if precision == 'auto' and torch.cuda.is_available():
            precision = 'bf16' if torch.cuda.is_bf16_supported() else 'fp32'
        self.precision = resolve_precision(precision)

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        with super().optim_context(model), autocast(enabled=self.precision == 'bf16', dtype=torch.bfloat16):
            yield
