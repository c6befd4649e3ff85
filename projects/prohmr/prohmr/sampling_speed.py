"""What samples cost before a body is posed: ``das-mm project prohmr.sampling_speed CONFIG``.

The network with the mode alone against the network with the mode and N samples of each person, from crops to the six
numbers of the rotations; medians of repeated runs that take turns. On a CPU it is the processor's time that counts, so
that other programs do not.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
import torch

from das_mm.checkpoints.model_loader import build_model
from das_mm.config_files import config_path
from das_mm.engine.config_reader import read_config

HELP = 'measure what samples cost beside the mode'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='a config of ProHMR; its weights do not matter')
    parser.add_argument('--samples', type=int, default=25, metavar='N')
    parser.add_argument('--people', type=int, default=4, help='crops in a batch')
    parser.add_argument('--crop-px', type=int, default=224)
    parser.add_argument('--runs', type=int, default=9)
    parser.add_argument('--device', default='cpu')


@torch.no_grad()
def run(args: argparse.Namespace) -> int:
    """Prints one line of json: seconds a batch with the ``mode`` and with ``samples``, and their ``ratio``."""
    model = build_model(read_config(config_path(args.config))).eval().to(args.device)
    crops = torch.randn(args.people, 3, args.crop_px, args.crop_px, device=args.device)

    def with_mode() -> None:
        model.mode(crops)

    def with_samples() -> None:
        context = model.extract_context(crops)
        noise = torch.randn(args.people, args.samples + 1, model.head.flow.features, device=args.device)
        noise[:, 0] = 0
        model.head(context, z=noise)

    clock = time.perf_counter if crops.is_cuda else time.process_time
    taken: dict[str, list[float]] = dict(mode=[], samples=[])
    for turn in range(args.runs + 1):
        for name, call in (('mode', with_mode), ('samples', with_samples)):
            start = clock()
            call()
            if crops.is_cuda:
                torch.cuda.synchronize()
            if turn:  # the first warms up
                taken[name].append(clock() - start)
    mode, samples = (float(np.median(taken[name])) for name in ('mode', 'samples'))
    told = dict(people=args.people, samples=args.samples, mode_s=mode, samples_s=samples, ratio=samples / mode)
    print(json.dumps(told), flush=True)
    return 0
