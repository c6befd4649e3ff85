from __future__ import annotations

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import InstanceData, PixelData
from mmpose.datasets.transforms.formatting import image_to_tensor
from mmpose.structures import PoseDataSample

from das_mm.errors import UserError
from das_mm.registry import TRANSFORMS
from das_mm.structures import warp_points

from .geometry import begin_geometry, normalised_root_depths

_META_KEYS = (
    'id',
    'img_id',
    'img_path',
    'ori_shape',
    'img_shape',
    'camera',
    'input_K',
    'input_dist',
    'warp_mat',
    'flip',
    'dataset_name',
    'has_3d',
    'raw_ann_info',
    'seq',
    'view',
    'frame',
    'ignore_regions',
    'is_labeled',
    'crowd_index',
    'image_fault',
    'previous_centers_px',
    'previous_sizes_px',
    'activity',
    'everyone_labelled',
)
_SMPL_FIELDS = ('has_smpl', 'smpl_global_orient', 'smpl_body_pose', 'smpl_betas', 'smpl_transl_mm', 'smpl_gender')


@TRANSFORMS.register_module()
class PackDASInputs(BaseTransform):
    """Makes the network's input and a ``PoseDataSample`` from the results of the pipeline.

    ``gt_instances`` (numpy, frame of the stored image, all N people, for metrics): ``bboxes`` (N, 4) xyxy,
    ``keypoints`` (N, K, 2) px, ``keypoints_visible`` (N, K), ``keypoints_flags`` (N, K), ``keypoints_3d`` (N, K, 3) mm,
    ``keypoints_3d_valid`` (N, K), ``root_depths_mm``, ``areas``, ``iscrowd``, ``is_valid``, ``track_ids``, ``ann_ids``,
    ``smpl_rows`` (N,), ``occluded`` (N, K) 0/1; where the annotations have them ``keypoints_3d_univ`` (N, K, 3) mm,
    ``head_bboxes`` (N, 4) xyxy, and of SMPL ``has_smpl`` (N,), ``smpl_global_orient`` (N, 3) and ``smpl_body_pose``
    (N, 23, 3) rad, ``smpl_betas`` (N, 10), ``smpl_transl_mm`` (N, 3), ``smpl_gender`` (N,).

    ``gt_instance_labels`` (tensors, px of the network input, the n <= N people of whom something is on it, for losses):
    ``bboxes`` (n, 4) cut to the input, ``keypoints`` (n, K, 2), ``keypoints_weights`` (n, K), ``relative_depths_mm``
    (n, K) z_k − z_root, ``relative_depths_weights`` (n, K), ``root_px`` (n, 2), ``root_depths_norm`` (n,) z_root / f of
    the input in mm/px, ``root_depths_weights`` (n,), ``center_valid`` (n,) bool. People whose ``center_valid`` is False
    (root unknown or not on the image, crowds, invalid frames) are regions to ignore, never background; the box about
    each of the image's ``ignore_regions`` is one more of them, with nothing else known.

    What a transform before this one puts into ``extra_labels`` (name -> (N, …)) is packed with the labels, and a
    ``previous_img`` of the same size is stacked behind the image, which makes six channels. An ``instance_map`` of
    :class:`.AddInstanceMap` becomes ``gt_fields.instance_map`` (1, h, w) uint8: m + 1 where row m of the labels is.

    A place counts as on the image where both the network input and the stored image have it: the border that an
    augmentation adds shows nobody. Depth weights are 0 wherever the depth is unknown, so 2D-only people never train it.

    Args:
        supervise_outside: Labelled keypoints that are not on the image are learnt too.
        min_bbox_side_px: People whose box on the network input is thinner are ignored.
    """

    def __init__(self, supervise_outside: bool = False, min_bbox_side_px: float = 2.0):
        self.supervise_outside, self.min_bbox_side_px = supervise_outside, min_bbox_side_px

    def transform(self, results: dict) -> dict:
        begin_geometry(results)
        check_size(results)
        image = results['img']
        if image.dtype != np.uint8:  # photometric transforms compute in float and do not clip
            image = np.clip(np.rint(image), 0, 255).astype(np.uint8)
        results.setdefault('img_shape', image.shape[:2])
        if 'previous_img' in results:
            image = np.concatenate([image, results['previous_img']], axis=2)
        sample = PoseDataSample()
        if 'gt' in results:
            sample.gt_instances = ground_truth_instances(results)
            sample.gt_instance_labels = self._labels(results)
            if 'instance_map' in results:
                sample.gt_fields = PixelData(instance_map=self._instance_map(results))
        meta = {key: results[key] for key in _META_KEYS if key in results}
        meta['warp_mat'] = meta['warp_mat'].astype(np.float32)
        for key in ('input_K', 'input_dist'):
            meta[key] = None if meta[key] is None else meta[key].astype(np.float32)
        sample.set_metainfo(meta)
        return dict(inputs=image_to_tensor(image), data_samples=sample)

    def _labels(self, results: dict) -> InstanceData:
        keypoints, labelled = results['keypoints'], results['keypoints_flags'] > 0
        seen = labelled & on_image(keypoints, results)
        supervised = labelled if self.supervise_outside else seen
        boxes = _cut_boxes(results)
        sides = boxes[:, 2:] - boxes[:, :2]
        root_on_image = (results['root_flags'] > 0) & on_image(results['root_px'], results)
        center_valid = (
            root_on_image & results['is_valid'] & ~results['iscrowd'] & (sides >= self.min_bbox_side_px).all(axis=1)
        )
        root_depth = results['root_depth_mm'].astype(np.float64)
        root_norm = normalised_root_depths(root_depth, results['input_K'])
        depth_known = results['keypoints_3d_valid'] & np.isfinite(root_depth)[:, None]
        relative = np.where(depth_known, results['keypoints_3d'][..., 2] - root_depth[:, None], 0)
        columns = dict(
            bboxes=boxes,
            keypoints=keypoints,
            keypoints_weights=supervised,
            relative_depths_mm=relative,
            relative_depths_weights=depth_known & supervised,
            root_px=results['root_px'],
            root_depths_norm=np.nan_to_num(root_norm),
            root_depths_weights=np.isfinite(root_norm),
        )
        on_input = self._on_input(results)
        regions = _ignored_boxes(results)
        labels = InstanceData()
        for name, column in {**columns, **results.get('extra_labels', {})}.items():
            unknown = np.zeros((len(regions), *column.shape[1:]))
            rows = np.concatenate([column[on_input], regions if name == 'bboxes' else unknown])
            labels.set_field(torch.from_numpy(rows.astype(np.float32)), name)
        center_valid = np.concatenate([center_valid[on_input], np.zeros(len(regions), dtype=bool)])
        labels.set_field(torch.from_numpy(center_valid), 'center_valid')
        return labels

    @staticmethod
    def _on_input(results: dict) -> np.ndarray:
        """(N,) bool: who has anything on the network input."""
        seen = (results['keypoints_flags'] > 0) & on_image(results['keypoints'], results)
        root_on_image = (results['root_flags'] > 0) & on_image(results['root_px'], results)
        sides = _cut_boxes(results)
        return seen.any(axis=1) | root_on_image | (sides[:, 2:] > sides[:, :2]).all(axis=1)

    def _instance_map(self, results: dict) -> torch.Tensor:
        """(1, h, w) in the numbers of the labels' rows."""
        on_input = self._on_input(results)
        row = np.zeros(np.iinfo(np.uint8).max + 1, np.uint8)
        numbers = np.where(on_input, np.cumsum(on_input), 0)[: len(row) - 1]
        row[1 : 1 + len(numbers)] = numbers
        return torch.from_numpy(row[results['instance_map']])[None]

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(supervise_outside={self.supervise_outside}, '
            f'min_bbox_side_px={self.min_bbox_side_px})'
        )


def check_size(results: dict) -> None:
    """Raises UserError where the image is not of the size that its annotations are for."""
    annotated = results.get('annotated_shape')
    if annotated is not None and tuple(results['ori_shape']) != tuple(annotated):
        (height, width), (want_height, want_width) = results['ori_shape'], annotated
        raise UserError(
            f'the image is {width}x{height} px, but its annotations are for {want_width}x{want_height}',
            file=results['img_path'],
            remedy='use the images the annotations were made for',
        )


def ground_truth_instances(results: dict) -> InstanceData:
    """``gt_instances`` as :class:`PackDASInputs` says, from ``gt`` and the people's columns of ``results``."""
    gt, truth = results['gt'], InstanceData()
    fields = dict(
        bboxes=gt['bbox'],
        keypoints=gt['keypoints'],
        keypoints_visible=(gt['keypoints_flags'] > 0).astype(np.float32),
        keypoints_flags=gt['keypoints_flags'],
        keypoints_3d=gt['keypoints_3d'],
        keypoints_3d_valid=gt['keypoints_3d_valid'],
        root_depths_mm=results['root_depth_mm'],
        areas=results['area'],
        iscrowd=results['iscrowd'],
        is_valid=results['is_valid'],
        track_ids=results['track_id'],
        ann_ids=results['ann_id'],
        smpl_rows=results['smpl_row'],
        occluded=results['occluded'],
    )
    if 'keypoints_3d_univ' in results:
        fields['keypoints_3d_univ'] = results['keypoints_3d_univ']
    if 'head_bbox' in results:
        corner, sides = results['head_bbox'][:, :2], results['head_bbox'][:, 2:]
        fields['head_bboxes'] = np.concatenate([corner, corner + sides], axis=1)
    if 'has_smpl' in results:
        fields.update({name: results[name] for name in _SMPL_FIELDS})
    for name, column in fields.items():
        truth.set_field(column, name)
    return truth


def _cut_boxes(results: dict) -> np.ndarray:
    """(N, 4) boxes of the people, cut to the network input."""
    height, width = results['img_shape']
    return results['bbox'].clip((-0.5, -0.5) * 2, (width - 0.5, height - 0.5) * 2)


def _ignored_boxes(results: dict) -> np.ndarray:
    """(n, 4) boxes about the image's ignore regions, cut to the network input; those outside it are left out."""
    height, width = results['img_shape']
    boxes = [
        np.concatenate([moved.min(axis=0), moved.max(axis=0)])
        for moved in (warp_points(polygon, results['warp_mat']) for polygon in results.get('ignore_regions', ()))
    ]
    boxes = np.reshape(boxes, (-1, 4)).clip((-0.5, -0.5) * 2, (width - 0.5, height - 0.5) * 2)
    return boxes[(boxes[:, 2:] > boxes[:, :2]).all(axis=1)]


def on_image(points: np.ndarray, results: dict) -> np.ndarray:
    """(*) bool for points (*, 2) px of the network input: on it, and on the stored image too."""
    warp = results['warp_mat']
    stored = (points - warp[:, 2]) @ np.linalg.inv(warp[:, :2]).T
    return _inside(points, results['img_shape']) & _inside(stored, results['ori_shape'])


def _inside(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Pixels reach half a unit around their centres."""
    return ((points >= -0.5) & (points < (shape[1] - 0.5, shape[0] - 0.5))).all(axis=-1)
