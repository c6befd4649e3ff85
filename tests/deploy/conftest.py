"""Two toy models and their exports; an export takes ten seconds and more, so all tests share them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

import tests.deploy.toy_backbone  # noqa: F401  registers it
from das_mm.checkpoints.model_loader import build_model, load_model
from tests.toy_das import write_toy_config
from tests.toy_model import DISPLACEMENT, MESH, META, write_toy_checkpoint

for _package in ('onnx', 'onnxscript', 'onnxruntime'):
    pytest.importorskip(_package)


def write_checkpoint(root: Path, **head) -> Path:
    """Writes ``root/toy.py`` and ``root/toy.pth``, a toy of random weights that finds many doubles.

    Args:
        head: What its head has of its own.
    """
    config = Config.fromfile(write_toy_config(root, num_images=2))
    config.model.backbone = dict(type='ToyBackbone')
    for name, value in head.items():
        config.model.head[name] = value
    config.model.head.nms = dict(type='OKSNMS', threshold=0.3, max_people=12)
    config.model.test_cfg.update(score_thr=0.02, nms_pre=60)
    config.custom_imports.imports.append('tests.deploy.toy_backbone')
    config.dump(root / 'toy.py')
    torch.manual_seed(4)
    model = build_model(config)
    with torch.no_grad():
        model.head.depth_branch.out.bias.fill_(20)
        model.head.pose_branch.out.weight.mul_(2)
        for module in model.modules():
            if hasattr(module, 'conv_offset'):  # as they begin, deformable convolutions are ordinary ones
                torch.nn.init.normal_(module.conv_offset.weight, std=0.1)
    meta = dict(cfg=config.pretty_text, dataset_meta=META)
    torch.save(dict(state_dict=model.state_dict(), meta=meta), root / 'toy.pth')
    return root / 'toy.pth'


@pytest.fixture(scope='session')
def rich(tmp_path_factory):
    """What is hard in a graph (deformable convolution, two layers of sources, a mesh): path of the checkpoint, the
    model, and the path of its export."""
    from das_mm.deploy import export_onnx

    path = write_checkpoint(
        tmp_path_factory.mktemp('rich'),
        branches=MESH,
        update=dict(type='MultiSourceUpdate', num_layers=2, feat_channels=16, num_groups=4, num_heads=2),
    )
    model = load_model(path, device='cpu')
    return path, model, export_onnx(model, path.with_suffix('.onnx'))


@pytest.fixture(scope='session')
def loaded(rich):
    """The export of the rich toy as a model."""
    return load_model(rich[2], device='cpu')


@pytest.fixture(scope='session')
def temporal_checkpoint(tmp_path_factory):
    """A model that looks at the frame before; its config lies beside it, by the same name."""
    path = write_toy_checkpoint(tmp_path_factory.mktemp('temporal'), branches=DISPLACEMENT, temporal=True)
    path.with_suffix('.py').write_text(torch.load(path, weights_only=False)['meta']['cfg'])
    return path
