"""The network by onnxruntime with grouping in numpy gives what torch gives; the pictures of the demo are drawn."""

import numpy as np
import pytest
import torch
from mmengine.config import Config

from das_mm.checkpoints.model_loader import build_model
from das_mm.errors import UserError
from projects.mar.mar.map_pictures import save_depth_plot, save_map_sheet
from projects.mar.mar.onnx_network import MARGraph, PixelsToMaps, export_network
from projects.mar.mar.root_depths import InputCamera
from projects.mar.tests.scenes import SIZE, crowd, perfect_maps
from projects.mar.tests.toy_mar import write_toy_mar

WIDTH, HEIGHT = 144, 100  # padded in the graph
CAMERA = InputCamera(np.array([[200.0, 0, 70], [0, 200, 50], [0, 0, 1]]))


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    torch.manual_seed(0)
    model = build_model(Config.fromfile(write_toy_mar(tmp_path_factory.mktemp('toy'))))
    model.eval()
    for module in model.modules():
        module.training = False
    return model


def test_onnx_gives_the_people_of_torch(model, tmp_path):
    graph = MARGraph(export_network(model, tmp_path / 'mar.onnx', (WIDTH, HEIGHT)), 'cpu')
    image = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    pixels = torch.from_numpy(image.transpose(2, 0, 1)[None].astype(np.float32))
    with torch.no_grad():
        maps = PixelsToMaps(model)(pixels)
    assert maps[0].shape == (1, 15, 16, 20)  # of 128 x 160
    ours = model.head.decoder.decode(*(one[0].numpy() for one in maps), CAMERA, model.test_cfg)
    theirs = graph(image, CAMERA)
    assert len(ours['scores']) == len(theirs['scores']) > 0
    for name in ('scores', 'roots_px', 'relative_depths_mm', 'depth_regression_norm'):
        np.testing.assert_allclose(np.sort(theirs[name], 0), np.sort(ours[name], 0), rtol=1e-3, atol=1e-3)
    with pytest.raises(UserError) as told:
        graph(image[:64], CAMERA)
    assert told.value.remedy


def test_pictures(tmp_path):
    maps = perfect_maps(crowd([(-0.6, 4.0), (0.8, 5.0)]))
    image = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    save_map_sheet(tmp_path / 'maps.png', [(image, maps['heatmaps'], maps['fields'])])
    true = np.array([3000.0, 4000, 5000])
    depths = dict(regression=true + 50, geometry=np.array([3100, np.nan, 4900.0]), told=true)
    save_depth_plot(tmp_path / 'depths.png', true, depths, dict(regression=np.full(3, 90.0)))
    assert (tmp_path / 'maps.png').stat().st_size > 5000 and (tmp_path / 'depths.png').stat().st_size > 5000
