"""The peak memory of a function's tensors."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import torch
from torch.autograd.profiler import profile

from .timing import wait_for

HOW = dict(
    cuda='peak of torch.cuda.max_memory_allocated above what was allocated before',
    cpu="peak of the sum of torch's CPU allocations above what was allocated before, by the memory events of torch's "
    'profiler; scratch memory that oneDNN takes past that allocator is not in it',
)


def peak_bytes(function: Callable[[], object], device: torch.device) -> int:
    """Peak of what one run allocates over what was there before; see :data:`HOW`.

    On the CPU every allocation is seen, so the number is exact and the same again, which the resident size of a process
    is not.
    """
    gc.collect()
    if device.type == 'cuda':
        wait_for(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        function()
        wait_for(device)
        return torch.cuda.max_memory_allocated(device) - before
    profiler = profile(profile_memory=True)
    with profiler:
        function()
    recorded: Any = profiler.kineto_results
    steps = [(event.start_ns(), event.nbytes()) for event in recorded.events() if event.name() == '[memory]']
    now = peak = 0
    for _, size in sorted(steps, key=lambda step: step[0]):
        now += size
        peak = max(peak, now)
    return peak
