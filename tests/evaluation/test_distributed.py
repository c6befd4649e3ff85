"""Two processes (gloo) must give the numbers of one, also when the last batch is padded."""

import multiprocessing
import os
import socket
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta

import pytest
from torch import distributed

from das_mm.evaluation import H36MMetric, MPIINF3DHPMetric, MultiPerson3DMetric, MuPoTSMetric, PanopticMetric

from . import protocol_scenes
from .scenes import AB, META, make_sample

NUM_IMAGES = 5  # odd: rank 1 of 2 repeats an image to fill up


def evaluate(indices):
    # every image has its own error, every second one but one person
    samples = [make_sample(pred=AB[: 1 + i % 2] + [0.0, 0, 10.0 * i], img_id=i + 1) for i in range(NUM_IMAGES)]
    table = {}
    for metric in (MultiPerson3DMetric(), PanopticMetric()):
        metric.dataset_meta = META
        metric.process(None, [samples[i] for i in indices])
        table |= metric.evaluate(NUM_IMAGES)
    people = protocol_scenes.AB
    samples = [
        protocol_scenes.make_sample(pred=people[: 1 + i % 2] + [0.0, 0, 10.0 * i], seq=f'TS{i % 2 + 1}', img_id=i + 1)
        for i in range(NUM_IMAGES)
    ]
    for metric in (MuPoTSMetric(), MPIINF3DHPMetric(), H36MMetric(protocols=['all'])):
        metric.dataset_meta = protocol_scenes.meta()
        metric.process(None, [samples[i] for i in indices])
        table |= metric.evaluate(NUM_IMAGES)
    return table


def work(rank, port, folder):
    os.chdir(folder)  # mmengine gathers through a folder made in the working directory
    distributed.init_process_group(
        'gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=2, timeout=timedelta(seconds=90)
    )
    return evaluate([(rank + 2 * i) % NUM_IMAGES for i in range(3)])  # as mmengine's sampler: 0 2 4 and 1 3 0


def test_two_processes_give_the_numbers_of_one(tmp_path):
    """Bit by bit: what is gathered comes in the order of the images, so one processor adds it up in the same order."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['das_mm.evaluation'])  # the slow imports once instead of twice
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        tables = [run.result() for run in [pool.submit(work, rank, port, tmp_path) for rank in range(2)]]
    expected = evaluate(range(NUM_IMAGES))
    assert expected['pose3d/num_images'] == NUM_IMAGES and expected['pose3d/recall'] == pytest.approx(70)
    assert expected['panoptic/one_to_one/recall'] == pytest.approx(70) == expected['mupots/num_matched'] * 10
    for table in tables:
        assert table == pytest.approx(expected, nan_ok=True, rel=0, abs=0)
