from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from mmengine.structures import InstanceData
from mmengine.visualization import Visualizer
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.engine.hooks import PoseVisualizationHook
from mmpose.structures import PoseDataSample

from das_mm.errors import UserError
from das_mm.registry import VISUALIZERS
from das_mm.structures.keypoint_sets import to_mmpose_metainfo
from das_mm.visualization import save_image
from das_mm.visualization.palette import bgr, person_color

from .figures import SET, photo, standing_people

HIP = 2


def sample(image_path: str = '') -> PoseDataSample:
    people, truth = standing_people((-500, 0, 2500)), standing_people((700, 0, 2500))
    data = PoseDataSample(metainfo=dict(img_path=image_path))
    data.pred_instances = InstanceData(
        keypoints=people.keypoints_px,
        keypoint_scores=np.ones((1, 15)),
        keypoints_3d=people.keypoints_cam_mm,
        scores=people.scores,
        root_depths_mm=people.root_depths_mm,
        bboxes=np.concatenate([people.keypoints_px.min(1), people.keypoints_px.max(1)], 1),
    )
    data.gt_instances = InstanceData(keypoints=truth.keypoints_px, keypoints_visible=np.ones((1, 15)))
    return data


def build(name: str, **kwargs):
    return VISUALIZERS.build(dict(type='DASVisualizer', name=name, **kwargs))


def at(image: np.ndarray, keypoints: np.ndarray) -> np.ndarray:
    x, y = keypoints[0, HIP].round().astype(int)
    return image[y, x]


def test_draws_prediction_and_truth_in_rgb():
    visualizer, data = build('rgb', keypoint_set=SET), sample()
    drawn = visualizer.add_datasample('image', photo()[..., ::-1], data)
    assert drawn.shape == photo().shape
    assert tuple(at(drawn, data.pred_instances.keypoints)) == person_color(0)
    assert (at(drawn, data.gt_instances.keypoints) > 240).all()
    without = visualizer.add_datasample('image', photo()[..., ::-1], data, draw_gt=False, draw_pred=False)
    assert (without == photo()[..., ::-1]).all()


def test_sizes_as_mmposes_inferencers_set_them():
    visualizer, data = build('sizes', keypoint_set=SET), sample()
    automatic = visualizer.add_datasample('x', photo(), data)
    visualizer.radius, visualizer.line_width = 12, 9
    thick = visualizer.add_datasample('x', photo(), data)
    assert (thick != photo()).any(-1).sum() > 1.5 * (automatic != photo()).any(-1).sum()


def test_low_keypoints_are_left_out_and_empty_samples_pass():
    visualizer, data = build('low', keypoint_set=SET), sample()
    data.pred_instances.keypoint_scores *= 0.1
    drawn = visualizer.add_datasample('image', photo()[..., ::-1], data, kpt_thr=0.3)
    assert tuple(at(drawn, data.pred_instances.keypoints)) != person_color(0)
    assert (visualizer.add_datasample('image', photo()[..., ::-1], PoseDataSample()) == photo()[..., ::-1]).all()


def test_writes_out_file(tmp_path):
    visualizer, data = build('file', keypoint_set=SET), sample()
    visualizer.add_datasample('image', photo()[..., ::-1], data, out_file=tmp_path / 'drawn.png')
    assert tuple(at(cv2.imread(str(tmp_path / 'drawn.png')), data.pred_instances.keypoints)) == bgr(person_color(0))
    (tmp_path / 'blocked').write_text('')
    with pytest.raises(UserError, match='blocked'):
        visualizer.add_datasample('image', photo()[..., ::-1], data, out_file=tmp_path / 'blocked' / 'drawn.png')


def test_mmpose_hook_drives_it(tmp_path):
    """The skeleton comes from the evaluator's dataset meta, the picture goes to the backend."""
    image_path = save_image(tmp_path / 'image.png', photo())
    visualizer = build('hook', vis_backends=[dict(type='LocalVisBackend')], save_dir=str(tmp_path / 'run'))
    meta = parse_pose_metainfo(to_mmpose_metainfo(SET))
    hook = PoseVisualizationHook(enable=True, interval=1)
    hook._visualizer = visualizer
    runner = SimpleNamespace(
        iter=3,
        work_dir=str(tmp_path),
        timestamp='now',
        val_evaluator=SimpleNamespace(dataset_meta=meta),
        test_evaluator=SimpleNamespace(dataset_meta=meta),
    )
    data = sample(str(image_path))
    hook.after_val_iter(runner, 0, dict(data_samples=[data]), [data])
    saved = list((tmp_path / 'run').rglob('val_img_3.png'))
    assert len(saved) == 1
    assert tuple(at(cv2.imread(str(saved[0])), data.pred_instances.keypoints)) == bgr(person_color(0))
    hook.out_dir = 'pictures'
    hook.after_test_iter(runner, 0, {}, [data])
    assert (tmp_path / 'now' / 'pictures' / 'image_0.png').is_file()
    assert isinstance(visualizer, Visualizer)
