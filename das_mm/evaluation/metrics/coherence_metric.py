"""Whether people can be where they are said to be: nobody inside another, and the right one in front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from das_mm.registry import METRICS
from das_mm.structures.arrays import to_numpy
from das_mm.structures.tensor_rotations import axis_angle_to_matrix

from ..body_collisions import overlap_volumes
from ..functional.alignment import Root
from ..functional.matching import build_matcher
from ..functional.mupots import ordinal_depth
from ..functional.pairing import pair_people
from ..functional.summary import ratio
from ..readers.mesh_reader import read_scored_bodies
from ..readers.sample_reader import as_dict, keypoint_indices, read_ground_truth, read_predictions, resolve_root
from .metric_bodies import build_bodies


@METRICS.register_module()
class CoherenceMetric(BaseMetric):
    """Collisions of predicted bodies by their true overlap, and the order in depth of all pairs of people found.

    Reads the fields that :class:`.MeshMetric` reads of ``pred_instances``, and tells who is who by its rules.

    * ``collisions``: pairs of predicted people whose bodies share more than ``least_litres``; ``colliding_images``:
      images with such a pair; ``overlap_litres``: what all pairs share, summed; ``num_pairs``: all pairs.
    * ``depth_order``: of the pairs of true people who were found and whose depths are known, the share in percent whose
      predicted bodies stand in the right order: the sign of the difference of the depths of their pelvises against that
      of the true roots; ``num_ordered_pairs``, how many there are.

    A prediction with a number that is not finite takes part in nothing.

    Args:
        body_model: The body of predictions; None: ``dict(type='SMPLBody')``, the generated body.
        least_litres: Pairs that share less touch and do not collide. 0: the paper's "positive volume".
        resolution: Points along each side of the box that two people share.
        matching, score_thr, root: As in :class:`.MeshMetric`.
        collect_device, prefix: As in mmengine's ``BaseMetric``.
    """

    default_prefix = 'coherence'

    def __init__(
        self,
        body_model: Mapping | None = None,
        least_litres: float = 0.0,
        resolution: int = 64,
        matching: str | dict = 'one_to_one',
        score_thr: float = 0.0,
        root: Root | str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ):
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.matcher = build_matcher(matching)
        self.body, _ = build_bodies(body_model)
        self.least_litres, self.resolution = least_litres, resolution
        self.score_thr, self.root = score_thr, root

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Counts of each image."""
        keypoints = keypoint_indices(self.dataset_meta)
        root = resolve_root(self.root, keypoints)
        for sample in map(as_dict, data_samples):
            self.results.append(self._judge(sample, root, len(keypoints) or None))

    @torch.no_grad()
    def _judge(self, sample: Mapping, root: tuple[int, ...], num_keypoints: int | None) -> dict[str, float]:
        ground_truth = read_ground_truth(sample, root, 'valid', num_keypoints)
        known = ground_truth.keypoints_px.shape[1] or num_keypoints
        predictions = read_predictions(sample, self.score_thr, False, known)
        bodies = read_scored_bodies(sample, self.score_thr)
        usable = predictions.data['usable'] & bodies.finite
        rotations = [torch.from_numpy(part).float() for part in (bodies.global_orient, bodies.body_pose)]
        vertices, joints = self.body(*map(axis_angle_to_matrix, rotations), torch.from_numpy(bodies.betas).float())
        place = torch.from_numpy(bodies.transl_mm).float()[:, None] / 1000
        litres = 1000 * overlap_volumes((vertices + place)[usable], self.body.faces, self.resolution)
        pairs = np.triu_indices(len(litres), 1)
        depth_mm = 1000 * (joints[:, 0, 2] + place[:, 0, 2]).numpy()
        partner = pair_people(self.matcher, ground_truth, predictions, usable, root)
        rows = partner.evaluated[partner.found]
        true_mm = to_numpy(as_dict(sample['gt_instances'])['root_depths_mm'], np.float64)[rows]
        labelled = np.isfinite(true_mm)
        right, ordered = ordinal_depth(true_mm[labelled], depth_mm[partner.partner[partner.found]][labelled], 0.0)
        colliding = litres[pairs] > self.least_litres
        return dict(
            collisions=int(colliding.sum()),
            colliding_images=int(colliding.any()),
            overlap_litres=float(litres[pairs].sum()),
            num_pairs=len(colliding),
            right=right,
            num_ordered_pairs=ordered,
        )

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Sums over all images, and the share of pairs in the right order."""
        names = ('collisions', 'colliding_images', 'overlap_litres', 'num_pairs', 'right', 'num_ordered_pairs')
        table = {name: float(sum(result[name] for result in results)) for name in names}
        table['depth_order'] = ratio(table.pop('right'), table['num_ordered_pairs'])
        print_log(
            f'{table["collisions"]:.0f} of {table["num_pairs"]:.0f} pairs collide ({table["overlap_litres"]:.1f} l in '
            f'all); {table["depth_order"]:.1f} % of {table["num_ordered_pairs"]:.0f} pairs stand in the right order',
            logger='current',
        )
        return table
