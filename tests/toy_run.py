"""A toy to train: points, a small network with dropout, a metric. Random everywhere a resume could go wrong.

Configs name this module in `custom_imports`, so that processes of their own find the classes.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement
from torch import nn
from torch.utils.data import Dataset, get_worker_info

from das_mm.registry import DATASETS, METRICS, MODELS

REPOSITORY = Path(__file__).resolve().parent.parent
KILL_AT_ITER = 'TOY_KILL_AT_ITER'
KILL_IN_WRITE = 'TOY_KILL_IN_WRITE'
KILL_IN_WORKER = 'TOY_KILL_IN_WORKER'

CONFIG = """
_base_ = 'das_mm::_base_/default_runtime.py'
custom_imports = dict(imports=['tests.toy_run'])
work_dir = {work_dir!r}
model = dict(type='ToyRegressor', dropout={noise})
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9))
param_scheduler = [dict(type='MultiStepLR', milestones=[2], gamma=0.5)]
train_cfg = dict(by_epoch=True, max_epochs=3)
train_dataloader = dict(
    batch_size={batch_size}, num_workers={num_workers}, persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=True), dataset=dict(type='ToyPoints', size=24, noise={noise}))
val_dataloader = dict(
    batch_size=4, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='ToyPoints', size=23))
test_dataloader = val_dataloader
val_evaluator = test_evaluator = dict(type='ToyError')
"""


def write_config(folder: Path, *, noise: float = 0.3, batch_size: int = 4, num_workers: int = 2) -> Path:
    """A training config of three epochs of 24 / batch_size steps; results go to `folder/work`."""
    path = folder / 'toy.py'
    path.write_text(
        CONFIG.format(work_dir=str(folder / 'work'), noise=noise, batch_size=batch_size, num_workers=num_workers)
    )
    return path


def run_module(module: str, *words: str | Path, ranks: int = 1, **environment: str) -> subprocess.CompletedProcess:
    """`python -m module …` in a process of its own, or in `ranks` of them under torchrun; as many threads as here."""
    launch = (
        [sys.executable, '-m', module]
        if ranks == 1
        else [sys.executable, '-m', 'torch.distributed.run', '--standalone', f'--nproc_per_node={ranks}', '-m', module]
    )
    process = subprocess.Popen(
        [*launch, *map(str, words)],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, 'PYTHONPATH': str(REPOSITORY), **environment},
    )
    try:
        out, err = process.communicate(timeout=240)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # torchrun's ranks too
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@DATASETS.register_module()
class ToyPoints(Dataset):
    """`size` points (3) with a smooth function of them as truth; `noise` from all three generators."""

    metainfo = dict(dataset_name='toy', sigmas=np.full(3, 0.1, np.float32))

    def __init__(self, size: int, noise: float = 0.0):
        self.size, self.noise = size, noise

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> dict:
        if KILL_IN_WORKER in os.environ and get_worker_info() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        points = torch.sin(torch.arange(3) + 0.7 * index)
        truth = points.flip(0) * 2
        draws = torch.tensor([random.random(), np.random.rand(), torch.rand(()).item()]) - 0.5
        return dict(inputs=points + self.noise * draws, data_samples=BaseDataElement(truth=truth, index=index))


@MODELS.register_module()
class ToyRegressor(BaseModel):
    """Two layers and dropout. Kills its process in the training step that the environment names."""

    def __init__(self, dropout: float = 0.0):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Dropout(dropout), nn.Linear(16, 3))
        self.steps = 0
        if KILL_IN_WRITE in os.environ:
            _die_in_write(int(os.environ[KILL_IN_WRITE]))

    def forward(self, inputs, data_samples=None, mode='tensor'):
        predicted = self.layers(torch.stack(inputs))
        if mode == 'loss':
            self.steps += 1
            if self.steps == int(os.environ.get(KILL_AT_ITER, -1)):
                os.kill(os.getpid(), signal.SIGKILL)
            truth = torch.stack([sample.truth for sample in data_samples])
            return dict(loss=(predicted - truth).square().mean())
        for sample, value in zip(data_samples, predicted):
            sample.predicted = value
        return data_samples


@METRICS.register_module()
class ToyError(BaseMetric):
    """Mean absolute error, and how many samples were seen."""

    default_prefix = 'toy'

    def process(self, data_batch, data_samples):
        self.results += [(sample['predicted'] - sample['truth']).abs().mean().item() for sample in data_samples]

    def compute_metrics(self, results):
        return dict(error=float(np.mean(np.float64(results))), samples=len(results))


def _die_in_write(count: int) -> None:
    """Die in the middle of the checkpoint write number `count`: the bytes are there, the name is not."""
    from das_mm.engine import atomic_io

    real, calls = atomic_io.os.fsync, []

    def fsync(handle):
        calls.append(handle)
        if len(calls) == 2 * count - 1:  # each write syncs the file, then its folder
            os.kill(os.getpid(), signal.SIGKILL)
        real(handle)

    atomic_io.os.fsync = fsync
