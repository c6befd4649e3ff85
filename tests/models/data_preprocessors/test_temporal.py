"""What a tracking network is given."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmpose.structures import PoseDataSample

from das_mm.models.data_preprocessors import TemporalDataPreprocessor


@pytest.fixture
def preprocessor():
    return TemporalDataPreprocessor(mean=[1.0, 2.0, 3.0], std=[2.0, 2.0, 2.0], bgr_to_rgb=True, pad_size_divisor=32)


def sample(**metainfo):
    return PoseDataSample(metainfo=dict(img_shape=(40, 50), **metainfo))


def test_two_images_and_a_map(preprocessor):
    image = torch.arange(6, dtype=torch.uint8)[:, None, None].expand(6, 40, 50)  # BGR 0 1 2 and 3 4 5
    people = dict(
        previous_centers_px=np.array([[10.2, 20.0], [30.0, 5.0], [-9.0, 3.0]]),
        previous_sizes_px=np.array([[20.0, 30.0], [8.0, 8.0], [20.0, 20.0]]),
    )
    done = preprocessor(dict(inputs=[image], data_samples=[sample(**people)]))
    x = done['inputs']
    assert x.shape == (1, 7, 64, 64) and len(done['data_samples']) == 1
    assert x[0, :6, 5, 5].tolist() == [(2 - 1) / 2, (1 - 2) / 2, (0 - 3) / 2, (5 - 1) / 2, (4 - 2) / 2, (3 - 3) / 2]
    centers = x[0, 6]
    assert centers[20, 10] == 1 and centers[5, 30] == 1 and centers.max() == 1
    assert 0 < centers[20, 11] < 1 and centers[35, 45] == 0
    assert done['data_samples'][0].metainfo['batch_input_shape'] == (64, 64)


def test_without_a_previous_frame_the_image_stands_in_and_nobody_was_there(preprocessor):
    image = torch.full((3, 40, 50), 7, dtype=torch.uint8)
    x = preprocessor(dict(inputs=[image, image], data_samples=[sample(), sample()]))['inputs']
    assert x.shape == (2, 7, 64, 64)
    assert torch.equal(x[:, :3], x[:, 3:6]) and x[:, 6].abs().sum() == 0
