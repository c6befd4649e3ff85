"""How SMPL's parameters of people are called in predictions, results and tracks, whoever tells them."""

from __future__ import annotations

from das_mm.structures.task_fields import TaskField

from .skeleton import JOINT_NAMES

GROUP = 'smpl'  # the object of a person in results.json
_RAD_DIGITS = 6

#: ``pred_instances`` of a model of meshes, camera frame of the original image: axis times angle (rad), shape, where the
#: root lies before the translation, and the translation. Results tell the translation too, and compute it: it is the
#: root's place minus ``smpl_root_mm``
SMPL_FIELDS: tuple[TaskField, ...] = (
    TaskField('smpl_global_orient', (3,), GROUP, digits=_RAD_DIGITS, smoothed='rotation'),
    TaskField('smpl_body_pose', (len(JOINT_NAMES) - 1, 3), GROUP, digits=_RAD_DIGITS, smoothed='rotation'),
    TaskField('smpl_betas', (10,), GROUP, digits=_RAD_DIGITS, smoothed='shape'),
    TaskField('smpl_root_mm', (3,), GROUP, digits=_RAD_DIGITS, in_tracks=False),
    TaskField('smpl_transl_mm', (3,), GROUP, smoothed='root', in_results=False),
)
