"""mmpose's own ``CocoMetric`` must take our predictions: layout of the package, no adapter."""

import numpy as np
import pytest
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.evaluation import CocoMetric
from mmpose.structures import PoseDataSample

from das_mm.evaluation import MultiPerson3DMetric
from das_mm.structures import KEYPOINT_SETS, to_mmpose_metainfo


def make_people(name, noise_px=0.0, seed=0):
    """Three images with 2, 1 and 0 people, predicted with the given noise."""
    rng = np.random.default_rng(seed)
    k = len(KEYPOINT_SETS[name].keypoints)
    samples, ann_id = [], 1
    for img_id, num in ((1, 2), (2, 1), (3, 0)):
        px = rng.uniform([0, 0], [90, 190], (num, k, 2)) + 200 * np.arange(num)[:, None, None] * [1, 0]
        boxes = np.concatenate([px.min(1), px.max(1)], 1) if num else np.zeros((0, 4))
        ids = list(range(ann_id, ann_id + num))
        ann_id += num
        annotations = [
            dict(
                id=i,
                image_id=img_id,
                category_id=1,
                iscrowd=0,
                area=float(np.prod(box[2:] - box[:2])),
                num_keypoints=k,
                bbox=[*box[:2].tolist(), *(box[2:] - box[:2]).tolist()],
                keypoints=np.column_stack([points, np.full(k, 2)]).ravel().tolist(),
            )
            for i, points, box in zip(ids, px, boxes)
        ]
        sample = PoseDataSample(
            metainfo=dict(id=ids, img_id=img_id, ori_shape=(480, 640), raw_ann_info=annotations, has_3d=False)
        )
        sample.gt_instances = InstanceData(bboxes=boxes, keypoints=px, keypoints_visible=np.ones((num, k)))
        guess = px + rng.normal(scale=noise_px, size=px.shape) if noise_px else px
        sample.pred_instances = InstanceData(
            keypoints=guess,
            keypoint_scores=np.full((num, k), 0.9),
            keypoints_3d=np.zeros((num, k, 3)),
            scores=np.full(num, 0.8),
            bbox_scores=np.full(num, 0.8),
            bboxes=boxes,
        )
        samples.append(sample)
    return samples


def evaluate(name, samples):
    meta = parse_pose_metainfo(to_mmpose_metainfo(name))
    meta['CLASSES'] = [dict(id=1, name='person')]  # as mmpose's own datasets add it
    evaluator = Evaluator([CocoMetric(), MultiPerson3DMetric()])
    evaluator.dataset_meta = meta
    evaluator.process(samples)
    return evaluator.evaluate(len(samples))


@pytest.mark.parametrize('name', ['coco17', 'panoptic15'])
def test_perfect_predictions_have_ap_1_and_worse_ones_less(name):
    perfect = evaluate(name, make_people(name))
    assert perfect['coco/AP'] == pytest.approx(1) and perfect['coco/AR'] == pytest.approx(1)
    # the 3D metric takes the same samples, 2D only
    assert (perfect['pose3d/recall'], perfect['pose3d/num_gt'], perfect['pose3d/num_images_2d_only']) == (100, 3, 3)
    near = evaluate(name, make_people(name, noise_px=6.0))['coco/AP']
    far = evaluate(name, make_people(name, noise_px=25.0))['coco/AP']
    assert 1 > near > far
