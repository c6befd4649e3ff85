"""A MAR of a few channels through the verbs: train, test, infer; and what its results look like."""

import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

import das_mm.cli
from das_mm.registry import DATASETS
from projects.mar.tests.toy_mar import write_toy_mar
from tests.toy_model import write_toy_checkpoint


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Config and checkpoint of a training of two steps."""
    root = tmp_path_factory.mktemp('mar')
    config = write_toy_mar(root)
    assert das_mm.cli.main(['train', str(config), '--work-dir', str(root / 'work'), '--no-validate']) == 0
    return config, root / 'work' / 'epoch_1.pth'


def test_training_logs_what_the_geometry_masks(trained):
    lines = next(trained[1].parent.glob('*/vis_data/scalars.json')).read_text().splitlines()
    step = json.loads(lines[0])
    assert {'loss_heatmap', 'loss_field', 'loss_regression', 'loss_geometry', 'geometry_rootless'} <= set(step)
    assert all(np.isfinite(value) for value in step.values())


def test_evaluation(trained, capsys):
    assert das_mm.cli.main(['test', *map(str, trained), '--work-dir', str(trained[1].parent / 'test')]) == 0


def test_results_have_the_format_of_das(trained, tmp_path):
    checkpoint = write_toy_checkpoint(tmp_path)
    image = next(trained[0].parent.glob('**/*.png'))
    results = {}
    for name, weights in (('mar', trained[1]), ('das', checkpoint)):
        out = tmp_path / name
        assert das_mm.cli.main(['infer', str(image), '--weights', str(weights), '--out', str(out)]) == 0
        results[name] = json.loads((out / 'predictions' / f'{image.stem}.json').read_text())
    assert set(results['mar']) == set(results['das']) and results['mar']['format'] == results['das']['format']
    person, other = results['mar']['people'][0], results['das']['people'][0]
    own = {'depth_regression', 'depth_geometry', 'keypoint_from_heatmap'}
    assert own < set(person) and set(person) - own == set(other) - {name for name in other if 'sigma' in name}
    assert set(person['depth_regression']) == {'mm', 'sigma_mm'}


def test_das_mm_export_says_what_it_does_not_write(trained, tmp_path, capsys):
    out = tmp_path / 'mar.onnx'
    assert das_mm.cli.main(['export', 'onnx', *map(str, trained), '--out', str(out)]) == 2
    said = capsys.readouterr().err
    assert 'models with the head of DAS' in said and 'das-mm project' in said and not out.exists()


def test_a_photograph_without_depth_beside_one_with(trained):
    """Half a batch without any depth: the step is finite and the depths learn from the other half alone."""
    config = Config.fromfile(trained[0])
    with DefaultScope.overwrite_default_scope('das_mm'):
        from das_mm.checkpoints.model_loader import build_model

        torch.manual_seed(0)
        model = build_model(config)
        dataset = DATASETS.build(config.train_dataloader.dataset)
    items = [dataset[index] for index in (0, 1)]
    alone = items[1]['data_samples']
    for field in ('root_depths_weights', 'relative_depths_weights'):
        getattr(alone.gt_instance_labels, field).zero_()
    alone.set_metainfo(dict(input_K=None, input_dist=None))
    data = model.data_preprocessor({key: [one[key] for one in items] for key in ('inputs', 'data_samples')}, True)
    for module in model.modules():  # batch statistics would mix the two images
        module.training = False
    losses = model.loss(data['inputs'], data['data_samples'])
    single = model.loss(data['inputs'][:1], data['data_samples'][:1])
    for name in ('loss_regression', 'loss_relative_depth', 'loss_geometry'):
        torch.testing.assert_close(losses[name], single[name])
    assert all(torch.isfinite(value) for value in losses.values())
