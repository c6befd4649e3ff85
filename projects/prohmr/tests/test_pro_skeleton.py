"""ProSkeleton against a network that is written down plainly from the authors' description, and its behaviour."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from torch.nn import functional as F

from das_mm.checkpoints.conversion import SourceFile, recognise
from das_mm.checkpoints.conversion.checkpoint_kinds import weights_of_config
from das_mm.config_files import config_path
from das_mm.datasets import PersonViewDataset
from das_mm.engine.config_reader import read_config
from das_mm.errors import UserError
from das_mm.registry import MODELS
from das_mm.structures import KEYPOINT_SETS
from projects.prohmr.prohmr.quantisation import quantise
from projects.prohmr.prohmr.skeleton_inputs import PackSkeletonInputs
from projects.prohmr.prohmr.skeleton_joints import INPUT_JOINTS, OUTPUT_JOINTS, with_root
from projects.prohmr.prohmr.skeleton_metric import SampledSkeletonMetric
from projects.prohmr.prohmr.skeleton_statistics_hook import InputStatisticsHook

CONFIG = 'proskeleton_1xb64-300k_h36m'
HIDDEN = 24
_GT24 = KEYPOINT_SETS['gt24'].keypoints


def model_config(**changes) -> dict:
    return dict(
        type='ProSkeleton',
        standardiser=dict(type='KeypointStandardiser', frame='image'),
        backbone=dict(type='LiftingNetwork', hidden_channels=HIDDEN),
        head=dict(type='SkeletonFlow', context_channels=HIDDEN, hidden_channels=HIDDEN),
        _scope_='das_mm',
        **changes,
    )


def released_weights(hidden: int = HIDDEN) -> dict[str, torch.Tensor]:
    """Random weights of the 213 names, listed from the description of the authors' code."""
    torch.manual_seed(0)
    found: dict[str, torch.Tensor] = dict(initialized=torch.tensor(True))

    def linear(name: str, rows: int, columns: int, scale: float = 1.0) -> None:
        found[f'{name}.weight'] = scale * torch.randn(rows, columns) / math.sqrt(columns)
        found[f'{name}.bias'] = 0.1 * torch.randn(rows)

    def norm(name: str) -> None:
        found[f'{name}.weight'] = 1 + 0.1 * torch.randn(hidden)
        found[f'{name}.bias'] = 0.1 * torch.randn(hidden)
        found[f'{name}.running_mean'] = 0.1 * torch.randn(hidden)
        found[f'{name}.running_var'] = 0.5 + torch.rand(hidden)
        found[f'{name}.num_batches_tracked'] = torch.tensor(7)

    for block, rows in enumerate(([0], [0, 4], [0, 4])):
        for row in rows:
            linear(f'backbone.fc_layers.{block}.fc_block.{row}', hidden, 34 if block == 0 else hidden)
            norm(f'backbone.fc_layers.{block}.fc_block.{row + 1}')
    root = 'flow.flow._transform'
    found[f'{root}.dummy_buffer'] = torch.zeros(())
    for layer in range(4):
        act, lu, coupling = (f'{root}._transforms.{3 * layer + part}' for part in range(3))
        found[f'{act}.log_scale'] = 0.3 * torch.randn(48)
        found[f'{act}.shift'] = 0.3 * torch.randn(48)
        found[f'{act}.initialized'] = torch.tensor(True)
        found[f'{lu}.bias'] = 0.1 * torch.randn(48)
        for name in ('lower_entries', 'upper_entries'):
            found[f'{lu}.{name}'] = 0.05 * torch.randn(48 * 47 // 2)
        found[f'{lu}.unconstrained_upper_diag'] = 0.5 + 0.1 * torch.randn(48)
        for part in (act, lu, coupling):
            found[f'{part}.dummy_buffer'] = torch.zeros(())
        found[f'{coupling}.identity_features'] = torch.arange(layer % 2, 48, 2)
        found[f'{coupling}.transform_features'] = torch.arange(1 - layer % 2, 48, 2)
        net = f'{coupling}.transform_net'
        linear(f'{net}.initial_layer', hidden, 24 + hidden)
        for block in range(2):
            for row in range(2):
                norm(f'{net}.blocks.{block}.batch_norm_layers.{row}')
                linear(f'{net}.blocks.{block}.linear_layers.{row}', hidden, hidden, 0.3)
        linear(f'{net}.final_layer', 24, hidden)
    return found


class PlainProSkeleton:
    """The released network in evaluation mode, from its weights by name."""

    def __init__(self, weights: dict[str, torch.Tensor]) -> None:
        self.w = weights

    def _linear(self, name: str, x):
        return x @ self.w[f'{name}.weight'].T + self.w[f'{name}.bias']

    def _norm(self, name: str, x):
        spread = (self.w[f'{name}.running_var'] + 1e-5).sqrt()
        return (x - self.w[f'{name}.running_mean']) / spread * self.w[f'{name}.weight'] + self.w[f'{name}.bias']

    def context(self, places):
        x = places.flatten(1)
        layer = lambda name, row, x: F.relu(self._norm(f'{name}.{row + 1}', self._linear(f'{name}.{row}', x)))
        x = layer('backbone.fc_layers.0.fc_block', 0, x)
        for block in (1, 2):
            name = f'backbone.fc_layers.{block}.fc_block'
            x = x + layer(name, 4, layer(name, 0, x))
        return x

    def _shift(self, name: str, kept, context):
        x = self._linear(f'{name}.initial_layer', torch.cat([kept, context], 1))
        for block in range(2):
            y = x
            for row in range(2):
                y = F.relu(self._norm(f'{name}.blocks.{block}.batch_norm_layers.{row}', y))
                y = self._linear(f'{name}.blocks.{block}.linear_layers.{row}', y)
            x = x + y
        return self._linear(f'{name}.final_layer', x)

    def _steps(self, layer: int):
        act, lu, coupling = (f'flow.flow._transform._transforms.{3 * layer + part}.' for part in range(3))
        lower, upper = torch.eye(48), torch.zeros(48, 48)
        lower[np.tril_indices(48, -1)] = self.w[f'{lu}lower_entries']
        upper[np.triu_indices(48, 1)] = self.w[f'{lu}upper_entries']
        diagonal = F.softplus(self.w[f'{lu}unconstrained_upper_diag']) + 1e-3
        return act, lu, coupling, lower @ (upper + torch.diag(diagonal)), diagonal

    def pose(self, latents, context):
        """(B, 48) both ways of the four layers, from the latent space."""
        x = latents
        for layer in (3, 2, 1, 0):
            act, lu, coupling, matrix, _ = self._steps(layer)
            kept, moved = self.w[f'{coupling}identity_features'], self.w[f'{coupling}transform_features']
            x = x.clone()
            x[:, moved] = x[:, moved] - self._shift(f'{coupling}transform_net', x[:, kept], context)
            x = torch.linalg.solve(matrix, (x - self.w[f'{lu}bias']).T).T
            x = (x - self.w[f'{act}shift']) * torch.exp(-self.w[f'{act}log_scale'])
        return x

    def log_prob(self, points, context):
        x, log_det = points, 0.0
        for layer in range(4):
            act, lu, coupling, matrix, diagonal = self._steps(layer)
            x = torch.exp(self.w[f'{act}log_scale']) * x + self.w[f'{act}shift']
            x = x @ matrix.T + self.w[f'{lu}bias']
            kept, moved = self.w[f'{coupling}identity_features'], self.w[f'{coupling}transform_features']
            x = x.clone()
            x[:, moved] = x[:, moved] + self._shift(f'{coupling}transform_net', x[:, kept], context)
            log_det = log_det + self.w[f'{act}log_scale'].sum() + diagonal.log().sum()
        return -0.5 * x.square().sum(1) - 24 * math.log(2 * math.pi) + log_det


@pytest.fixture(scope='module')
def small_config(tmp_path_factory):
    """The released recipe at a small width, its statistics in a file."""
    folder = tmp_path_factory.mktemp('proskeleton')
    rng = np.random.default_rng(0)
    np.savez(folder / 'stats.npz', mean=rng.uniform(300, 700, (17, 2)), std=rng.uniform(50, 150, (17, 2)))
    path = folder / 'small.py'
    statistics = str(folder / 'stats.npz')
    path.write_text(
        f'_base_ = {str(config_path(CONFIG))!r}\nmodel = dict(standardiser=dict(statistics={statistics!r}),'
        f'backbone=dict(hidden_channels={HIDDEN}), head=dict(context_channels={HIDDEN}, hidden_channels={HIDDEN}))\n'
    )
    return path


@pytest.fixture(scope='module')
def converted(small_config):
    weights = released_weights()
    assert len(weights) == 213
    kind = recognise(weights)
    assert kind.__name__ == 'ReleasedProSkeleton'
    conversion = kind.convert(SourceFile('model.pt', dict(weights), {}, [], ''), str(small_config))
    model = MODELS.build(model_config()).eval()
    model.load_state_dict(conversion.ledger.result)
    return weights, model, np.load(small_config.parent / 'stats.npz')


@torch.no_grad()
def test_the_converted_network_says_what_the_released_one_says(converted):
    weights, model, statistics = converted
    plain = PlainProSkeleton(weights)
    places = 500 + 100 * torch.randn(3, 17, 2)
    mean, std = (torch.tensor(statistics[name]).float() for name in ('mean', 'std'))
    context = plain.context((places - mean) / std)
    mode = model.mode(places)
    torch.testing.assert_close(mode.points[:, 0].flatten(1), plain.pose(torch.zeros(3, 48), context), rtol=0, atol=1e-5)
    assert (mode.points[0] - mode.points[1]).abs().max() > 1e-3  # the keypoints matter
    drawn = model.sample(places, 4, torch.Generator().manual_seed(1))
    for s in range(4):
        expected = plain.pose(drawn.latents[:, s], context)
        torch.testing.assert_close(drawn.points[:, s].flatten(1), expected, rtol=1e-5, atol=1e-5)
        told = plain.log_prob(drawn.points[:, s].flatten(1), context)
        torch.testing.assert_close(drawn.log_prob[:, s], told, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(model.log_prob(drawn.points, places), drawn.log_prob, rtol=1e-5, atol=1e-4)
    # the Jacobian is constant: nothing is likelier than the mode, and the density falls with the latent alone
    fall = mode.log_prob - drawn.log_prob
    torch.testing.assert_close(fall, 0.5 * drawn.latents.square().sum(-1), rtol=1e-4, atol=1e-3)


def test_the_recipe_has_the_sizes_of_the_paper():
    weights = weights_of_config(config_path(CONFIG))
    count = lambda prefix: sum(
        value.numel() for name, value in weights.items() if name.startswith(prefix) and _is_learnt(name)
    )
    assert count('head.flow.') == 21_231_264
    assert count('backbone.') == 4_244_480


def _is_learnt(name: str) -> bool:
    buffers = ('running_mean', 'running_var', 'num_batches_tracked', 'initialized', '_features')
    return not name.endswith(buffers)


def test_joints_are_those_of_the_released_data():
    assert [_GT24.index(name) for name in INPUT_JOINTS] == [*range(13), 14, 16, 17, 18]
    assert [_GT24.index(name) for name in OUTPUT_JOINTS] == [*range(13), 16, 17, 18]
    told = with_root(np.arange(1, 17)[:, None] * np.ones((1, 3)))
    assert told[KEYPOINT_SETS['j17'].index('pelvis')].tolist() == [0, 0, 0]
    assert told[KEYPOINT_SETS['j17'].index('head_h36m')].tolist() == [16, 16, 16]


def test_a_flow_that_was_never_started_is_refused(small_config):
    weights = released_weights()
    kind = recognise(weights)
    for damage, words in (
        (dict(initialized=torch.tensor(False)), 'never started'),
        (dict(initialized=None), 'this weight is missing'),
        ({'backbone.fc_layers.0.fc_block.0.weight': torch.zeros(HIDDEN, 36)}, 'another shape'),
    ):
        damaged = {name: value for name, value in {**weights, **damage}.items() if value is not None}
        with pytest.raises(UserError, match=words):
            kind.convert(SourceFile('model.pt', damaged, {}, [], ''), str(small_config))
    fresh = MODELS.build(model_config()).eval()
    with pytest.raises(UserError, match='never started'):
        fresh.mode(torch.zeros(1, 17, 2))


def test_bad_input_is_told(converted):
    _, model, _ = converted
    with pytest.raises(UserError, match='not \\(people, 17, 2\\)'):
        model.mode(torch.zeros(2, 16, 2))
    with pytest.raises(UserError, match='not \\(people, samples, 16, 3\\)'):
        model.log_prob(torch.zeros(1, 1, 17, 3), torch.zeros(1, 17, 2))
    with pytest.raises(UserError, match='are not known'):
        MODELS.build(dict(type='KeypointStandardiser', _scope_='das_mm'))(torch.zeros(1, 17, 2))


def labelled(points: torch.Tensor, known: bool = True) -> PoseDataSample:
    sample = PoseDataSample()
    sample.gt_instance_labels = InstanceData(keypoints_3d=points[None], has_pose_3d=torch.tensor([float(known)]))
    return sample


def test_training_starts_from_labelled_poses_and_weighs_as_released():
    torch.manual_seed(0)
    model = MODELS.build(model_config()).train()
    places, points = 500 + 100 * torch.randn(8, 17, 2), torch.randn(8, 16, 3) * torch.rand(16, 3) + 2
    model.standardiser.learn(places)
    samples = [labelled(points[row], known=row < 6) for row in range(8)]
    losses = model.loss(places, samples)
    assert bool(model.initialized) and model.head.flow.initialized
    # the first normalisation makes the six labelled poses standard
    first = model.head.flow._transform._transforms[0]
    standard = first(points[:6].flatten(1), None)
    torch.testing.assert_close(standard.mean(0), torch.zeros(48), rtol=0, atol=1e-4)
    torch.testing.assert_close(standard.std(0), torch.ones(48), rtol=0, atol=1e-4)
    assert set(losses) == {'loss_mode', 'loss_nll'}
    sum(losses.values()).backward()
    assert model.backbone.fc_layers[0].fc_block[0].weight.grad.abs().max() > 0
    # by hand, where chance and the batch's statistics are off; sums over joints and axes, by people
    model.eval()
    told = model.criterion(model.head, model._context(places), points)
    away = (model.mode(places).points[:, 0] - points).abs()
    assert told['loss_mode'].item() == pytest.approx(away.sum().item() / 8, rel=1e-5)
    model.criterion.noise = 0.0
    told = model.criterion(model.head, model._context(places), points)
    nll = -model.log_prob(points[:, None], places).mean().item()
    assert told['loss_nll'].item() == pytest.approx(0.001 * nll, rel=1e-5)
    model.criterion.noise = 0.3
    noisy = model.criterion(model.head, model._context(places), points)['loss_nll'].item()
    assert noisy > told['loss_nll'].item()  # poses farther from the labels are less likely
    nobody = model.loss(places, [labelled(points[row], known=False) for row in range(8)])
    assert nobody['loss_mode'].item() == 0 and nobody['loss_mode'].requires_grad


@torch.no_grad()
def test_people_are_told_about_the_pelvis_and_measured(converted):
    _, model, _ = converted
    places = 500 + 100 * torch.randn(3, 17, 2)
    places[1, 4, 0] = torch.nan
    model.test_cfg = dict(num_samples=30, seed=3)
    samples = model.predict(places, [PoseDataSample() for _ in range(3)])
    sizes = [len(sample.pred_instances.keypoints_3d) for sample in samples]
    assert sizes == [1, 0, 1]
    told = samples[0].pred_instances
    assert told.sampled_keypoints_3d.shape == (1, 30, 17, 3) and told.log_prob.shape == (1, 31)
    assert (told.log_prob[0, 0] >= told.log_prob[0]).all()
    metric = SampledSkeletonMetric(quantised=(5,))
    for sample in samples:
        sample.gt_instances = InstanceData(
            keypoints_3d=samples[0].pred_instances.sampled_keypoints_3d[:, 7], keypoints_3d_valid=np.ones((1, 17), bool)
        )
    metric.process(None, samples[:2])
    table = metric.compute_metrics(metric.results)
    assert table['min_MPJPE'] == pytest.approx(0, abs=1e-6)
    # five of the 31 stand for all: those that :func:`quantise` names, whose best is mostly not the best of all
    told = samples[0].pred_instances
    points = np.concatenate([told.keypoints_3d, told.sampled_keypoints_3d[0]])
    off = np.linalg.norm(points - told.sampled_keypoints_3d[0, 7], axis=-1).mean(1)
    assert table['min5_MPJPE'] == pytest.approx(off[quantise(points, 5)].min())
    assert table['mode_MPJPE'] == pytest.approx(off[0]) and off[0] > 1
    assert (table['num_people'], table['num_left_out']) == (1, 1)


def test_samples_that_stand_for_all_are_samples_of_their_own_groups():
    rng = np.random.default_rng(0)
    centres = 100 * rng.normal(size=(5, 4, 3))
    points = (centres[:, None] + rng.normal(size=(5, 40, 4, 3))).reshape(200, 4, 3)
    chosen = quantise(points, 5)
    assert sorted(row // 40 for row in chosen) == [0, 1, 2, 3, 4]
    with pytest.raises(UserError, match='cannot be quantised'):
        quantise(points[:3], 5)
    points[0] = np.nan
    with pytest.raises(UserError, match='not finite'):
        quantise(points, 5)


@pytest.mark.parametrize('name', ['proskeleton', 'martinez'])
def test_tiny_configs(name):
    config = read_config(config_path(f'{name}_tiny_1xb64-12e_synthetic-poses'))
    assert config.train_dataloader.dataset.type == 'SampledSkeletons' and config.model.standardiser.frame == 'person'
    assert (config.model.head.type == 'SkeletonFlow') == (name == 'proskeleton')
    assert (config.model.train_cfg.criterion.nll_weight == 0) == (name == 'martinez')


def test_records_of_the_person_view_are_packed(people):
    """Without an image; px of the stored image, metres about the pelvis."""
    view = PersonViewDataset(
        keypoint_set='j17',
        dataset=dict(
            type='DASDataset',
            dataset_name='toy',
            ann_file=f'annotations/{people.annotations["gt24"].name}',
            data_root=str(people.root),
            keypoint_set='gt24',
        ),
        pipeline=[PackSkeletonInputs()],
    )
    image = view.dataset.get_data_info(0)
    rows = [_GT24.index(name) for name in INPUT_JOINTS]
    known = (image['keypoints_flags'][0][rows] > 0).all()
    sample, record = view[0], view.get_data_info(0)
    assert known and sample['inputs'].shape == (17, 2)
    np.testing.assert_allclose(sample['inputs'], image['keypoints'][0][rows], atol=1e-3)
    rows = [_GT24.index(name) for name in OUTPUT_JOINTS]
    metres = 1e-3 * (image['keypoints_3d'][0][rows] - image['keypoints_3d'][0][_GT24.index('pelvis')])
    labels = sample['data_samples'].gt_instance_labels
    np.testing.assert_allclose(labels.keypoints_3d[0], metres, atol=1e-5)
    assert labels.has_pose_3d.item() == 1
    # a joint that is not labelled: passed over in training, told as nobody in tests
    record['keypoints_2d'][KEYPOINT_SETS['j17'].index('left_knee'), 2] = 0
    assert PackSkeletonInputs()(dict(record)) is None
    assert PackSkeletonInputs(test_mode=True)(dict(record))['inputs'].isnan().all()


def test_the_statistics_of_the_input_are_learnt_once():
    torch.manual_seed(0)
    places = 500 + 100 * torch.randn(40, 17, 2)
    places[3] = torch.nan  # not whole
    model = MODELS.build(model_config())
    runner = SimpleNamespace(
        model=model, train_dataloader=SimpleNamespace(dataset=[dict(inputs=place) for place in places])
    )
    InputStatisticsHook(most=20).before_train(runner)
    whole = places[::2]
    torch.testing.assert_close(model.standardiser.mean, whole.mean(0), rtol=1e-4, atol=1e-2)
    standard = model.standardiser(whole).unflatten(1, (17, 2))
    torch.testing.assert_close(standard.std(0), torch.ones(17, 2), rtol=1e-3, atol=1e-3)
    runner.train_dataloader.dataset = [dict(inputs=place + 100) for place in places]
    InputStatisticsHook().before_train(runner)
    torch.testing.assert_close(model.standardiser.mean, whole.mean(0), rtol=1e-4, atol=1e-2)
    about = MODELS.build(dict(type='KeypointStandardiser', frame='person', _scope_='das_mm'))
    about.learn(whole)
    moved = 3 * whole + 50  # farther to the side, and three times as large
    torch.testing.assert_close(about(moved), about(whole), rtol=1e-3, atol=1e-3)
    with pytest.raises(UserError, match='of 1 people'):
        about.learn(places[2:4])
