"""Images with all their people, in 3D or in 2D only: the class of every data set."""

from __future__ import annotations

import logging
import os.path as osp
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from mmengine.logging import print_log
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from das_mm.errors import UserError
from das_mm.registry import DATASETS
from das_mm.structures import DEFAULT_DERIVE, get_keypoint_set, to_mmpose_metainfo

from ..annotations.annotation_file import read_annotation_file
from ..annotations.file_names import absence_hint
from .absent_images import absent_images
from .coco_records import coco_annotations
from .fault_tolerant_dataset import FaultTolerantDataset, our_step
from .image_filters import check_filters, evenly_spread, passing_images
from .record_table import Records, RecordTable
from .records import make_table
from .smpl_columns import smpl_columns, smpl_state
from .table_cache import cached_table


@DATASETS.register_module()
class DASDataset(FaultTolerantDataset):
    """Images with all their people from a COCO-style file (:mod:`.annotation_file`), keypoints in one set by name.

    Official COCO keypoint files load as they are: their people simply have no depth. One record is one image; images
    without people are kept. A record has (N people, K keypoints of ``keypoint_set``; px and camera mm of the stored
    image): ``img_path``, ``img_id``, ``id`` (list of annotation ids), ``ori_shape`` (h, w), ``camera`` (K, R, T, dist
    or None; source 'annotation' | 'unknown'), ``bbox`` (N, 4) xyxy, ``keypoints`` (N, K, 2), ``keypoints_flags`` (N, K)
    0/1/2, ``keypoints_3d`` (N, K, 3), ``keypoints_3d_valid`` (N, K), ``root_px`` (N, 2), ``root_flags`` (N,),
    ``root_depth_mm`` (N,) NaN where unknown, ``iscrowd``, ``is_valid``, ``area``, ``track_id``, ``ann_id``,
    ``smpl_row`` (N,), ``occluded`` (N, K) 0/1 (0 where the file says nothing), ``seq``, ``view``, ``frame``,
    ``ignore_regions`` (list of (P, 2) px), ``is_labeled``, ``crowd_index`` and ``activity`` (or None),
    ``dataset_name``, ``has_3d``, ``keypoint_set`` and ``raw_ann_info`` (COCO annotations in ``keypoint_set``, which
    mmpose's CocoMetric reads); where the file has them ``keypoints_3d_univ`` (N, K, 3) mm and ``head_bbox`` (N, 4)
    xywh; where they are asked for ``masks``, a list of N compressed run lengths or None.

    A large annotation file is parsed once and kept as columns in a cache (:mod:`.table_cache`), which every later start
    and every worker process maps. Measured with 400 000 images and 1.2 million people of 21 keypoints (1.65 GB of json;
    one slow core): the first start takes two minutes and at most 6.9 GB of memory, which is given back; later ones take
    0.04 s. The cache has 0.6 GB on disk. A forked worker has 8 MB of its own (a spawned one what it imports), after one
    record as after 19 000: the mapped pages are shared. A record takes 70 us to make.

    Images that are absent are listed at the start (:attr:`missing`) and told in one message; a training goes without
    them. Images that cannot be read never end a training: each is reported once, counted in :attr:`skipped` over all
    worker processes, and the next image takes its place. In test mode nothing may take its place: a blank image
    stands in for either (nothing is found on it, so its people count as missed) and its sample carries ``image_fault``.

    Subclasses name the set of a real data set's files, and say by :meth:`adapt` and :meth:`valid_people` what is
    particular to it.

    Args:
        ann_file: Annotation file, relative to ``data_root``.
        keypoint_set: The set that the model learns; by default the data set's own, ``panoptic15`` for this class.
        source_keypoint_set: The set in the file, if the file does not say so itself.
        derive_neck: Make a neck from both shoulders for sources that have none. Off, it is not supervised there.
        dataset_name: Name carried by the samples; by default ``info.dataset`` or the stem of the file.
        missing_images: 'skip', or 'error' where not one may be absent.
        max_skipped: More unreadable images than this are an error: then something greater is wrong.
        strict: In test mode an unreadable image is an error.
        kwargs: ``with_masks`` (False: the people's segmentations are not read), and what mmengine's ``BaseDataset``
            takes: ``data_root``, ``data_prefix``, ``pipeline``, ``indices``, ``test_mode``, ``lazy_init`` and the three
            below.
        filter_cfg: Which images to keep: ``filter_empty_gt=True``, those with someone who can be learnt;
            ``min_labelled_keypoints_per_image``, those with so many on all people together; ``sequences``, those
            whose ``seq`` is one of these or matches one of these patterns (as ``'TS1'`` or ``'S9*'``); ``views``, the
            same of the cameras (``'60457274'``, the frontal one of Human3.6M); ``num_images``, at most so many of the
            others, spread evenly over the file. In training, images with ``is_labeled`` false are never kept.
        metainfo: Overrides single entries of the meta information that comes from ``keypoint_set``.
        serialize_data: mmengine's switch, of no effect here: there are no python objects to pack.

    Raises:
        UserError: Anything is wrong with the annotation file, or too many images are.
    """

    NATIVE_SET: str | None = None
    # narrower than in BaseDataset
    ann_file: str
    data_list: Records

    def __init__(
        self,
        ann_file: str,
        keypoint_set: str | None = None,
        source_keypoint_set: str | None = None,
        derive_neck: bool = False,
        dataset_name: str | None = None,
        missing_images: str = 'skip',
        max_skipped: int = 100,
        strict: bool = False,
        **kwargs: Any,
    ):
        if missing_images not in ('skip', 'error'):
            raise UserError(
                f'{missing_images!r} is no way to treat missing images',
                field='missing_images',
                remedy="use 'skip' or 'error'",
            )
        check_filters(kwargs.get('filter_cfg'))
        self.keypoint_set = get_keypoint_set(keypoint_set or self.NATIVE_SET or 'panoptic15', field='keypoint_set')
        self.source_keypoint_set = source_keypoint_set
        self.derive = DEFAULT_DERIVE + (('neck',) if derive_neck else ())
        self.dataset_name, self.missing_images = dataset_name, missing_images
        self.with_masks = bool(kwargs.pop('with_masks', False))
        pipeline = [our_step(step) for step in kwargs.pop('pipeline', ())]
        data_prefix, metainfo = kwargs.pop('data_prefix', None) or dict(img=''), kwargs.pop('metainfo', None)
        lazy_init = kwargs.pop('lazy_init', False)
        super().__init__(
            max_skipped,
            strict,
            ann_file=ann_file,
            data_prefix=data_prefix,
            pipeline=pipeline,
            lazy_init=True,
            **{'data_root': '', **kwargs, 'serialize_data': False},
        )
        self._missing_rows = np.empty(0, dtype=np.int64)  # of the table
        self._metainfo = {**self.metainfo_of(self.keypoint_set), **(metainfo or {})}
        if not lazy_init:
            self.full_init()

    @staticmethod
    def metainfo_of(kset) -> dict:
        """mmpose's parsed meta information, and the category list that its CocoMetric writes out."""
        skeleton = [[a + 1, b + 1] for a, b in kset.links]  # COCO counts from 1
        person = dict(id=1, name='person', supercategory='person', keypoints=list(kset.keypoints), skeleton=skeleton)
        return {**parse_pose_metainfo(to_mmpose_metainfo(kset)), 'CLASSES': [person], 'keypoint_set': kset.name}

    def load_data_list(self) -> Records:
        # all that the columns depend on beside the file
        settings = dict(
            source=self.source_keypoint_set,
            default_source=self.NATIVE_SET,
            derive=list(self.derive),
            keypoints=list(self.keypoint_set.keypoints),
            images_alone=self.test_mode,
        )
        if self.with_masks:  # a key more only then: tables that are cached without masks stay valid
            settings['with_masks'] = True
        table = cached_table(self.ann_file, settings, self._make_table)
        smpl = smpl_state(self.ann_file, table.header['info'])
        if table.header.get('smpl_state') != smpl:  # the SMPL file changed under a cached table
            table = cached_table(self.ann_file, {**settings, 'smpl': smpl}, self._make_table)
        self.dataset_name = self.dataset_name or table.header['info'].get('dataset') or Path(self.ann_file).stem
        return Records(table)

    def _make_table(self) -> RecordTable:
        annotations = read_annotation_file(
            self.ann_file,
            self.source_keypoint_set,
            not self.test_mode,
            default_set=self.NATIVE_SET,
            with_masks=self.with_masks,
        )
        table = make_table(annotations, self.keypoint_set, self.derive)
        smpl = smpl_columns(self.ann_file, annotations)
        table.columns.update(smpl)
        table.header['people_columns'] += list(smpl)
        table.header['smpl_state'] = smpl_state(self.ann_file, annotations.info)
        return table

    def filter_data(self) -> Records:
        records, filters = self.data_list, self.filter_cfg or {}
        table = records.table
        keep = table.columns['is_labeled'] | self.test_mode
        keep = keep & passing_images(table, filters, self.valid_people(table.columns))
        if not keep.any():
            raise UserError(
                'no image is left after filtering',
                file=self.ann_file,
                field='filter_cfg',
                remedy='look at the labels: no image passes, e.g. none has a person with a labelled root',
            )
        kept = self._without_missing(records[np.flatnonzero(keep)])
        return self._subset(kept, filters.get('num_images'))

    def _subset(self, records: Records, wanted: int | None) -> Records:
        """So many records, spread evenly; where there are fewer it is told."""
        if wanted is not None and len(records) < wanted:
            print_log(
                f'{self.dataset_name}: {wanted} images are wanted (filter_cfg.num_images), and it has {len(records)}',
                logger='current',
                level=logging.WARNING,
            )
        return records[evenly_spread(len(records), wanted)]

    def _without_missing(self, records: Records) -> Records:
        """Tells which images are absent; in training the records of the others."""
        absent = np.isin(records.rows, absent_images(records.table, self.data_prefix['img']))
        self._missing_rows = records.rows[absent]
        count, total = int(absent.sum()), len(records)
        if count == 0:
            return records
        examples = ', '.join(self._path(records[row]['file_name']) for row in np.flatnonzero(absent)[:3])
        names = records.table.file_names()
        hint = absence_hint(
            self.data_prefix['img'],
            [names[row] for row in records.rows[absent]],
            [names[row] for row in records.rows[~absent]],
        )
        if count == total or self.missing_images == 'error':
            raise UserError(
                f'{count} of its {total} images do not exist, among them {examples}',
                file=self.ann_file,
                remedy='check `data_root` and `data_prefix`'
                + ('' if count == total else ", or give missing_images='skip'")
                + (f'; {hint}' if hint else ''),
            )
        effect = 'count as seen with nobody found' if self.test_mode else 'are left out'
        print_log(
            f'{self.dataset_name}: {count} of {total} images are missing and {effect}: {examples}'
            + (' …' if count > 3 else '')
            + (f'; {hint}' if hint else ''),
            logger='current',
            level=logging.WARNING,
        )
        return records if self.test_mode else records[~absent]

    def adapt(self, record: dict) -> None:
        """What is particular to a data set is done here, on a fresh record, before anything else sees it."""
        record['is_valid'] = self.valid_people(record)

    def valid_people(self, people: Mapping[str, np.ndarray]) -> np.ndarray:
        """(n,) bool: who is ground truth. The others are neither learnt nor taken for background.

        Args:
            people: Columns (n, …) named as in a record.
        """
        return people['is_valid']

    def get_data_info(self, idx: int) -> dict:
        """The record of one image; ``gt`` refers to the labels as annotated, which transforms leave alone."""
        if not self._fully_initialized:
            self.full_init()
        record = self._adapted(self.data_list[idx])
        record['sample_idx'] = idx % len(self)
        record['dataset_name'] = self.dataset_name
        record['keypoint_set'] = self.keypoint_set.name
        record['annotated_shape'] = record['ori_shape']  # loading an image sets ori_shape to what it finds
        record['id'] = record['ann_id'].tolist()
        record['raw_ann_info'] = coco_annotations(record)
        record['gt'] = {
            key: record[key] for key in ('bbox', 'keypoints', 'keypoints_flags', 'keypoints_3d', 'keypoints_3d_valid')
        }
        return record

    def _adapted(self, record: dict) -> dict:
        """A record of the table with the path of its image and what is particular to the data set."""
        record['img_path'] = self._path(record.pop('file_name'))
        self.adapt(record)
        return record

    def _path(self, file_name: str) -> str:
        return osp.join(self.data_prefix['img'], file_name)

    @property
    def missing(self) -> list[str]:
        """Paths of the images that were absent at the start."""
        if not self._fully_initialized:
            return []
        return [self._path(record['file_name']) for record in Records(self.data_list.table, self._missing_rows)]

    def _get_unserialized_subset(self, indices: Sequence[int] | int) -> Records:
        if isinstance(indices, int):
            return cast(Records, super()._get_unserialized_subset(indices))  # a slice of data_list
        return self.data_list[indices]

    def faults_at_start(self) -> np.ndarray:
        return np.isin(self.data_list.rows, self._missing_rows)
