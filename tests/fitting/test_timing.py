"""What fits take of one processor, and what memory they hold; `pytest -m timing`."""

from __future__ import annotations

import resource
import time

import pytest
import torch

from das_mm.bodies.pose_mixture import load_pose_mixture
from das_mm.fitting import AdamSchedule, PeopleFitter, SMPLify

from .conftest import body_points
from .test_people_fitter import CAMERA, PANOPTIC, observe

pytestmark = pytest.mark.timing


def repeated(tensor: torch.Tensor, num: int) -> torch.Tensor:
    return tensor[torch.arange(num) % len(tensor)]


def test_sixty_four_people_within_twenty_seconds(scene):
    arguments = [repeated(tensor, 64) for tensor in (scene.start(15), scene.betas, scene.translation, scene.keypoints)]
    peaks = []
    for steps in (50, 200):
        fitter = SMPLify(scene.fitter.points, prior=scene.fitter.prior, schedule=AdamSchedule(steps, steps))
        start = time.process_time()
        assert fitter.fit(*arguments, scene.camera).valid.all()
        if steps == 50:
            assert time.process_time() - start < 20
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    assert peaks[1] < peaks[0] + 20, f'peak memory grows with the steps: {peaks} MB'


def test_twenty_people_of_das_within_five_seconds(scene, generated_body):
    layer = generated_body.keypoint_layer(PANOPTIC.keypoints)
    fitter = PeopleFitter(layer, PANOPTIC.root_sources, scene.fitter.prior, load_pose_mixture())
    points = body_points(fitter, repeated(scene.start(20), 20), repeated(scene.betas, 20))
    observed = observe(points + torch.tensor([0.2, 0.1, 4.5]))
    start = time.process_time()
    assert fitter.fit(observed, CAMERA).valid.all()
    assert time.process_time() - start < 5
