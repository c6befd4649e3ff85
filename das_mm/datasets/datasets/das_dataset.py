"""The one dataset class: images with all their people, in 3D or in 2D only."""
from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from das_mm.errors import UserError
from das_mm.registry import DATASETS
from das_mm.structures import DEFAULT_DERIVE, get_keypoint_set, to_mmpose_metainfo

from .annotation_file import read_annotation_file
from .image_files import image_fault, looks_complete
from .records import make_records

# what the eye of the network takes for nothing: the ImageNet mean, BGR
_BLANK_BGR = (104, 116, 124)


@DATASETS.register_module()
class DASDataset(BaseDataset):
    """Images with all their people from a COCO-style file (:mod:`.annotation_file`), keypoints in one set by name.

    Official COCO keypoint files load as they are: their people simply have no depth. One record is one image; images
    without people are kept. A record has (N people, K keypoints of ``keypoint_set``; px and camera mm of the stored
    image): ``img_path``, ``img_id``, ``id`` (list of annotation ids), ``ori_shape`` (h, w), ``camera`` (K, R, T, dist or
    None; source 'annotation' | 'unknown'), ``bbox`` (N, 4) xyxy, ``keypoints`` (N, K, 2), ``keypoints_flags`` (N, K)
    0/1/2, ``keypoints_3d`` (N, K, 3), ``keypoints_3d_valid`` (N, K), ``root_px`` (N, 2), ``root_flags`` (N,),
    ``root_depth_mm`` (N,) NaN where unknown, ``iscrowd``, ``is_valid``, ``area``, ``track_id``, ``ann_id``,
    ``smpl_row`` (N,), ``seq``, ``frame``, ``dataset_name``, ``has_3d``, ``keypoint_set`` and ``raw_ann_info`` (COCO
    annotations in ``keypoint_set``, which mmpose's CocoMetric reads).

    Images that cannot be read never end a training: each is reported once, counted in :attr:`skipped` over all
    worker processes, and the next image takes its place. In test mode nothing may take its place: a blank image
    stands in (nothing is found on it, so its people count as missed) and its sample carries ``image_fault``.

    Args:
        ann_file: Annotation file, relative to ``data_root``.
        keypoint_set: The set that the model learns.
        source_keypoint_set: The set in the file, if the file does not say so itself.
        derive_neck: Make a neck from both shoulders for sources that have none. Off, it is not supervised there.
        dataset_name: Name carried by the samples; by default ``info.dataset`` or the stem of the file.
        max_skipped: More unreadable images than this are an error: then something greater is wrong.
        strict: In test mode an unreadable image is an error.
        filter_cfg: ``dict(filter_empty_gt=True)`` drops images on which nobody can be learnt.
        metainfo: Overrides single entries of the meta information that comes from ``keypoint_set``.

    Raises:
        UserError: Anything is wrong with the annotation file, or too many images are.
    """

    def __init__(self, ann_file: str, keypoint_set: str = 'panoptic15', source_keypoint_set: str | None = None,
                 derive_neck: bool = False, dataset_name: str | None = None, max_skipped: int = 100,
                 strict: bool = False, data_root: str = '', data_prefix: dict | None = None,
                 pipeline: Sequence[dict | Callable] = (), metainfo: dict | None = None,
                 filter_cfg: dict | None = None, indices: int | Sequence[int] | None = None,
                 serialize_data: bool = True, test_mode: bool = False, lazy_init: bool = False):
        self.keypoint_set = get_keypoint_set(keypoint_set, field='keypoint_set')
        self.source_keypoint_set = source_keypoint_set
        self.derive = DEFAULT_DERIVE + (('neck', ) if derive_neck else ())
        self.dataset_name, self.max_skipped, self.strict = dataset_name, max_skipped, strict
        # our transforms are found without a prefix, whatever the default scope of the caller
        steps = [{'_scope_': 'das_mm', **step} if isinstance(step, dict) else step for step in pipeline]
        super().__init__(ann_file=ann_file, data_root=data_root, data_prefix=data_prefix or dict(img=''),
                         pipeline=steps, filter_cfg=filter_cfg, indices=indices, serialize_data=serialize_data,
                         test_mode=test_mode, lazy_init=True)
        self._skipped = torch.zeros(0, dtype=torch.uint8)  # until it is known how many images there are
        self._metainfo = {**self._metainfo_of(self.keypoint_set), **(metainfo or {})}
        if not lazy_init:
            self.full_init()

    @staticmethod
    def _metainfo_of(kset) -> dict:
        """mmpose's parsed meta information, and the category list that its CocoMetric writes out."""
        skeleton = [[a + 1, b + 1] for a, b in kset.links]  # COCO counts from 1
        person = dict(id=1, name='person', supercategory='person', keypoints=list(kset.keypoints), skeleton=skeleton)
        return {**parse_pose_metainfo(to_mmpose_metainfo(kset)), 'CLASSES': [person], 'keypoint_set': kset.name}

    def full_init(self) -> None:
        """Loads and checks the annotation file, once."""
        if self._fully_initialized:
            return
        super().full_init()
        self._reset_skipped()

    def load_data_list(self) -> list[dict]:
        annotations = read_annotation_file(self.ann_file, self.source_keypoint_set,
                                           require_annotations=not self.test_mode)
        name = self.dataset_name or annotations.info.get('dataset') or Path(self.ann_file).stem
        return make_records(annotations, self.keypoint_set, self.derive, self.data_prefix['img'], name)

    def filter_data(self) -> list[dict]:
        records = self.data_list
        if self.filter_cfg and self.filter_cfg.get('filter_empty_gt'):
            records = [r for r in records if ((r['root_flags'] > 0) & r['is_valid'] & ~r['iscrowd']).any()]
        if not records:
            raise UserError('no image is left after filtering', file=self.ann_file, field='filter_cfg',
                            remedy='no image has a person with a labelled root: check the labels')
        return records

    def get_data_info(self, idx: int) -> dict:
        """The record of one image; ``gt`` refers to the labels as annotated, which transforms leave alone."""
        record = super().get_data_info(idx)
        record['keypoint_set'] = self.keypoint_set.name
        record['annotated_shape'] = record['ori_shape']  # loading an image sets ori_shape to what it finds
        record['id'] = record['ann_id'].tolist()
        record['raw_ann_info'] = _coco_annotations(record)
        record['gt'] = {key: record[key] for key in
                        ('bbox', 'keypoints', 'keypoints_flags', 'keypoints_3d', 'keypoints_3d_valid')}
        return record

    @property
    def skipped(self) -> list[str]:
        """Paths of the images found unreadable so far, by any worker process that reads this dataset."""
        return [self.get_data_info(int(i))['img_path'] for i in np.flatnonzero(self._skipped.numpy())]

    def __getitem__(self, idx: int) -> dict:
        if not self._fully_initialized:
            self.full_init()
        if self.test_mode:
            return self._test_sample(idx)
        if not -len(self) <= idx < len(self):
            raise IndexError(f'sample {idx} of a dataset of {len(self)}')
        idx %= len(self)
        for candidate in (*range(idx, len(self)), *range(idx)):  # deterministic: the next one takes the place
            if self._skipped[candidate]:
                continue
            sample, fault = self._attempt(self.get_data_info(candidate))
            if fault is not None:
                self._skip(candidate, fault)
            elif sample is not None:
                return sample
        example = self.get_data_info(0)['img_path']
        raise UserError('not one image can be read', file=self.ann_file,
                        remedy=f'check `data_root` and `data_prefix`; looked e.g. for {example}')

    def get_subset_(self, indices: Sequence[int] | int) -> None:
        super().get_subset_(indices)
        self._reset_skipped()

    def get_subset(self, indices: Sequence[int] | int) -> DASDataset:
        subset = super().get_subset(indices)
        subset._reset_skipped()
        return subset

    def _reset_skipped(self) -> None:
        # in shared memory: what one worker process finds is known to all, and to the process that reports it
        self._skipped = torch.zeros(len(self), dtype=torch.uint8).share_memory_()

    def _attempt(self, record: dict) -> tuple[dict | None, str | None]:
        """The sample, or None and what is wrong with the image; errors that are not the image's fault are raised."""
        path = record['img_path']
        try:
            if looks_complete(path) or image_fault(path) is None:
                return self.pipeline(record), None
            return None, image_fault(path)
        except Exception as error:
            at_fault = isinstance(error, UserError) and error.file == path
            fault = error.problem if at_fault else image_fault(path)
            if fault is None:
                raise
            return None, fault

    def _skip(self, idx: int, fault: str) -> None:
        self._skipped[idx] = 1
        count, path = int(self._skipped.sum()), self.get_data_info(idx)['img_path']
        print_log(f'{path}: {fault}; the image is skipped ({count} of {len(self)} so far)', logger='current',
                  level=logging.WARNING)
        if count > self.max_skipped:
            raise UserError(f'{count} images cannot be read, the last one because {fault}', file=path,
                            remedy='check `data_root` and `data_prefix`, mend the images, or raise `max_skipped`')

    def _test_sample(self, idx: int) -> dict:
        record = self.get_data_info(idx)
        sample, fault = self._attempt(record)
        if fault is None:
            return sample
        if self.strict:
            raise UserError(fault, file=record['img_path'], remedy='mend the image, or set strict=False')
        if not self._skipped[idx]:
            self._skipped[idx] = 1
            print_log(f'{record["img_path"]}: {fault}; nothing is found on it', logger='current', level=logging.WARNING)
        record = self.get_data_info(idx)  # the failed attempt may have changed it
        blank = np.full((*record['ori_shape'], 3), _BLANK_BGR, dtype=np.uint8)
        return self.pipeline({**record, 'img': blank, 'image_fault': fault})


def _coco_annotations(record: dict) -> list[dict]:
    """The people of an image as COCO annotations."""
    keypoints = np.concatenate([record['keypoints'], record['keypoints_flags'][..., None]], axis=-1)
    boxes = np.concatenate([record['bbox'][:, :2], record['bbox'][:, 2:] - record['bbox'][:, :2]], axis=1)
    counts = (record['keypoints_flags'] > 0).sum(axis=1)
    return [dict(id=int(record['ann_id'][n]), image_id=record['img_id'], category_id=1, bbox=boxes[n].tolist(),
                 area=float(record['area'][n]), iscrowd=int(record['iscrowd'][n]),
                 keypoints=keypoints[n].ravel().tolist(), num_keypoints=int(counts[n]))
            for n in range(len(boxes))]
