"""Human3.6M: protocols 1 and 2 of the pose papers, and those of the mesh papers, which are others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from mmengine.logging import print_log

from das_mm.registry import METRICS
from das_mm.structures.keypoint_conversion import convert_indices

from ..functional.errors import mean_over_joints
from ..functional.sequences import H36M_ACTIONS, H36MCapture, group_rows, h36m_capture
from ..functional.single_person import SinglePersonPoses, error_table
from .choices import check_choice
from .single_person_metric import SinglePersonMetric
from .tables import format_table


@dataclass(frozen=True)
class _Protocol:
    """Which images a protocol takes (no subjects: all) and in which joints it measures."""

    subjects: tuple[int, ...] = ()
    camera: str = ''
    keypoint_set: str = 'h36m17'

    def takes(self, capture: H36MCapture) -> bool:
        return (not self.subjects or capture.subject in self.subjects) and self.camera in ('', capture.camera)


PROTOCOLS = dict(
    pose_p1=_Protocol(subjects=(11,)),
    pose_p2=_Protocol(subjects=(9, 11)),
    mesh_p1=_Protocol(subjects=(9, 11), keypoint_set='lsp14'),
    mesh_p2=_Protocol(subjects=(9, 11), camera='60457274', keypoint_set='lsp14'),
    all=_Protocol(),
)


@METRICS.register_module()
class H36MMetric(SinglePersonMetric):
    """Human3.6M: MPJPE, PA-MPJPE, MRPE by protocol and by action.

    "Protocol 1" and "2" mean different things in different papers, so every number carries the full name:

    ===========  ========  ========  =========  =======================================================================
    name         subjects  cameras   joints     the papers' number
    ===========  ========  ========  =========  =======================================================================
    ``pose_p1``  11        all       17         ``rigid_mpjpe_mm`` (Moon: rotation and translation), ``pa_mpjpe_mm``
                                                (RLE: similarity); train 1, 5, 6, 7, 8, 9
    ``pose_p2``  9, 11     all       17         ``mpjpe_mm`` (Moon, RLE), ``mrpe_x_mm`` … (MAR Table 2);
                                                train 1, 5, 6, 7, 8
    ``mesh_p1``  9, 11     all       14 of LSP  ``mpjpe_mm``, ``pa_mpjpe_mm`` (HMR, GraphCMR, SPIN)
    ``mesh_p2``  9, 11     60457274  14 of LSP  ``pa_mpjpe_mm`` (the same, ProHMR, CRMH)
    ``all``      all       all       17         every image given
    ===========  ========  ========  =========  =======================================================================

    Which frames are evaluated (every 64th; every 5th for meshes) is the annotation file's affair. Poses are aligned by
    the pelvis; means are over people, ``mpjpe_action_mean_mm`` and ``pa_mpjpe_action_mean_mm`` over actions. Names:
    ``<protocol>/<name of`` :func:`das_mm.evaluation.functional.error_table` ``>`` and ``<protocol>/<action>/mpjpe_mm``
    and ``pa_mpjpe_mm``, after ``nearest_in_image/`` where that is chosen. Subject, action and camera are read from the
    name of the sequence, the view or the file. A protocol that takes none of the images is NaN throughout.

    Args:
        protocols: Names of the first column.
        choice: Which prediction is meant, see :class:`SinglePersonMetric`.
        score_thr, collect_device, prefix, collect_dir: See :class:`ProtocolMetric`.

    Raises:
        UserError: Unknown protocol or choice; samples that lack a field.
    """

    default_prefix = 'h36m'

    def __init__(
        self,
        protocols: Sequence[str] = ('pose_p1', 'pose_p2'),
        choice: str = 'highest_score',
        score_thr: float = 0.0,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ):
        super().__init__('h36m17', 'annot3', choice, score_thr, collect_device, prefix, collect_dir)
        for protocol in protocols:
            check_choice(protocol, PROTOCOLS, 'protocols')
        self.protocols = tuple(protocols)

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Numbers of each protocol; the log gets them by action, and by joint over all images given."""
        self._warn(results)
        poses = self._poses(results)
        captures = [h36m_capture(name) for name in self._per_person(results, 'name')]
        table = {}
        for name in self.protocols:
            protocol = PROTOCOLS[name]
            rows = np.array([row for row, capture in enumerate(captures) if protocol.takes(capture)], dtype=np.int64)
            joints = convert_indices(self.keypoint_set, protocol.keypoint_set)
            numbers = self._protocol_table(name, poses[rows], [captures[row].action for row in rows], joints)
            table.update({f'{name}/{key}': value for key, value in numbers.items()})
        self._log_joints(poses)
        return self._named(table)

    def _protocol_table(
        self, name: str, poses: SinglePersonPoses, actions: list[str], joints: np.ndarray
    ) -> dict[str, float]:
        table = error_table(poses, joints)
        groups = group_rows(actions)
        by_action = {action: error_table(poses[groups[action]], joints) for action in H36M_ACTIONS if action in groups}
        for column in ('mpjpe_mm', 'pa_mpjpe_mm'):
            means = [row[column] for row in by_action.values()]
            table[f'{column.removesuffix("_mm")}_action_mean_mm'] = float(np.mean(means)) if means else float('nan')
        columns = ('mpjpe_mm', 'pa_mpjpe_mm', 'rigid_mpjpe_mm', 'mrpe_mm', 'recall')
        lines = {row: [values[column] for column in columns] for row, values in {**by_action, 'all': table}.items()}
        print_log(format_table(f'h36m {name}', columns, lines), logger='current')
        table.update(
            {
                f'{action}/{column}': row[column]
                for action, row in by_action.items()
                for column in ('mpjpe_mm', 'pa_mpjpe_mm')
            }
        )
        return table

    def _log_joints(self, poses: SinglePersonPoses) -> None:
        joints = np.arange(self.keypoint_set.num_keypoints)
        errors = mean_over_joints(poses.errors('root', joints)[poses.found].T, poses.valid[poses.found].T)
        lines = {self.keypoint_set.keypoints[joint]: [errors[joint]] for joint in joints}
        print_log(format_table('keypoint', ('mpjpe_mm',), lines), logger='current')
        print_log(
            f'predictions chosen by {self.choice}; found {int(poses.found.sum())} of {len(poses)} people',
            logger='current',
        )
