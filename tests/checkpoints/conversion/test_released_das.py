"""A released checkpoint, converted, says what the released network says.

The released code is not here; ``released_das.py`` is it once more, dense and plain.
"""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.models.backbones import MSPN

from das_mm.apis import DASInferencer
from das_mm.checkpoints.conversion import Fate, convert_checkpoint
from das_mm.checkpoints.conversion.released_das import ReleasedDAS
from das_mm.checkpoints.conversion.source_file import SourceFile
from das_mm.checkpoints.model_loader import load_model
from das_mm.config_files import config_path
from das_mm.errors import UserError
from das_mm.models.layers import PointIndex
from das_mm.registry import MODELS, TASK_UTILS

from . import released_das
from .toy_released import FULL, MUCO, PANOPTIC, SMALL, layout, save_as_mmcv, small_config, small_weights

MEAN, STD = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
INTRINSICS = np.array([[300.0, 0, 118], [0, 320, 101], [0, 0, 1]])


class Case:
    """A setting with its weights, the two networks and one image through the released one."""

    def __init__(self, name: str, folder):
        self.spec, self.weights = SMALL[name], small_weights(SMALL[name])
        self.source = save_as_mmcv(self.weights, folder / 'released.pth')
        self.path = folder / 'converted.pth'
        self.conversion = convert_checkpoint(self.source, self.path, str(small_config(folder, name)))
        self.model = load_model(self.path, device='cpu')
        # 241 x 193 to 160 x 128: the two factors differ a little
        self.image = np.random.default_rng(0).integers(0, 256, (193, 241, 3), dtype=np.uint8)
        small = cv2.resize(self.image, (160, 128), interpolation=cv2.INTER_LINEAR)
        self.scale = np.array([160 / 241, 128 / 193])
        self.input = torch.from_numpy((small[..., ::-1] - MEAN) / STD).permute(2, 0, 1).float()
        with torch.no_grad():
            self.levels = self._released_levels()

    def _released_levels(self):
        backbone = MSPN(**self.spec.backbone)
        backbone.eval()  # mmpose's returns None
        backbone.load_state_dict(
            {
                name.removeprefix('backbone.'): value
                for name, value in self.weights.items()
                if name.startswith('backbone.')
            }
        )
        stages = [maps[0] for maps in reversed(backbone(self.input[None])[-1])]
        pyramid = released_das.fpn(self.weights, stages)
        return [released_das.head(self.weights, self.spec, maps, level) for level, maps in enumerate(pyramid)]


@pytest.fixture(scope='module', params=[PANOPTIC, MUCO], ids=['panoptic', 'muco'])
def case(request, tmp_path_factory):
    return Case(request.param, tmp_path_factory.mktemp('released'))


def assert_same(ours, theirs):
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-5)


@torch.no_grad()
def test_every_map_is_the_same_everywhere(case):
    model = case.model
    maps = model.head(model.extract_feat(case.input[None]))
    for level, theirs in enumerate(case.levels):
        assert_same(maps.cls[level][0], theirs['cls'])
        assert_same(maps.centerness[level][0], theirs['centerness'])
        assert_same(maps.root[level][0], torch.cat([theirs['offset'], theirs['depth']]))
        assert len(maps.pose[level]) == 1 + case.spec.num_layers
        for ours, step in zip(maps.pose[level], theirs['joints']):
            assert_same(ours[0], step)
    moved = (case.levels[0]['joints'][-1] - case.levels[0]['joints'][0]).abs().mean()
    assert moved > 0.1, 'the update moves nothing: the comparison would not see it'


@torch.no_grad()
def test_refined_joints_at_candidates(case):
    features = case.model.extract_feat(case.input[None])
    for level, theirs in enumerate(case.levels):
        height, width = theirs['cls'].shape[-2:]
        y, x = torch.arange(height), torch.arange(height) % width
        points = PointIndex(torch.zeros_like(y), y, x)
        out = case.model.head.forward_points(features[level], level, points, with_sigma=False)
        for ours, step in zip(out.pose, theirs['joints']):
            assert_same(ours, step[:, y, x].T.reshape(len(y), -1, 3))


def test_people_are_the_same(case):
    """From the image's pixels to camera space: half pixels, factors, units, threshold, order."""
    inferencer = DASInferencer(weights=case.path, device='cpu', intrinsics=INTRINSICS, show_progress=False)
    [result] = inferencer(case.image, return_datasamples=True, with_sigma=False)
    found = result['predictions'][0].pred_instances
    expected = released_das.people(case.spec, case.levels, INTRINSICS, case.scale)
    assert 10 < len(found) == len(expected) < 100
    np.testing.assert_allclose(found.scores, [person['score'] for person in expected], atol=1e-5)
    pixels = np.array([person['pixels'] for person in expected])
    np.testing.assert_allclose(found.keypoints, pixels, atol=0.005)
    np.testing.assert_allclose(found.root_depths_mm, [person['root_depth_mm'] for person in expected], rtol=1e-4)
    points_mm = np.array([person['points_mm'] for person in expected])
    np.testing.assert_allclose(found.keypoints_3d, points_mm, rtol=1e-4, atol=1e-4 * np.abs(points_mm).max())
    np.testing.assert_allclose(found.roots_px, pixels[:, case.spec.root], atol=0.005)


def test_the_same_people_are_suppressed():
    """Random weights do not see one person twice, so here are doubles: eight people, each thirty times."""
    draw = np.random.default_rng(3)
    poses = draw.uniform(0, 200, (8, 1, 15, 2)) + draw.normal(0, 8, (8, 30, 15, 2)) * draw.uniform(0, 1, (8, 30, 1, 1))
    poses, scores = poses.reshape(-1, 15, 2), draw.permutation(240) / 240
    kept = []
    for index in np.argsort(-scores):
        person = dict(pixels=poses[index])
        if all(released_das.similarity(dict(pixels=poses[other]), person) <= 0.9 for other in kept):
            kept.append(index)
    nms = TASK_UTILS.build(Config.fromfile(config_path(PANOPTIC)).model.head.nms)
    assert nms(torch.from_numpy(poses), torch.from_numpy(scores)).tolist() == kept[:100]
    assert 8 < len(kept) < 100


@pytest.mark.parametrize(
    'released, ours',
    [
        ('flow3d', 'initial_3d'),
        ('flow2d', 'initial_2d'),
        ('flow3d_update', 'updated_3d'),
        ('flow2d_update', 'updated_2d'),
    ],
)
@torch.no_grad()
def test_flows_give_the_density_of_the_opposite_error(case, released, ours):
    flow = case.model.head.pose_losses[ours].flow
    error = torch.randn(50, flow.dims, generator=torch.Generator().manual_seed(1))
    theirs = released_das.flow_log_density(case.weights, f'bbox_head.{released}', error)
    torch.testing.assert_close(flow.log_prob(-error), theirs, rtol=1e-4, atol=1e-4)
    assert float((flow.log_prob(error) - theirs).abs().max()) > 0.1


def test_every_weight_is_in_the_books(case):
    ledger = case.conversion.ledger
    sources = [entry.source for entry in ledger.entries if entry.source]
    assert sorted(sources) == sorted(case.weights)
    assert {entry.fate for entry in ledger.entries} == {Fate.USED, Fate.FOLDED}
    assert {entry.target for entry in ledger.entries} == set(ledger.result) == set(case.model.state_dict())


def test_a_neck_without_batch_norm(tmp_path):
    shapes = {
        name: shape for name, shape in layout(SMALL[PANOPTIC]).items() if '.bn.' not in name or 'neck' not in name
    }
    shapes |= {f'{name.removesuffix(".weight")}.bias': shape[:1] for name, shape in shapes.items() if 'neck' in name}
    weights = {name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}
    weights |= released_das.random_weights({name: shape for name, shape in shapes.items() if 'neck' in name})
    config = str(small_config(tmp_path, PANOPTIC))
    result = ReleasedDAS.convert(SourceFile('plain.pth', weights, {}, [], ''), config).ledger.result
    neck = MODELS.build(dict(Config.fromfile(config).model.neck))
    neck.load_state_dict({name.removeprefix('neck.'): value for name, value in result.items() if name[:4] == 'neck'})
    neck.eval()
    stages = [torch.randn(1, 16, 32 // 2**i, 32 // 2**i) for i in range(4)]
    with torch.no_grad():
        for ours, theirs in zip(neck(tuple(stages)), released_das.fpn(weights, [one[0] for one in stages])):
            assert_same(ours[0], theirs)


@pytest.mark.parametrize('name', FULL)
def test_whole_size(name):
    """The released names and shapes are recognised, used to the last, and fill the released config's model."""
    spec = FULL[name]
    weights = {key: torch.zeros(()).expand(shape) for key, shape in layout(spec).items()}
    conversion = ReleasedDAS.convert(SourceFile('released.pth', weights, {}, [], ''))
    assert conversion.meta == dict(config=name)
    assert len(weights) > 1000 and not conversion.ledger.names()
    config = Config.fromfile(config_path(name))
    coder, backbone = config.model.head.coder, config.model.backbone
    assert (coder.root_index, coder.root_depth_scale, coder.relative_depth_scale_mm) == (
        spec.root,
        spec.depth_per_mm,
        spec.relative_mm,
    )
    assert (backbone.num_stages, config.model.head['update'].num_layers, config.model.head.num_keypoints) == (
        spec.backbone['num_stages'],
        spec.num_layers,
        spec.num_joints,
    )
    assert config.model.test_cfg.score_thr == spec.score_thr and config.model.head.nms.threshold == 0.9
    assert list(config.model.data_preprocessor.mean) == list(MEAN) and config.model.data_preprocessor.bgr_to_rgb
    assert list(config.model.data_preprocessor.std) == list(STD)


@pytest.mark.parametrize(
    'change, problem',
    [
        (lambda weights: weights.pop('bbox_head.conv_cls.bias'), '1 missing: head.cls_branch.out.bias'),
        (lambda weights: weights.pop('bbox_head.conv_poses.0.weight'), 'conv_poses.0.weight: this weight is missing'),
        (lambda weights: weights.pop('bbox_head.scales.2.1.scale'), 'scales.2.1.scale: this weight is missing'),
        (
            lambda weights: weights.update({'bbox_head.conv_dirs.weight': torch.ones(1)}),
            '1 that it does not have: bbox_head.conv_dirs.weight',
        ),
        (
            lambda weights: weights.update({'bbox_head.conv_regs.0.weight': torch.ones(2, 3, 1, 1)}),
            r'1 of another shape: bbox_head.conv_regs.0.weight \(2×3×1×1, not 2×64×1×1\)',
        ),
        (lambda weights: weights['bbox_head.conv_cls.bias'].fill_(torch.nan), '1 not finite: bbox_head.conv_cls.bias'),
    ],
)
def test_what_is_not_whole_is_refused(tmp_path, change, problem):
    weights = {
        name: torch.zeros(shape) if 'conv_cls.' in name else torch.zeros(()).expand(shape)
        for name, shape in layout(SMALL[PANOPTIC]).items()
    }
    change(weights)
    with pytest.raises(UserError, match=problem) as caught:
        ReleasedDAS.convert(SourceFile('released.pth', weights, {}, [], ''), str(small_config(tmp_path, PANOPTIC)))
    assert caught.value.file == 'released.pth' and caught.value.remedy


def test_a_das_of_another_setting():
    spec = dataclasses.replace(SMALL[PANOPTIC], num_layers=3)
    weights = {name: torch.zeros(()).expand(shape) for name, shape in layout(spec).items()}
    with pytest.raises(UserError, match='15 keypoints, 3 update layers and 2 MSPN stages: released are 15, 1, 2'):
        ReleasedDAS.convert(SourceFile('other.pth', weights, {}, [], ''))


def test_flow_masks_that_a_file_lacks_are_added_as_constants(tmp_path):
    config, weights = str(small_config(tmp_path, PANOPTIC)), small_weights(SMALL[PANOPTIC])
    masks = {key: value for key, value in weights.items() if key.endswith('.mask')}
    source = save_as_mmcv({key: value for key, value in weights.items() if key not in masks}, tmp_path / 'source.pth')
    ledger = convert_checkpoint(source, tmp_path / 'out.pth', config).ledger
    added = {entry.target: entry for entry in ledger.entries if entry.fate is Fate.ADDED}
    flows = dict(flow3d='initial_3d', flow2d='initial_2d', flow3d_update='updated_3d', flow2d_update='updated_2d')
    assert added.keys() == {f'head.pose_losses.{flow}.flow.mask' for flow in flows.values()}
    for theirs, ours in flows.items():  # the same as the files that have them
        assert torch.equal(ledger.result[f'head.pose_losses.{ours}.flow.mask'], masks[f'bbox_head.{theirs}.mask'])
