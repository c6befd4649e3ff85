"""Mixed precision where mmengine's ``AmpOptimWrapper`` has none: it refuses to run without a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from mmengine.runner.amp import autocast
from torch import nn

from das_mm.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Runs the network in bfloat16 where that is safe, on CPUs too.

    Its range is that of float32, so losses need no scale and the state is that of a plain ``OptimWrapper``. It is
    quicker only on a processor that computes in it (AMX, AVX-512 BF16); elsewhere it is slower.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        with super().optim_context(model), autocast(dtype=torch.bfloat16):
            yield
