"""A predictor is asked for more poses of each person, if it has a distribution of them."""

from __future__ import annotations

import pytest

from das_mm.errors import UserError
from das_mm.inference.overlays import OverlayOptions, OverlayPainter
from das_mm.inference.pose_samples import draw_samples
from das_mm.inference.torch_predictor import TorchPredictor


class _Estimator:
    def __init__(self, **more):
        self.test_cfg = dict(num_samples=3)
        self.__dict__.update(more)

    @property
    def tasks(self):
        return dict(samples=self.test_cfg['num_samples'])


def _predictor(estimator) -> TorchPredictor:
    predictor = TorchPredictor.__new__(TorchPredictor)  # no config, no pipeline
    predictor.estimator = estimator
    return predictor


def test_who_has_a_distribution_is_asked():
    predictor = _predictor(_Estimator(num_test_samples=3))
    draw_samples(predictor, 25)
    assert predictor.tasks == dict(samples=25)
    draw_samples(predictor, 0)
    assert predictor.tasks == dict(samples=0)


def test_who_has_none_says_so():
    for predictor in (_predictor(_Estimator()), object()):
        draw_samples(predictor, 0)
        with pytest.raises(UserError, match=r'samples: (.|\n)*leave --samples out'):
            draw_samples(predictor, 25)
    with pytest.raises(UserError, match='give 0 or more'):
        draw_samples(object(), -1)


def test_what_was_drawn_is_in_the_overlay():
    import numpy as np

    from das_mm.inference.sources import Frame, Source

    keypoints = np.random.default_rng(0).uniform(20, 80, (44, 2))
    person = dict(
        score=1.0,
        bbox_px=[10, 10, 90, 90],
        keypoints_px=keypoints.tolist(),
        keypoint_scores=[1.0] * 44,
        keypoints_cam_mm=None,
        root_cam_mm=None,
        sample_keypoints_px=(keypoints + np.array([0, 10.0]))[None].tolist(),
    )
    result = dict(people=[person], keypoint_names=['x'] * 44)
    frame = Frame(np.zeros((100, 100, 3), np.uint8), Source('x', None), None, None)
    painter = OverlayPainter('prohmr44', OverlayOptions())
    drawn = painter.draw(frame, result)
    alone = painter.draw(frame, dict(result, people=[dict(person, sample_keypoints_px=None)]))
    assert (drawn != alone).any()
