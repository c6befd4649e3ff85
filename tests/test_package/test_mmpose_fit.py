"""Our models where users of mmpose put them: its inferencers, and what they give beside ours."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmengine.analysis import get_model_complexity_info
from mmpose.apis import MMPoseInferencer, inference_bottomup, init_model

from das_mm.checkpoints.config_text import parse_config_text
from das_mm.inference.image_io import read_image
from tests.pictures import write_picture


@pytest.fixture(scope='module')
def config(checkpoint, tmp_path_factory):
    """The config of the toy checkpoint as a file."""
    path = tmp_path_factory.mktemp('config') / 'toy.py'
    parse_config_text(torch.load(checkpoint, weights_only=True)['meta']['cfg'], checkpoint).dump(path)
    return str(path)


@pytest.fixture
def image(tmp_path):
    return str(write_picture(tmp_path / 'a.png', 160, 128))


def test_mmpose_inferencer(config, checkpoint, inferencer, image, tmp_path):
    (ours,) = next(inferencer(image))['predictions']
    theirs = MMPoseInferencer(pose2d=config, pose2d_weights=str(checkpoint), device='cpu')
    options = dict(kpt_thr=0.0, radius=2, thickness=1, draw_bbox=True, out_dir=str(tmp_path / 'out'))
    result = next(theirs(image, return_vis=True, **options))
    (people,) = result['predictions']
    assert len(people) == len(ours['people']) > 0
    for person, other in zip(people, ours['people']):
        np.testing.assert_allclose(person['keypoints'], other['keypoints_px'], atol=0.02)
        np.testing.assert_allclose(person['bbox_score'], other['score'], atol=1e-3)
    (picture,) = result['visualization']
    plain = read_image(image)[..., ::-1]
    thin = (picture != plain).any(-1).sum()
    (thick,) = next(theirs(image, return_vis=True, **{**options, 'radius': 9, 'thickness': 7}))['visualization']
    assert 0 < thin < (thick != plain).any(-1).sum()
    assert (tmp_path / 'out' / 'predictions' / 'a.json').is_file()
    assert (tmp_path / 'out' / 'visualizations' / 'a.png').is_file()


def test_inference_bottomup(config, checkpoint, inferencer, image):
    model = init_model(config, str(checkpoint), device='cpu')
    (ours,) = next(inferencer(image))['predictions']
    for given in (image, read_image(image)):
        (sample,) = inference_bottomup(model, given)
        found = sample.pred_instances
        assert len(found) == len(ours['people']) > 0
        expected = [person['keypoints_px'] for person in ours['people']]
        np.testing.assert_allclose(found.keypoints, expected, atol=0.02)


def test_complexity(config, checkpoint):
    """As mmpose's get_flops counts it, on the tensors of the network."""
    model = init_model(config, str(checkpoint), device='cpu')
    model.forward = model._forward
    counted = {size: get_model_complexity_info(model, (3, *size), show_table=False) for size in ((64, 96), (128, 96))}
    small, large = counted.values()
    assert small['params'] == large['params'] == sum(value.numel() for value in model.parameters())
    assert large['flops'] / small['flops'] == pytest.approx(2, rel=0.1) and small['flops'] > 1e6
