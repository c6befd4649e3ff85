"""In what precision a network computes on a CPU.

bfloat16 halves the time of a step on a processor that multiplies in it, and doubles it on one that does not, so a
recipe says ``'auto'`` and the machine decides. Losses, flows, densities and decoding are in float32 in any case.
"""

from __future__ import annotations

import platform
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from das_mm.errors import UserError

if TYPE_CHECKING:
    from torch import nn

PRECISIONS = ('auto', 'fp32', 'bf16')
# how Linux names them: matrix tiles and vector instructions of x86, and those of 64-bit ARM
_BFLOAT16_FLAGS = frozenset({'amx_bf16', 'avx512_bf16', 'bf16'})


@lru_cache(maxsize=1)
def processor_has_bfloat16() -> bool:
    """Whether the processor multiplies in bfloat16; False where the system does not tell."""
    if platform.system() != 'Linux':
        return False
    try:
        text = Path('/proc/cpuinfo').read_text(encoding='utf-8', errors='replace')
    except OSError:
        return False
    return has_bfloat16(text)


def has_bfloat16(cpuinfo: str) -> bool:
    """The same of the text of ``/proc/cpuinfo``.

    Example:
        >>> has_bfloat16('flags : fpu avx2'), has_bfloat16('flags : avx512f avx512_bf16 amx_tile')
        (False, True)
    """
    lines = [line for line in cpuinfo.splitlines() if line.lower().startswith(('flags', 'features'))]
    return any(_BFLOAT16_FLAGS & set(line.split()) for line in lines)


def resolve_precision(precision: str) -> str:
    """'fp32' or 'bf16' for a CPU.

    Args:
        precision: One of :data:`PRECISIONS`; 'auto' is bf16 where the processor has it.

    Raises:
        UserError: It is none of them.
    """
    if precision not in PRECISIONS:
        raise UserError(
            f'{precision!r} is no precision', field='precision', remedy=f'use {", ".join(map(repr, PRECISIONS))}'
        )
    if precision == 'auto':
        return 'bf16' if processor_has_bfloat16() else 'fp32'
    return precision


def to_channels_last(model: nn.Module) -> None:
    """Turn the four-dimensional weights of a model to channels-last, which convolutions in half precision like best."""
    import torch  # what only asks for a precision goes without it

    whole: Any = torch.nn.Module  # estimators of mmengine narrow `to`, and its stubs know no memory_format alone
    whole.to(model, memory_format=torch.channels_last)
