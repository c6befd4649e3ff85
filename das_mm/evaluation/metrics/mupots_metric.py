"""MuPoTS-3D by the official protocol."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from mmengine.logging import print_log

from das_mm.registry import METRICS

from ..functional.mupots import PCK_JOINTS, MuPoTSErrors, image_errors, match_greedily, mupots_table, sequence_table
from ..functional.mupots_port import port_image_errors
from ..functional.pck import pck_per_joint
from ..functional.sequences import group_rows, ts_sequence
from .choices import check_choice
from .protocol_metric import ProtocolMetric
from .tables import format_table

VARIANTS = ('official', 'port')


@METRICS.register_module()
class MuPoTSMetric(ProtocolMetric):
    """MuPoTS-3D: PCK_rel, PCK_abs, PCK_root, AUC and PCOD, over all people and over those who were found.

    Official MATLAB semantics, :mod:`das_mm.evaluation.functional.mupots`: greedy pairs within 40 px, bones rescaled to
    the true lengths, 14 joints, 150 mm, mean over the 20 sequences. In the absolute numbers the root is the predicted
    one. Names: :func:`das_mm.evaluation.functional.mupots.mupots_table`, all in percent, and ``TS<n>/pck_rel`` and
    ``TS<n>/pck_abs`` of each sequence. They come plain for the official protocol; after ``annot3/`` and ``port/`` where
    those are chosen.

    Args:
        truth: ``'univ_annot3'`` (height-normalised; the official one, in absolute mode too) or ``'annot3'`` (metric).
        variant: ``'official'``, or ``'port'`` for the evaluation of the released DAS code
            (:mod:`das_mm.evaluation.functional.mupots_port`), which takes ``annot3`` and has no PCOD.
        pck_threshold_mm: Threshold of PCK; AUC always takes 0, 5, …, 150 mm.
        score_thr, collect_device, prefix, collect_dir: See :class:`ProtocolMetric`.

    Raises:
        UserError: Unknown truth or variant; samples without the chosen truth or another needed field.
    """

    default_prefix = 'mupots'

    def __init__(
        self,
        truth: str = 'univ_annot3',
        variant: str = 'official',
        pck_threshold_mm: float = 150.0,
        score_thr: float = 0.0,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ):
        check_choice(variant, VARIANTS, 'variant')
        truth = 'annot3' if variant == 'port' else truth
        super().__init__('mupots17', truth, score_thr, collect_device, prefix, collect_dir)
        self.variant = variant
        self.pck_threshold_mm = pck_threshold_mm

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Errors of the people of each image; images without true people say nothing (predictions there are free)."""
        for sample in data_samples:
            image = self._read(sample)
            people, found = image.ground_truth, image.predictions
            poses = (people.keypoints_cam_mm, people.keypoints_cam_valid, people.data['occluded'])
            if self.variant == 'port':
                errors = port_image_errors(*poses, found.keypoints_cam_mm)
            else:
                pairs = match_greedily(
                    people.keypoints_px, people.data['annotated_px'], found.keypoints_px, image.available
                )
                errors = image_errors(*poses, found.keypoints_cam_mm, pairs)
            self.results.append(
                dict(
                    sequence=ts_sequence(image.name),
                    errors=errors,
                    available=image.available,
                    num_not_finite=image.num_not_finite,
                )
            )

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """The benchmark's numbers; the log gets them by sequence and by joint."""
        self._warn(results)
        peopled = [result for result in results if len(result['errors'].matched)]
        sequences = {
            name: MuPoTSErrors.join([peopled[row]['errors'] for row in rows])
            for name, rows in group_rows([result['sequence'] for result in peopled]).items()
        }
        table = mupots_table(sequences, self.pck_threshold_mm)
        rows = {name: sequence_table(errors, self.pck_threshold_mm) for name, errors in sequences.items()}
        self._log(table, rows, sequences)
        for name, row in rows.items():
            table.update({f'{name}/pck_rel': row['pck_rel'], f'{name}/pck_abs': row['pck_abs']})
        prefix = 'port/' if self.variant == 'port' else '' if self.truth == 'univ_annot3' else f'{self.truth}/'
        return {f'{prefix}{name}': value for name, value in table.items()}

    def _log(self, table: dict, rows: dict[str, dict], sequences: dict[str, MuPoTSErrors]) -> None:
        if len(sequences) != 20:
            print_log(
                f'{len(sequences)} sequences instead of the 20 of the benchmark',
                logger='current',
                level=logging.WARNING,
            )
        columns = ('pck_rel', 'pck_rel_matched', 'pck_abs', 'pck_abs_matched', 'auc_rel', 'pcod')
        lines = {
            name: [*(row[column] for column in columns), len(sequences[name].matched), sequences[name].matched.sum()]
            for name, row in rows.items()
        }
        lines['mean'] = [table[column] for column in columns] + [table['num_gt'], table['num_matched']]
        print_log(format_table('sequence', (*columns, 'people', 'found'), lines), logger='current')
        everybody = MuPoTSErrors.join(list(sequences.values()))
        share = pck_per_joint(everybody.relative, everybody.valid, self.pck_threshold_mm)
        joints = {self.keypoint_set.keypoints[joint]: [share[joint]] for joint in PCK_JOINTS}
        print_log(format_table('keypoint', ('pck_rel',), joints), logger='current')
