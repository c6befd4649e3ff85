"""The demo of body meshes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from mmengine.runner import Runner

from das_mm.bodies.posable_body import surface_keypoints
from das_mm.evaluation import finite_or_none
from das_mm.evaluation.baselines.mean_body import mean_body_scores
from das_mm.registry import METRICS
from das_mm.visualization import draw_people
from das_mm.visualization.mesh_overlay import draw_meshes

from .base import SCALE, DemoTask, ground_truth_of, training_scenes, unseen_scenes
from .pictures import show_people


class MeshTask(DemoTask):
    """Body meshes beside the poses."""

    name = 'mesh'
    config = 'das-mesh_tiny_1xb8-12e_synthetic-448x256'
    reported = dict(
        pve_mm='mesh/pve_root_mm',
        mesh_mpjpe_mm='mesh/mpjpe_mm',
        mesh_pa_mpjpe_mm='mesh/pa_mpjpe_mm',
        pose_mpjpe_mm='pose3d/mpjpe_mm',
        recall='pose3d/recall',
        precision='pose3d/precision',
    )
    packages = dict(smplx='pip install das_mm[mesh]')

    def baselines(self, runner: Runner) -> dict[str, dict]:
        """The mean body of the training scenes at every true root, turned as people are on average, and as they truly
        are; there is no pose head in it."""
        train, val = training_scenes(runner), unseen_scenes(runner)
        found = {}
        for orientation in ('mean', 'true'):
            metric = METRICS.build(dict(type='MeshMetric', body_model=dict(type='SMPLBody')))
            metric.dataset_meta = val.metainfo
            scores = mean_body_scores(ground_truth_of(train), ground_truth_of(val), metric, orientation=orientation)
            known = {name: float(scores[key]) for name, key in self.reported.items() if key in scores}
            found[f'mean_body_{orientation}_orientation'] = finite_or_none(
                {**dict.fromkeys(self.reported, np.nan), **known}
            )
        return found

    def show(self, runner: Runner, out: Path, num_shown: int) -> None:
        model: Any = runner.model
        branch = model.head.branches['mesh']
        faces = branch.body.faces.cpu().numpy()
        kept, branch.with_vertices = branch.with_vertices, True

        def draw(image, truth, found, keypoint_set, camera):
            if found.vertices_cam_mm is None or not len(found):
                return draw_people(image, found, keypoint_set, scale=SCALE)
            return draw_meshes(
                image, found.vertices_cam_mm, faces, np.asarray(camera['K']), camera.get('dist'), scale=SCALE
            )

        def body_keypoints(found):
            if not len(found) or 'smpl_betas' not in found.data:
                return None
            told = found.data
            axis_angle = np.concatenate([told['smpl_global_orient'][:, None], told['smpl_body_pose']], axis=1)
            posed = branch.body.posed(axis_angle, told['smpl_betas'])
            points = surface_keypoints(branch.body, branch.keypoint_set.keypoints, *posed)
            return 1000 * points + told['smpl_transl_mm'][:, None]

        title = 'DAS demo: meshes of unseen scenes'
        show_people(runner, out, num_shown, title, draw, faces, body_keypoints=body_keypoints)
        branch.with_vertices = kept
