"""The machine and the software of a measurement."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

import das_mm

_PACKAGES = ('torch', 'torchvision', 'mmengine', 'mmcv', 'mmdet', 'mmpose', 'numpy')


def describe_machine(device: torch.device) -> dict[str, Any]:
    """CPU, cores, threads, memory, load at this moment, and the GPU where one is used."""
    facts = dict(
        cpu=_cpu_model(),
        cores=os.cpu_count(),
        threads=torch.get_num_threads(),
        memory_gb=_memory_gb(),
        load_1_min=os.getloadavg()[0] if hasattr(os, 'getloadavg') else None,
        system=platform.platform(),
        device=str(device),
    )
    if device.type == 'cuda':
        properties = torch.cuda.get_device_properties(device)
        facts.update(
            gpu=properties.name,
            gpu_memory_gb=round(properties.total_memory / 2**30, 1),
            cuda=torch.version.cuda,
            cudnn=torch.backends.cudnn.version(),
        )
    return facts


def describe_software() -> dict[str, Any]:
    """Versions, and the commit where the package lies in a git checkout of its own."""
    versions = {name: _version(name) for name in _PACKAGES}
    return dict(
        das_mm=das_mm.__version__,
        python=platform.python_version(),
        **versions,
        commit=_commit(),
        date=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'),
    )


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(':', 1)[1].strip() for line in lines if line.startswith('model name')), platform.machine())


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None


def _commit() -> str | None:
    """Short hash, with ``+changes`` where python files differ from it; None outside a checkout."""
    root = Path(das_mm.__file__).resolve().parent.parent
    if not (root / '.git').exists():
        return None
    try:
        ask = lambda *words: subprocess.run(
            ['git', '-C', str(root), *words], capture_output=True, text=True, timeout=20, check=True
        ).stdout.strip()
        return ask('rev-parse', '--short=12', 'HEAD') + ('+changes' if ask('status', '--porcelain', 'das_mm') else '')
    except (OSError, subprocess.SubprocessError):
        return None
