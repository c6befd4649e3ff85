"""MPI-INF-3DHP by the official protocol and by that of SPIN."""

from __future__ import annotations

import numpy as np
from mmengine.logging import print_log

from das_mm.registry import METRICS

from ..functional.mupots import PCK_JOINTS
from ..functional.pck import pck_per_joint
from ..functional.sequences import MPI_INF_3DHP_ACTIVITIES, group_rows, ts_sequence
from ..functional.single_person import SinglePersonPoses, error_table, pck_and_auc
from .single_person_metric import SinglePersonMetric
from .tables import format_table


@METRICS.register_module()
class MPIINF3DHPMetric(SinglePersonMetric):
    """MPI-INF-3DHP: PCK, AUC and MPJPE over all frames, by sequence and by activity.

    =================================  ================================================================================
    ``pck``, ``auc``                   official (Mehta et al. 2017): aligned by the pelvis and no further, 14 joints (no
                                       pelvis, spine, head), below 150 mm; AUC at 0, 5, …, 150 mm (perfect: 96.77)
    ``mpjpe_mm``, ``pa_mpjpe_mm`` …    17 joints, the pelvis' zero included; names of
                                       :func:`das_mm.evaluation.functional.error_table`
    ``spin/pck``, ``spin/auc`` …       SPIN (Kolotouros, thesis Table 10): 17 joints, frames with a joint out of the
                                       image are left out; ``spin/pck_pa``, ``spin/auc_pa``, ``spin/pa_mpjpe_mm`` after
                                       a similarity transform of each pose
    ``TS<n>/pck``, ``…/auc``,          each sequence, and each activity where the samples carry ``activity`` (1 to 7) in
    ``…/mpjpe_mm``                     their meta information
    =================================  ================================================================================

    PCK and AUC in percent. Names come after ``nearest_in_image/`` and ``annot3/`` where those are chosen.

    Args:
        truth: ``'univ_annot3'`` (height-normalised; the official one) or ``'annot3'`` (metric).
        choice: Which prediction is meant, see :class:`SinglePersonMetric`.
        pck_threshold_mm: Threshold of PCK.
        score_thr, collect_device, prefix, collect_dir: See :class:`ProtocolMetric`.

    Raises:
        UserError: Unknown truth or choice; samples without the chosen truth or another needed field.
    """

    default_prefix = 'mpi_inf_3dhp'

    def __init__(
        self,
        truth: str = 'univ_annot3',
        choice: str = 'highest_score',
        pck_threshold_mm: float = 150.0,
        score_thr: float = 0.0,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ):
        super().__init__('mupots17', truth, choice, score_thr, collect_device, prefix, collect_dir)
        self.pck_threshold_mm = pck_threshold_mm

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Numbers over all frames; the log gets them by sequence, activity and joint."""
        self._warn(results)
        poses = self._poses(results)
        everything = np.arange(self.keypoint_set.num_keypoints)
        table = {**self._official(poses), **error_table(poses, everything)}
        in_image = np.concatenate([np.zeros(0, bool), *(result['in_image'] for result in results)])
        table.update({f'spin/{name}': value for name, value in self._spin(poses[in_image], everything).items()})
        rows = {}
        for name, people in self._groups(results).items():
            rows[name] = {
                **self._official(poses[people]),
                'mpjpe_mm': error_table(poses[people], everything)['mpjpe_mm'],
            }
            table.update({f'{name}/{column}': value for column, value in rows[name].items()})
        self._log(table, rows, poses)
        prefix = '' if self.truth == 'univ_annot3' else f'{self.truth}/'
        return self._named({f'{prefix}{name}': value for name, value in table.items()})

    def _official(self, poses: SinglePersonPoses) -> dict[str, float]:
        return dict(zip(('pck', 'auc'), pck_and_auc(poses, PCK_JOINTS, threshold_mm=self.pck_threshold_mm)))

    def _spin(self, poses: SinglePersonPoses, joints: np.ndarray) -> dict[str, float]:
        errors = error_table(poses, joints)
        table = {name: errors[name] for name in ('mpjpe_mm', 'pa_mpjpe_mm', 'num_people')}
        for suffix, alignment in (('', 'root'), ('_pa', 'procrustes')):
            table[f'pck{suffix}'], table[f'auc{suffix}'] = pck_and_auc(poses, joints, alignment, self.pck_threshold_mm)
        return table

    def _groups(self, results: list[dict]) -> dict[str, np.ndarray]:
        """Rows of the people of each sequence, then of each activity that is given."""
        groups = group_rows([ts_sequence(name) for name in self._per_person(results, 'name')])
        groups = {name: rows for name, rows in groups.items() if name.startswith('TS')}
        activities = np.array(self._per_person(results, 'activity'), dtype=np.int64)
        for label, name in enumerate(MPI_INF_3DHP_ACTIVITIES, start=1):
            if (activities == label).any():
                groups[name] = np.flatnonzero(activities == label)
        return groups

    def _log(self, table: dict, rows: dict[str, dict], poses: SinglePersonPoses) -> None:
        columns = ('pck', 'auc', 'mpjpe_mm')
        lines = {name: [row[column] for column in columns] for name, row in {**rows, 'all': table}.items()}
        print_log(format_table('sequence', columns, lines), logger='current')
        share = pck_per_joint(poses.errors('root', PCK_JOINTS), poses.valid[:, PCK_JOINTS], self.pck_threshold_mm)
        joints = {self.keypoint_set.keypoints[joint]: [share[joint]] for joint in PCK_JOINTS}
        print_log(format_table('keypoint', ('pck',), joints), logger='current')
        print_log(
            f'predictions chosen by {self.choice}; found {int(poses.found.sum())} of {len(poses)} people',
            logger='current',
        )
