"""How long people take to be fitted in the latent space: ``das-mm project prohmr.latent_fitting_speed CONFIG``.

Bodies of the synthetic world are seen with noise of 5 px in an image of 1000; the flow is started from such bodies, and
its weights do not matter otherwise.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np
import torch

from das_mm.checkpoints.model_loader import build_model
from das_mm.config_files import config_path
from das_mm.datasets.synthetic.posed_people import CAMERA, posed_people
from das_mm.engine.config_reader import read_config
from das_mm.fitting import FittingCamera, LBFGSOptions
from das_mm.structures.tensor_rotations import axis_angle_to_matrix, matrix_to_rotation_6d

from .latent_bodies import LatentBodies
from .latent_fitting import LatentFitter

HELP = 'measure how long people take to be fitted to keypoints'

_NUM_START, _NOISE_PX, _IMAGE_PX = 200, 5.0, 1000.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='a config of ProHMR')
    parser.add_argument('--people', type=int, default=16, metavar='N')
    parser.add_argument('--steps', type=int, default=10, help='restarts of L-BFGS at most; default %(default)s')
    parser.add_argument('--device', default='cpu')


def run(args: argparse.Namespace) -> int:
    """Prints one line of json: ``seconds`` by the clock, ``cpu_seconds`` of all threads, ``evaluations`` of the batch,
    and the mean distance in px before and after."""
    torch.manual_seed(0)
    cfg = read_config(config_path(args.config))
    cfg.model.backbone.init_cfg = None  # no download
    model: Any = build_model(cfg)
    model.to(args.device)
    bodies = posed_people(np.random.default_rng(0), _NUM_START)
    pose = torch.tensor(bodies.axis_angle, dtype=torch.float32, device=args.device)
    rotations = axis_angle_to_matrix(pose)
    start = matrix_to_rotation_6d(rotations).flatten(1)
    context = torch.randn(_NUM_START, model.head.in_channels, device=args.device).abs()
    model.train().initialize_flow(start + 0.02 * torch.randn_like(start), context)
    latent = _Counted(model.eval().head, context[: args.people])
    camera = FittingCamera.full_frame(CAMERA).to(start)
    rows = slice(args.people)
    place = torch.tensor(bodies.place[rows]).to(start)
    betas = torch.tensor(bodies.betas[rows]).to(start)
    with torch.no_grad():
        seen = camera.project(model.keypoint_layer(rotations[rows, 0], rotations[rows, 1:], betas) + place[:, None])
    seen = seen + _NOISE_PX * torch.randn_like(seen)
    observed = torch.cat([seen, torch.ones_like(seen[..., :1])], dim=-1)
    fitter = LatentFitter(model.keypoint_layer, options=LBFGSOptions(outer_steps=args.steps, inner_steps=20))
    clock, cpu = time.perf_counter(), time.process_time()
    fit = fitter.fit(latent, torch.zeros_like(betas), place, observed, camera, torch.full((args.people,), _IMAGE_PX))
    told = dict(
        people=args.people,
        seconds=time.perf_counter() - clock,
        cpu_seconds=time.process_time() - cpu,
        threads=torch.get_num_threads(),
        evaluations=latent.evaluations,
        fitted=int(fit.valid.sum()),
    )
    with torch.no_grad():
        joints = model.keypoint_layer(fit.rotations[:, 0], fit.rotations[:, 1:], fit.betas) + fit.translation[:, None]
    told['distance_px'] = float((camera.project(joints) - observed[..., :2]).norm(dim=-1).mean())
    print(json.dumps(told), flush=True)
    return 0


class _Counted(LatentBodies):
    """Knows how often it was asked."""

    evaluations = 0

    def rotations(self, latents: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """See :class:`.LatentBodies`."""
        self.evaluations += 1
        return super().rotations(latents, rows)
