"""Samples of bodies as fields of people in the original image. Letters: S samples of a person, K = 44 keypoints."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from mmpose.utils.typing import SampleList
from torch import Tensor

from das_mm.structures.cameras import project
from das_mm.structures.task_fields import TaskDescription, TaskField

from .person_targets import NUM_KEYPOINTS
from .smpl_flow_head import BodySamples, SMPLFlowHead

#: bodies that are posed at once
_CHUNK = 2048
_SEED = 0


class Sampler(Protocol):
    """What draws bodies."""

    head: SMPLFlowHead

    def keypoints(self, bodies: BodySamples) -> Tensor: ...


def describe_samples(num_samples: int) -> TaskDescription:
    """``sample_keypoints_px`` (S, 44, 2), ``sample_keypoints_cam_mm`` (S, 44, 3) in the camera frame, and
    ``sample_log_probs`` (S,)."""
    fields = (
        TaskField('sample_keypoints_px', (num_samples, NUM_KEYPOINTS, 2), digits=2, in_tracks=False),
        TaskField('sample_keypoints_cam_mm', (num_samples, NUM_KEYPOINTS, 3), digits=1, in_tracks=False),
        TaskField('sample_log_probs', (num_samples,), digits=3, in_tracks=False),
    )
    return TaskDescription('samples', fields)


def add_samples(sampler: Sampler, found: SampleList, context: Tensor, num_samples: int) -> SampleList:
    """Adds S samples of each person to what :func:`das_mm.models.pose_estimators.crop_bodies.add_people` has found.

    Args:
        sampler: Draws and poses.
        found: B samples with ``pred_instances`` and the ``camera`` used.
        context: (B, C).
        num_samples: S. Everybody gets the same draws of the latent space, whoever is in the batch.
    """
    for row, sample in enumerate(found):
        people = sample.pred_instances
        if not len(people):  # nobody; the fields stand there all the same
            people.sample_keypoints_px = np.zeros((0, num_samples, NUM_KEYPOINTS, 2), np.float32)
            people.sample_keypoints_cam_mm = np.zeros((0, num_samples, NUM_KEYPOINTS, 3), np.float32)
            people.sample_log_probs = np.zeros((0, num_samples), np.float32)
            continue
        generator = torch.Generator(context.device).manual_seed(_SEED)
        points, log_probs = [], []
        for start in range(0, num_samples, _CHUNK):
            drawn = sampler.head(context[row : row + 1], min(_CHUNK, num_samples - start), generator=generator)
            points.append(1000 * sampler.keypoints(drawn)[0])
            log_probs.append(drawn.log_prob[0])
        places = torch.cat(points).cpu().numpy().astype(np.float64) + people.smpl_transl_mm[0]
        camera = sample.metainfo['camera']
        people.sample_keypoints_cam_mm = places[None].astype(np.float32)
        seen = project(places.reshape(-1, 3), np.asarray(camera['K'], np.float64), camera.get('dist'))
        people.sample_keypoints_px = seen.reshape(1, num_samples, NUM_KEYPOINTS, 2).astype(np.float32)
        people.sample_log_probs = torch.cat(log_probs).cpu().numpy()[None]
    return found
