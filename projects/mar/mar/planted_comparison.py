"""What the choices of inference do, without a network: ``das-mm project mar.planted_comparison``.

Maps of unseen synthetic scenes are drawn from their ground truth with errors of a known size: a keypoint that is hidden
or out of the image has no heat map, offsets are worse than heat maps, and both depths err, independently, as their σ
say (the geometric one by the people's own torsos beside the constant Ω). The rows differ in ``test_cfg`` alone.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmengine.structures import InstanceData

from das_mm.command import run_script
from das_mm.registry import DATASETS, METRICS
from das_mm.structures import focal_px
from das_mm.structures.image_frame import poses_in_image

from .keypoint_maps import keypoint_heatmaps, limb_fields, to_cells
from .limb_skeleton import LimbSkeleton, limb_skeleton
from .mar_decoder import MARDecoder
from .root_depths import InputCamera

HELP = 'what the choices of inference do to people with planted errors, without a network'

ROWS = {
    'full': {},
    'without offset': dict(pose_source='heatmap'),
    'without heat map': dict(pose_source='offset'),
    'mean of the depths': dict(depth_source='mean'),
    'regression only': dict(depth_source='regression'),
    'geometry only': dict(depth_source='geometry'),
}
COLUMNS = ('pck_rel', 'pck_abs', 'pck_root', 'mpjpe_mm', 'mrpe_z_mm')
_SET, _SIZE, _STRIDE, _SCALE, _TORSO_MM = 'panoptic15', (448, 256), 4, 0.2, 523.0


@dataclass(frozen=True)
class PlantedErrors:
    """Standard deviations.

    Attributes:
        heatmap_px, offset_px: Of places.
        relative_mm: Of relative depths.
        depth_share: Of the regressed depth, over the depth; drawn by person between a half and twice of it.
        torso_share: What the network believes of the geometric depth's error, over the depth.
    """

    heatmap_px: float = 1.5
    offset_px: float = 6.0
    relative_mm: float = 60.0
    depth_share: float = 0.1
    torso_share: float = 0.12


def planted_maps(
    sample: Any, skeleton: LimbSkeleton, errors: PlantedErrors, random: np.random.Generator
) -> dict[str, np.ndarray]:
    """``heatmaps``, ``fields``, ``offsets`` and ``depth`` of a sample's true people."""
    truth, shape = sample.gt_instances, (_SIZE[1] // _STRIDE, _SIZE[0] // _STRIDE)
    places, number = np.asarray(truth.keypoints, np.float64), len(truth)
    inside = ((places >= 0) & (places < _SIZE)).all(-1)
    seen = inside & (np.asarray(truth.keypoints_flags) > 0) & (np.asarray(truth.occluded) == 0)
    seen[:, skeleton.root] = inside[:, skeleton.root]  # a person begins there
    noisy = places + random.normal(0, errors.heatmap_px, places.shape)
    image = torch.zeros(number, dtype=torch.long)
    given = (to_cells(torch.from_numpy(noisy).float(), _STRIDE), torch.from_numpy(seen), image, 1, shape)
    heatmaps = keypoint_heatmaps(*given, 2.0)[0].numpy()
    fields = limb_fields(*given, skeleton.limbs, 1.0)[0].flatten(0, 1).numpy()
    offsets = np.zeros((len(skeleton.others), 3, *shape), np.float32)
    depth = np.zeros((3, *shape), np.float32)
    root_mm = np.asarray(truth.root_depths_mm, np.float64)
    focal, others = focal_px(np.asarray(sample.metainfo['input_K'], np.float64)), list(skeleton.others)
    for person in np.argsort(-root_mm):
        step_px = places[person, others] - places[person, skeleton.root]
        step_mm = np.asarray(truth.keypoints_3d)[person, others, 2] - root_mm[person]
        step_px = step_px + random.normal(0, errors.offset_px, step_px.shape)
        step_mm = step_mm + random.normal(0, errors.relative_mm, step_mm.shape)
        sigma = errors.depth_share * 2 ** random.uniform(-1, 1) * root_mm[person]
        regressed = root_mm[person] + random.laplace(0, sigma / np.sqrt(2))
        x, y = np.rint(given[0][person, skeleton.root].numpy()).astype(int)
        here = (slice(max(y - 1, 0), max(y + 2, 0)), slice(max(x - 1, 0), max(x + 2, 0)))
        code = np.concatenate([step_px / _STRIDE, step_mm[:, None] / _TORSO_MM], 1)
        offsets[(slice(None), slice(None), *here)] = code[..., None, None]
        depth[(0, *here)] = regressed / focal * _SCALE
        depth[(1, *here)] = np.log(sigma / focal * _SCALE)
        depth[(2, *here)] = np.log(errors.torso_share * root_mm[person] / focal * _SCALE)
    return dict(heatmaps=heatmaps, fields=fields, offsets=offsets.reshape(-1, *shape), depth=depth)


def compare(num_images: int, seed: int, errors: PlantedErrors | None = None) -> dict[str, dict[str, float]]:
    """Numbers of every row, in percent and mm."""
    dataset = DATASETS.build(
        dict(
            type='SyntheticPeople',
            num_images=num_images,
            image_size=_SIZE,
            people=(1, 3),
            subject_share=(0.55, 0.95),
            share_spread=0.2,
            clothes='suits',
            seed=1,
            split='val',
            keypoint_set=_SET,
            test_mode=True,
            pipeline=[dict(type='LoadImage'), dict(type='DASResize', input_size=_SIZE), dict(type='PackDASInputs')],
        )
    )
    skeleton, decoder = limb_skeleton(_SET), MARDecoder(_SET, _STRIDE, _SCALE, _TORSO_MM)
    metrics = {name: METRICS.build(dict(type='MultiPerson3DMetric', visibility='valid')) for name in ROWS}
    random = np.random.default_rng(seed)
    for index in range(len(dataset)):
        sample = dataset[index]['data_samples']
        maps = planted_maps(sample, skeleton, errors or PlantedErrors(), random)
        camera = InputCamera(np.asarray(sample.metainfo['input_K'], np.float64))
        for name, metric in metrics.items():
            found = decoder.decode(**maps, camera=camera, test_cfg=ROWS[name])
            given = dict(K=camera.K, dist=None)
            pose, _ = poses_in_image(found, given, sample.metainfo['warp_mat'], sample.metainfo['ori_shape'])
            sample.pred_instances = InstanceData(**pose)
            metric.dataset_meta = dataset.metainfo
            metric.process({}, [sample.to_dict()])
    tables = {name: metric.compute_metrics(metric.results) for name, metric in metrics.items()}
    return {name: {column: table[column] for column in COLUMNS} for name, table in tables.items()}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--num-images', type=int, default=48, metavar='N', help='default %(default)s')
    parser.add_argument('--seeds', type=int, default=3, metavar='N', help='draws of the errors; default %(default)s')


def run(args: argparse.Namespace) -> None:
    """Prints the table."""
    tables = [compare(args.num_images, seed) for seed in range(args.seeds)]
    print('| row | ' + ' | '.join(COLUMNS) + ' |')
    for name in ROWS:
        values = np.array([[table[name][column] for column in COLUMNS] for table in tables])
        cells = (f'{m:.1f} ({a:.1f} to {b:.1f})' for m, a, b in zip(values.mean(0), values.min(0), values.max(0)))
        print(f'| {name} | ' + ' | '.join(cells) + ' |')


if __name__ == '__main__':
    run_script(sys.modules[__name__])
