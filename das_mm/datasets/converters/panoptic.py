"""CMU Panoptic: HD cameras and frames of the monocular protocol, or any others (datasets.md §4)."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from das_mm.errors import UserError

from .base import Converter, Job, Part, add_without_images
from .panoptic_files import BODY_SOURCES, calibration_file, find_source, image_folder, read_frame_list
from .panoptic_view import SOURCES_OF_SET, PanopticView, ViewRules, activity_of

# those of the released code; 160226_ultimatum1 is left out there because its annotation is doubtful
SEQUENCES = {
    'train': (
        '160224_haggling1',
        '160224_mafia1',
        '160224_mafia2',
        '160226_mafia2',
        '160224_ultimatum1',
        '160224_ultimatum2',
    ),
    'test': (
        '160226_haggling1',
        '160422_haggling1',
        '160226_mafia1',
        '160422_mafia2',
        '160422_ultimatum1',
        '160906_pizza1',
    ),
}
CAMERAS = ('00_16', '00_30')
TEST_IMAGES_PER_ACTIVITY = 2400


@dataclass(frozen=True)
class PanopticOptions:
    """Options of :class:`PanopticConverter`.

    Attributes:
        sequences: Others than the protocol's; those must exist, while the protocol's are counted if absent.
        cameras: Names of HD cameras, ``00_16`` and ``00_30`` by default.
        frames: 'protocol' (train: every 2nd annotation file; test: 2400 images an activity, evenly spread over the
            frames that can be used, the same number from each sequence and camera), 'all', or a step N.
        frame_list: File with one ``sequence camera frame`` a line; replaces ``frames`` and, where they are not given,
            ``sequences`` and ``cameras``.
        joints: Keypoint set of the file: 'panoptic15', 'panoptic19', 'panoptic15_mpi', or 'auto': panoptic15_mpi where
            no sequence has coco19 joints, else panoptic15. Keypoints that a sequence lacks are not labelled there.
        min_joints: Of a person that is kept.
        keep_incomplete: Keep training images on which somebody was dropped.
        without_images: Convert the annotations alone, for those who stream images from the videos: every frame counts
            as one with its image (``SEQ/hdImgs/CAM/CAM_FRAME.jpg``), of the size that the calibration tells.
    """

    sequences: list[str] | None = None
    cameras: list[str] | None = None
    frames: str | int = 'protocol'
    frame_list: str | Path | None = None
    joints: str = 'auto'
    min_joints: int = 3
    keep_incomplete: bool = False
    without_images: bool = False


class PanopticConverter(Converter):
    """HD frames of CMU Panoptic to the annotation format.

    Bodies of a frame are carried into each camera; the stored 2D keypoints are those of the distorted image, and the
    distortion is stored with the camera. Keypoints that the world-space annotation is sure of (confidence above 0.1)
    have flag 2 in the image and 1 outside. Every image tells its ``joint_set``: coco19 or the older mpi15, whose index
    1 is the top of the head and not the nose.

    As in the released converter, people with fewer than ``min_joints`` joints (the nose not counted) or with a box of
    at most 64 px² in the image are dropped, frames without anybody too, and of the training split each image on which
    somebody was dropped.

    Args:
        root: Folder with one folder a sequence.
        split: 'train' or 'test': which sequences and frames the protocol takes.
        options: The fields of :class:`PanopticOptions`.

    Raises:
        UserError: A sequence named by ``sequences`` is not there, or an option is impossible.
    """

    name = 'panoptic'
    options_class = PanopticOptions
    title = 'CMU Panoptic'
    splits = ('train', 'test')
    reprojection_limit_px = 0.1  # keypoints are the projection; only rounding is left
    tree = (
        '160422_ultimatum1/                       one folder a sequence\n'
        '  calibration_160422_ultimatum1.json\n'
        '  hdPose3d_stage1_coco19/body3DScene_00000153.json …   (extracted; older: hdPose3d_stage1/)\n'
        '  hdImgs/00_16/00_16_00000153.jpg …      extracted from hdVideos, jpg or png'
    )

    def __init__(self, root: str | Path, split: str = 'train', **options: Any):
        super().__init__(root, split)
        chosen = PanopticOptions(**options)
        listed = read_frame_list(Path(chosen.frame_list)) if chosen.frame_list is not None else {}
        self.sequences = list(chosen.sequences or dict.fromkeys(seq for seq, _ in listed) or SEQUENCES[split])
        self.cameras = list(chosen.cameras or dict.fromkeys(camera for _, camera in listed) or CAMERAS)
        self.frame_list = None if chosen.frame_list is None else Path(chosen.frame_list)
        self.frames = 'list' if listed else _frame_rule(chosen.frames)
        self.min_joints, self.keep_incomplete = chosen.min_joints, chosen.keep_incomplete
        self.without_images = chosen.without_images
        if chosen.joints not in ('auto', *SOURCES_OF_SET):
            raise UserError(
                f'{chosen.joints!r} is no set of this data set',
                field='--joints',
                remedy=f'use one of: auto, {", ".join(SOURCES_OF_SET)}',
            )
        order = SOURCES_OF_SET['panoptic15' if chosen.joints == 'auto' else chosen.joints]
        self.sources = {seq: find_source(self.root, seq, order) for seq in self.sequences}
        for seq in chosen.sequences or ():
            if self.sources[seq] is None:
                raise UserError(
                    f'the sequence {seq!r} has no body files',
                    file=self.root / seq,
                    field='--sequences',
                    remedy=f'download and extract it; it looks so:\n{self.tree}',
                )
        all_old = set(self.sources.values()) - {None} == {'mpi15'}
        self.keypoint_set = chosen.joints if chosen.joints != 'auto' else 'panoptic15_mpi' if all_old else 'panoptic15'
        self.is_protocol = not (chosen.sequences or chosen.cameras or listed) and self.frames == 'protocol'

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument('--sequences', nargs='+', metavar='SEQ', help="default: the protocol's of the split")
        parser.add_argument('--cameras', nargs='+', metavar='CAM', help=f'default: {" ".join(CAMERAS)}')
        parser.add_argument(
            '--frames',
            default='protocol',
            metavar='RULE',
            help='protocol, all, or N for every Nth annotation file; default %(default)s',
        )
        parser.add_argument('--frame-list', metavar='FILE', help='text file with one `sequence camera frame` a line')
        parser.add_argument(
            '--joints',
            default='auto',
            choices=('auto', *SOURCES_OF_SET),
            help='keypoint set of the file; auto: panoptic15, or panoptic15_mpi where all are that',
        )
        parser.add_argument(
            '--min-joints',
            type=int,
            default=3,
            metavar='N',
            help='people with fewer joints are dropped; default %(default)s',
        )
        parser.add_argument(
            '--keep-incomplete', action='store_true', help='keep training images on which somebody was dropped'
        )
        add_without_images(parser, 'the calibration')

    def jobs(self) -> list[Job]:
        """One a sequence and camera; a sequence that is absent is one job that counts it."""
        listed = read_frame_list(self.frame_list) if self.frame_list is not None else {}
        jobs = []
        for seq in self.sequences:
            source = self.sources[seq]
            if source is None:
                jobs.append(Job(seq, dict(seq=seq), (self.root / seq,)))
                continue
            for camera in self.cameras:
                frames = listed.get((seq, camera), []) if self.frame_list is not None else self.frames
                jobs.append(
                    Job(
                        f'{seq} {camera}',
                        dict(seq=seq, camera=camera, source=source, frames=frames),
                        (
                            calibration_file(self.root, seq),
                            self.root / seq / BODY_SOURCES[source].folder,
                            image_folder(self.root, seq, camera),
                        ),
                    )
                )
        return jobs if any('camera' in job.arguments for job in jobs) else []

    def convert(self, job: Job) -> Part:
        seq = job.arguments['seq']
        if 'camera' not in job.arguments:
            return Part(
                counts=Counter({'sequences missing': 1}),
                notes=[f'{seq}: no {" and no ".join(s.folder for s in BODY_SOURCES.values())} with body files'],
            )
        self.require(calibration_file(self.root, seq), 'the calibration')
        rules = ViewRules(
            self.root,
            self.split,
            self.keypoint_set,
            self.min_joints,
            self.keep_incomplete,
            self.test_images(seq),
            self.without_images,
        )
        return PanopticView(rules, **job.arguments).part()

    def expected(self) -> dict[str, str]:
        if not self.is_protocol:
            return {}
        if self.split == 'train':
            return {'sequences': str(len(self.sequences) * len(self.cameras)), 'images': 'about 160 000 (SMAP)'}
        activities = dict.fromkeys(activity_of(seq) for seq in self.sequences)
        return {
            'sequences': str(len(self.sequences) * len(self.cameras)),
            'images': str(TEST_IMAGES_PER_ACTIVITY * len(activities)),
            **{f'images of {activity}': str(TEST_IMAGES_PER_ACTIVITY) for activity in activities},
        }

    def info(self) -> dict:
        return dict(joint_sets={seq: source for seq, source in self.sources.items() if source is not None})

    def test_images(self, seq: str) -> int:
        """Images that the test protocol takes of a sequence and camera: all of an activity give the same number."""
        same = sum(activity_of(other) == activity_of(seq) for other in self.sequences)
        return TEST_IMAGES_PER_ACTIVITY // same // len(self.cameras)


def _frame_rule(frames: str | int) -> str | int:
    """'protocol', 'all' or a step.

    Raises:
        UserError: It is none of them.
    """
    if frames in ('protocol', 'all'):
        return frames
    if str(frames).isdigit() and int(frames) > 0:
        return int(frames)
    raise UserError(f'{frames!r} is no rule', field='--frames', remedy='give protocol, all, or a number N >= 1')
