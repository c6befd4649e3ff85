"""The person view: one record a person of any data set of the package, for networks that look at one crop."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
from mmengine.logging import print_log

from das_mm.errors import UserError
from das_mm.registry import DATASETS
from das_mm.structures import get_keypoint_set

from .das_dataset import DASDataset
from .fault_tolerant_dataset import FaultTolerantDataset, our_step
from .openpose_detections import build_detections
from .person_boxes import PersonBoxes
from .person_keypoints import gather, superset_table

_LIMBS = tuple(
    f'{side}_{part}' for part in ('ankle', 'knee', 'hip', 'wrist', 'elbow', 'shoulder') for side in ('left', 'right')
)
_IMAGE_FIELDS = (
    'img_path', 'img_id', 'ori_shape', 'annotated_shape', 'camera', 'seq', 'view', 'frame', 'activity', 'dataset_name',
)  # fmt: skip
# of one row a person
_PERSON_FIELDS = (
    'root_depth_mm', 'area', 'iscrowd', 'is_valid', 'track_id', 'ann_id', 'smpl_row', 'has_smpl', 'smpl_gender',
    'smpl_global_orient', 'smpl_body_pose', 'smpl_betas', 'smpl_transl_mm', 'head_bbox',
)  # fmt: skip
_KEYPOINT_FIELDS = (
    'keypoints', 'keypoints_flags', 'keypoints_3d', 'keypoints_3d_valid', 'keypoints_3d_univ', 'occluded',
)  # fmt: skip


@DATASETS.register_module(['PersonView', 'PersonViewDataset'])
class PersonViewDataset(FaultTolerantDataset):
    """One record a person of a :class:`.DASDataset`; see "The person view" in das_mm/datasets/README.md.

    A record has: ``img_path``, ``ori_shape``, ``bbox`` (1, 4) xyxy px; ``box_center`` (2,) px and ``box_scale``, the
    side of the square that is cut out, px; ``keypoints_2d`` (K, 3) px and confidence; ``keypoints_3d`` (K, 4) m of the
    camera frame and confidence; ``smpl_pose`` (72,) rad and ``smpl_betas`` (10,), zeros without; ``has_smpl`` and
    ``has_pose_3d``; ``camera_matrix`` (3, 3) px or None; ``sample_key`` (name of the data set, row of the person in its
    file), which stays the same whatever is left out; ``gt``, what a metric may see. What is not labelled has
    confidence 0; 3D keypoints without both hips have no centre, and do not count.

    Left out, counted (:attr:`left_out`) and told once: crowds and people who are no ground truth, those with a
    degenerate box, and in training those without any labelled keypoint or SMPL parameters.

    Args:
        dataset: Config of a :class:`.DASDataset`, or one; its pipeline is not used. Keypoints are taken from its own
            set by name.
        keypoint_set: ``gt24``, ``spin49`` or ``prohmr44``; detections fill the first 25 of the last two.
        box: Arguments of :class:`.PersonBoxes`.
        renamed: Keypoint of the superset -> keypoint of the data set; see :func:`.superset_table`.
        whole_limbs: In training, only people whose twelve limb joints are all labelled (SPIN's COCO).
        ignore_3d: Nobody has SMPL parameters or 3D keypoints (SPIN's unpaired training).
        openpose: Where OpenPose's detections come from: see :func:`.build_detections`.
        kwargs: ``pipeline``, ``test_mode``, ``indices``, ``lazy_init`` of mmengine's ``BaseDataset``, ``max_skipped``
            and ``strict`` of :class:`.FaultTolerantDataset`.

    Raises:
        UserError: A bad option, or nobody is left.
    """

    dataset: DASDataset
    data_list: Any  # (n, 3), see load_data_list

    def __init__(
        self,
        dataset: Mapping[str, Any] | DASDataset,
        keypoint_set: str = 'gt24',
        box: Mapping[str, Any] | None = None,
        renamed: Mapping[str, str] | None = None,
        whole_limbs: bool = False,
        ignore_3d: bool = False,
        openpose: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ):
        self.keypoint_set = get_keypoint_set(keypoint_set, field='keypoint_set')
        test_mode = kwargs.get('test_mode', False)
        if isinstance(dataset, Mapping):
            dataset = DATASETS.build(
                {'_scope_': 'das_mm', 'test_mode': test_mode, **dataset, 'lazy_init': True, 'pipeline': []}
            )
        if not isinstance(dataset, DASDataset):
            raise UserError(
                f'a {type(dataset).__name__} has no people in the annotation format',
                field='dataset',
                remedy='give a DASDataset or one of its kinds; mix views, do not view mixtures',
            )
        self.dataset, self.ignore_3d, self.whole_limbs = dataset, ignore_3d, whole_limbs
        self.boxes = PersonBoxes(**(box or {}))
        self.table = superset_table(dataset.keypoint_set, self.keypoint_set, renamed or {})
        self.detections = build_detections(openpose, dataset.keypoint_set, self.keypoint_set)
        #: how many people are left out, by reason
        self.left_out: dict[str, int] = {}
        pipeline = [our_step(step) for step in kwargs.pop('pipeline', ())]
        lazy_init = kwargs.pop('lazy_init', False)
        super().__init__(
            kwargs.pop('max_skipped', 100),
            kwargs.pop('strict', False),
            ann_file=dataset.ann_file,
            data_prefix=dict(img=''),
            pipeline=pipeline,
            lazy_init=True,
            serialize_data=False,
            **kwargs,
        )
        self._metainfo = DASDataset.metainfo_of(self.keypoint_set)
        if not lazy_init:
            self.full_init()

    def _join_prefix(self) -> None:
        """Paths are the inner data set's affair."""

    def load_data_list(self) -> np.ndarray:
        """(n, 3) int64: place of the image in the inner data set, place of the person in the image, row in the file."""
        self.dataset.full_init()
        records = self.dataset.data_list
        first = records.table.columns['first_person']
        counts = (first[records.rows + 1] - first[records.rows]).astype(np.int64)
        images = np.repeat(np.arange(len(records)), counts)
        places = np.arange(len(images)) - np.repeat(np.cumsum(counts) - counts, counts)
        people = np.stack([images, places, first[records.rows[images]] + places], axis=1)
        return people[self._kept(people[:, 2])]

    def _kept(self, rows: np.ndarray) -> np.ndarray:
        """(n,) bool; tells who is left out."""
        everybody = self.dataset.data_list.table
        names = [name for name in everybody.header['people_columns'] if name in everybody.columns]
        people = {name: everybody.columns[name][rows] for name in names}
        labelled = gather(people['keypoints_flags'], self.table) > 0  # (n, K)
        centers, sides = self.boxes.squares(people['bbox'], people['keypoints'], people['keypoints_flags'])
        has_smpl = people['has_smpl'].astype(bool) if 'has_smpl' in people else np.zeros(len(rows), bool)
        faults = {
            'are crowds or no ground truth': people['iscrowd'].astype(bool) | ~self.dataset.valid_people(people),
            'have a degenerate box': ~self.boxes.usable(centers, sides),
        }
        if not self.test_mode:
            nothing = ~labelled.any(axis=1) & ~(has_smpl & (not self.ignore_3d))
            faults['have no labelled keypoint'] = nothing
            if self.whole_limbs:
                limbs = [self.keypoint_set.index(name) for name in _LIMBS]
                faults['lack a limb joint'] = ~labelled[:, limbs].all(axis=1)
        kept = np.ones(len(rows), bool)
        for reason, faulty in faults.items():
            if count := int((kept & faulty).sum()):
                self.left_out[reason] = count
            kept &= ~faulty
        self._tell(len(rows), people['keypoints_3d_valid'], kept)
        return kept

    def _tell(self, count: int, valid_3d: np.ndarray, kept: np.ndarray) -> None:
        if not kept.any():
            raise UserError(
                f'none of its {count} people is left: {self.left_out}',
                file=self.ann_file,
                field='dataset',
                remedy='look at the labels with das-mm data check, or at the options `box` and `whole_limbs`',
            )
        told = [f'{number} {reason}' for reason, number in self.left_out.items()]
        valid = gather(valid_3d, self.table)[kept] > 0
        if headless := int((valid.any(axis=1) & ~valid[:, self._hips].all(axis=1)).sum()):
            told.append(f'{headless} have 3D keypoints without both hips, which are not used')
        if told:
            print_log(
                f'{self.dataset.dataset_name}: of {count} people {"; ".join(told)}',
                logger='current',
                level=logging.WARNING,
            )

    @property
    def _hips(self) -> list[int]:
        names = self.keypoint_set.keypoints
        return [names.index(name) for name in ('right_hip', 'left_hip') if name in names]

    @property
    def num_people(self) -> int:
        """People in the file, those left out among them: the size of a store that is kept by ``sample_key``."""
        self.dataset.full_init()
        return len(self.dataset.data_list.table.columns['bbox'])

    def get_data_info(self, idx: int) -> dict:
        """The record of one person."""
        if not self._fully_initialized:
            self.full_init()
        image, place, row = self.data_list[idx].tolist()
        whole = self.dataset.get_data_info(image)
        one = slice(place, place + 1)
        person = {name: whole[name][one] for name in _PERSON_FIELDS if name in whole}
        labels = {name: gather(whole[name][one], self.table) for name in _KEYPOINT_FIELDS if name in whole}
        centers, sides = self.boxes.squares(whole['bbox'][one], whole['keypoints'][one], whole['keypoints_flags'][one])
        record = {name: whole[name] for name in _IMAGE_FIELDS}
        record.update(
            self._labels(person, labels),
            bbox=whole['bbox'][one],
            box_center=centers[0],
            box_scale=float(sides[0]),
            camera_matrix=(whole['camera'] or {}).get('K'),
            sample_key=(self.dataset.dataset_name, row),
            sample_idx=idx % len(self),
            keypoint_set=self.keypoint_set.name,
            gt=dict(labels, bbox=whole['bbox'][one]),
            person={**person, **{name: labels[name] for name in ('occluded', 'keypoints_3d_univ') if name in labels}},
        )
        if self.detections is not None:
            found = self.detections.of(whole, place, row)
            record['keypoints_2d'][: len(found)] = found
        return record

    def _labels(self, person: dict, labels: dict) -> dict:
        """What is learnt of a person, from one row of the columns: pixels, metres and radians of the image's frame."""
        known = labels['keypoints_flags'][0] > 0
        valid = labels['keypoints_3d_valid'][0] > 0
        has_pose_3d = bool(valid.any() and valid[self._hips].all()) and not self.ignore_3d
        valid = valid & has_pose_3d
        points, metres = labels['keypoints'][0].astype(np.float64), 1e-3 * labels['keypoints_3d'][0].astype(np.float64)
        has_smpl = bool('has_smpl' in person and person['has_smpl'][0]) and not self.ignore_3d
        pose, betas = np.zeros(72), np.zeros(10)
        if has_smpl:
            pose[:3], pose[3:] = person['smpl_global_orient'][0], person['smpl_body_pose'][0].ravel()
            betas = person['smpl_betas'][0].astype(np.float64)
        return dict(
            keypoints_2d=np.concatenate([np.where(known[:, None], points, 0), known[:, None]], axis=1),
            keypoints_3d=np.concatenate([np.where(valid[:, None], metres, 0), valid[:, None]], axis=1),
            has_pose_3d=has_pose_3d,
            smpl_pose=pose,
            smpl_betas=betas,
            has_smpl=has_smpl,
        )
