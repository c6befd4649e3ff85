"""Mode 'tensor': maps as tensors, so that analyses of complexity work on every kind of model."""

from __future__ import annotations

import pytest
import torch
from mmengine.analysis import get_model_complexity_info

from das_mm.checkpoints.model_loader import load_model
from tests.toy_model import DISPLACEMENT, MESH, write_toy_checkpoint

TASKS = {'pose': dict(), 'mesh': dict(branches=MESH), 'tracking': dict(branches=DISPLACEMENT, temporal=True)}


@pytest.mark.parametrize('task', TASKS)
def test_complexity(task, tmp_path):
    model = load_model(write_toy_checkpoint(tmp_path, **TASKS[task]), device='cpu')
    assert model.sees_previous_frame == (task == 'tracking')
    shape = (model.input_channels, 64, 96)
    with torch.no_grad():
        maps = model(torch.zeros(1, *shape), None, mode='tensor')
    assert all(isinstance(one, torch.Tensor) for one in maps)
    per_level = len(maps) // len(model.head.strides)
    assert per_level == 3 + 2 + 1 + len(TASKS[task].get('branches', {}))  # two stages of offsets, sigma
    assert maps[0].shape == (1, 1, 4, 6) and maps[per_level].shape == (1, 1, 2, 3)
    model.forward = model._forward  # as mmpose's tools/analysis_tools/get_flops.py does
    told = get_model_complexity_info(model, shape, show_table=False, show_arch=False)
    assert told['params'] == sum(parameter.numel() for parameter in model.parameters())
    tower = model.head.cls_tower.convs[0].conv.weight.numel() * (4 * 6 + 2 * 3)
    assert told['flops'] > 4 * tower
