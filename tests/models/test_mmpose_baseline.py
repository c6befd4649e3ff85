"""mmpose's top-down regression on COCO with our loss: trained, saved and judged by mmpose's own machinery."""

from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

CONFIG = Path(__file__).parents[2] / 'configs/topdown_regression/td-reg_res50-das-rle_8xb64-210e_coco-256x192.py'
INPUT_SIZE = (48, 64)  # w, h
# a person seen from the front in the unit box, in COCO's order: nose, eyes, ears, shoulders, elbows, wrists, hips, …
LEFT_SIDE = [
    (0.55, 0.06),
    (0.6, 0.08),
    (0.7, 0.22),
    (0.8, 0.38),
    (0.85, 0.52),
    (0.62, 0.52),
    (0.64, 0.74),
    (0.64, 0.94),
]
PERSON = np.array([(0.5, 0.1)] + [xy for x, y in LEFT_SIDE for xy in ((x, y), (1 - x, y))])


def write_coco_layout(root: Path, num_images: int = 6, people: int = 3, seed: int = 0) -> None:
    """Images and json as in COCO; every person is a small stick figure, some keypoints are not labelled (v = 0)."""
    rng = np.random.default_rng(seed)
    width, height = 192, 96
    images, annotations = [], []
    for folder in ('images', 'annotations'):
        (root / folder).mkdir()
    for image_id in range(1, num_images + 1):
        image = rng.integers(60, 120, (height, width, 3), dtype=np.uint8)
        for i in range(people):
            w, h = rng.uniform(36, 52), rng.uniform(66, 86)
            x, y = 4 + i * 62 + rng.uniform(0, 6), rng.uniform(2, height - h - 2)
            keypoints = (PERSON + rng.normal(0, 0.01, PERSON.shape)) * [w, h] + [x, y]
            for point in keypoints:
                cv2.circle(image, tuple(int(c) for c in point.round()), 3, (40, 220, 240), -1)
            visible = np.where(rng.random(17) < 0.1, 0, 2)
            triplets = np.concatenate([keypoints * (visible > 0)[:, None], visible[:, None]], axis=1)
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=image_id,
                    category_id=1,
                    iscrowd=0,
                    area=w * h,
                    bbox=[x, y, w, h],
                    keypoints=triplets.ravel().tolist(),
                    num_keypoints=int((visible > 0).sum()),
                )
            )
        name = f'{image_id:012d}.png'
        cv2.imwrite(str(root / 'images' / name), image)
        images.append(dict(id=image_id, file_name=name, width=width, height=height))
    content = dict(
        info={},
        images=images,
        annotations=annotations,
        categories=[dict(id=1, name='person', keypoints=[], skeleton=[])],
    )
    (root / 'annotations' / 'people.json').write_text(json.dumps(content))


def shrunk_config(data_root: Path, work_dir: Path) -> Config:
    """The config as it is but for the data, the size of network and input, and the length of training."""
    cfg = Config.fromfile(CONFIG)
    cfg.work_dir = str(work_dir)
    # nothing is downloaded; running statistics that keep up with so short a training
    cfg.model.backbone.update(depth=18, base_channels=16, init_cfg=None, norm_cfg=dict(type='BN', momentum=0.4))
    cfg.model.head.in_channels = 128
    cfg.model.head.decoder.input_size = INPUT_SIZE
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.update(batch_size=9, num_workers=0, persistent_workers=False)
        loader.dataset.update(
            data_root=str(data_root), ann_file='annotations/people.json', data_prefix=dict(img='images/')
        )
        for transform in loader.dataset.pipeline:
            if transform.type == 'TopdownAffine':
                transform.input_size = INPUT_SIZE
            if transform.type == 'GenerateTarget':
                transform.encoder.input_size = INPUT_SIZE
    cfg.val_dataloader.dataset.bbox_file = None  # boxes of the annotations
    cfg.val_evaluator.ann_file = str(data_root / 'annotations/people.json')
    cfg.test_dataloader, cfg.test_evaluator, cfg.test_cfg = None, None, None
    cfg.train_cfg.update(max_epochs=15, val_interval=15)
    cfg.optim_wrapper.optimizer.lr = 3e-3
    cfg.param_scheduler = []  # its warm-up alone takes 500 iterations
    cfg.default_hooks.logger.interval = 1
    cfg.default_hooks.checkpoint.update(interval=-1, save_optimizer=False)
    cfg.randomness = dict(seed=0)
    return cfg


@pytest.fixture
def own_default_scope():
    """mmengine's default scope is process-wide: what a run sets must not reach the next test."""
    before = DefaultScope._instance_dict.copy()
    yield
    DefaultScope._instance_dict.clear()
    DefaultScope._instance_dict.update(before)


@pytest.mark.usefixtures('own_default_scope')
def test_trains_and_is_evaluated_by_mmpose(tmp_path):
    data_root, work_dir = tmp_path / 'coco', tmp_path / 'work'
    data_root.mkdir()
    write_coco_layout(data_root)
    cfg = shrunk_config(data_root, work_dir)
    assert cfg.default_scope == 'mmpose' and cfg.val_evaluator.type == 'CocoMetric'

    runner = Runner.from_cfg(cfg)
    flow = runner.model.head.loss_module.criterion.flow
    assert type(flow).__module__ == 'das_mm.models.flows.realnvp'
    weight_before = flow.t[0][4].weight.detach().clone()
    runner.train()

    losses = runner.message_hub.get_scalar('train/loss_kpt').data[0]
    assert len(losses) == 30 and all(math.isfinite(x) for x in losses)
    assert np.mean(losses[-4:]) < np.mean(losses[:4]) - 10
    assert not torch.equal(flow.t[0][4].weight, weight_before)
    metrics = {
        key: runner.message_hub.get_scalar(f'val/coco/{key}').current()
        for key in ('AP', 'AP .5', 'AP .75', 'AP (M)', 'AP (L)', 'AR')
    }
    assert metrics['AP .5'] > 0.3  # it has learned where the figures' keypoints are, roughly

    (best,) = work_dir.glob('best_coco_AP_epoch_*.pth')  # mmpose's rule for the best checkpoint found its key
    state = torch.load(best, map_location='cpu', weights_only=False)['state_dict']
    assert 'head.loss_module.criterion.flow.s.0.0.weight' in state


def without_scopes(node):
    """mmengine marks what comes from another package's config with that package's scope."""
    if isinstance(node, dict):
        return {key: without_scopes(value) for key, value in node.items() if key != '_scope_'}
    return [without_scopes(value) for value in node] if isinstance(node, (list, tuple)) else node


def test_config_changes_only_the_loss():
    ours = Config.fromfile(CONFIG)
    theirs = get_config('mmpose::body_2d_keypoint/topdown_regression/coco/td-reg_res50_rle-8xb64-210e_coco-256x192.py')
    assert ours.model.head.loss == dict(type='das_mm.KeypointRLELoss')
    assert theirs.model.head.loss.type == 'RLELoss'
    ours.model.head.loss = theirs.model.head.loss
    assert without_scopes(ours.to_dict()) == without_scopes(theirs.to_dict())
    assert len(CONFIG.read_text().splitlines()) <= 40
