"""CMU Panoptic: HD cameras and frames of the monocular protocol, or any others (datasets.md §4)."""

from __future__ import annotations

import argparse
import re
from collections import Counter
from pathlib import Path

import numpy as np

from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS, convert_keypoints

from .base import Converter, Job, Part, camera_entry, flags_in_image, image_size, person_entry
from .panoptic_files import (
    BODY_SOURCES,
    Body,
    BodySource,
    HDCamera,
    body_files,
    calibration_file,
    find_source,
    image_files,
    image_folder,
    read_bodies,
    read_frame_list,
    read_hd_camera,
)

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
TRAIN_STEP = 2
TEST_IMAGES_PER_ACTIVITY = 2400

_LEAST_CONFIDENCE = 0.1
_SIDE_MARGIN = 0.15  # of the box's width, on each side
_LEAST_AREA_PX = 64
_OF_PEOPLE = ('people', 'keypoints')  # how the names of counts begin that are of people and not of frames
# set of the file -> the sources that it is made from, the better first
_SOURCES = {'panoptic15': ('coco19', 'mpi15'), 'panoptic19': ('coco19', 'mpi15'), 'panoptic15_mpi': ('mpi15', 'coco19')}


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
        sequences: Others than the protocol's; those must exist, while the protocol's are counted if absent.
        cameras: Names of HD cameras, ``00_16`` and ``00_30`` by default.
        frames: 'protocol' (train: every 2nd annotation file; test: 2400 images an activity, evenly spread over the
            frames that can be used, the same number from each sequence and camera), 'all', or a step N.
        frame_list: File with one ``sequence camera frame`` a line; replaces ``frames`` and, where they are not given,
            ``sequences`` and ``cameras``.
        joints: Keypoint set of the file: 'panoptic15', 'panoptic19', 'panoptic15_mpi', or 'auto': panoptic15_mpi where
            no sequence has coco19 joints, else panoptic15. Keypoints that a sequence lacks are not labelled there.
        min_joints: See above.
        keep_incomplete: Keep training images on which somebody was dropped.

    Raises:
        UserError: A sequence named by ``sequences`` is not there, or an option is impossible.
    """

    name = 'panoptic'
    title = 'CMU Panoptic'
    splits = ('train', 'test')
    reprojection_limit_px = 0.1  # keypoints are the projection; only rounding is left
    tree = (
        '160422_ultimatum1/                       one folder a sequence\n'
        '  calibration_160422_ultimatum1.json\n'
        '  hdPose3d_stage1_coco19/body3DScene_00000153.json …   (extracted; older: hdPose3d_stage1/)\n'
        '  hdImgs/00_16/00_16_00000153.jpg …      extracted from hdVideos, jpg or png'
    )

    def __init__(
        self,
        root: str | Path,
        split: str = 'train',
        sequences: list[str] | None = None,
        cameras: list[str] | None = None,
        frames: str | int = 'protocol',
        frame_list: str | Path | None = None,
        joints: str = 'auto',
        min_joints: int = 3,
        keep_incomplete: bool = False,
    ):
        super().__init__(root, split)
        listed = read_frame_list(Path(frame_list)) if frame_list is not None else {}
        self.sequences = list(sequences or dict.fromkeys(seq for seq, _ in listed) or SEQUENCES[split])
        self.cameras = list(cameras or dict.fromkeys(camera for _, camera in listed) or CAMERAS)
        self.frame_list = None if frame_list is None else Path(frame_list)
        self.frames = 'list' if listed else _frame_rule(frames)
        self.min_joints, self.keep_incomplete = min_joints, keep_incomplete
        if joints not in ('auto', *_SOURCES):
            raise UserError(
                f'{joints!r} is no set of this data set',
                field='--joints',
                remedy=f'use one of: auto, {", ".join(_SOURCES)}',
            )
        order = _SOURCES['panoptic15' if joints == 'auto' else joints]
        self.sources = {seq: find_source(self.root, seq, order) for seq in self.sequences}
        for seq in sequences or ():
            if self.sources[seq] is None:
                raise UserError(
                    f'the sequence {seq!r} has no body files',
                    file=self.root / seq,
                    field='--sequences',
                    remedy=f'download and extract it; it looks so:\n{self.tree}',
                )
        all_old = set(self.sources.values()) - {None} == {'mpi15'}
        self.keypoint_set = joints if joints != 'auto' else 'panoptic15_mpi' if all_old else 'panoptic15'
        self.is_protocol = not (sequences or cameras or listed) and self.frames == 'protocol'

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
            choices=('auto', *_SOURCES),
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
        return _View(self, **job.arguments).part()

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


def activity_of(seq: str) -> str:
    """``160422_haggling1`` is haggling."""
    return re.sub(r'^\d+_|\d+$', '', seq)


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


class _View:
    """One sequence as one camera saw it.

    Args:
        owner: The conversion. seq, camera: What to convert. source: Key of BODY_SOURCES.
        frames: 'protocol', 'all', a step, or a list of frames.
    """

    def __init__(self, owner: PanopticConverter, seq: str, camera: str, source: str, frames: str | int | list[int]):
        self.owner, self.seq, self.camera_name, self.frames = owner, seq, camera, frames
        self.joint_set, self.source = source, BODY_SOURCES[source]
        self.camera: HDCamera = read_hd_camera(
            owner.require(calibration_file(owner.root, seq), 'the calibration'), camera
        )
        self.bodies = body_files(owner.root / seq / self.source.folder)
        self.images = image_files(image_folder(owner.root, seq, camera), camera)
        self._check_size()

    def part(self) -> Part:
        """All images that the rule takes."""
        part = Part()
        if self.frames == 'protocol' and self.owner.split == 'test':
            self._spread(part)
        else:
            images = (self._image(frame, part) for frame in self._candidates(part))
            part.images = [image for image in images if image is not None]
        part.counts[f'images of {activity_of(self.seq)}'] += len(part.images)
        if self.joint_set != _SOURCES[self.owner.keypoint_set][0]:
            lacking = sorted(
                set(KEYPOINT_SETS[self.owner.keypoint_set].keypoints)
                - set(KEYPOINT_SETS[self.source.keypoint_set].keypoints)
            )
            part.notes.append(f'{self.seq} has {self.joint_set} joints: {", ".join(lacking)} not labelled there')
        return part

    def _spread(self, part: Part) -> None:
        """The test protocol: so many images, evenly spread over those that can be used."""
        trial = Part()  # the bodies of 27 000 frames are not kept to choose from: who is chosen is read again
        usable = [frame for frame in self._candidates(trial) if self._image(frame, trial) is not None]
        wanted = self.owner.test_images(self.seq)
        if len(usable) < wanted:
            part.notes.append(
                f'{self.seq} {self.camera_name}: the protocol takes {wanted} images, only {len(usable)} can be used'
            )
        chosen = np.linspace(0, len(usable) - 1, min(wanted, len(usable))).astype(int)
        part.images = [self._image(usable[i], part) for i in chosen]
        part.notes += trial.notes
        part.counts.update({name: count for name, count in trial.counts.items() if not name.startswith(_OF_PEOPLE)})

    def _candidates(self, part: Part) -> list[int]:
        """Frames that the rule takes, before it is known which can be used."""
        frames = list(self.bodies)
        if isinstance(self.frames, list):
            part.counts['listed frames without body file'] += len(set(self.frames) - set(frames))
            return [frame for frame in self.frames if frame in self.bodies]
        if self.frames == 'all' or (self.frames == 'protocol' and self.owner.split == 'test'):
            return frames
        return frames[:: TRAIN_STEP if self.frames == 'protocol' else self.frames]

    def _image(self, frame: int, part: Part) -> dict | None:
        """An entry of ``images[]`` with its people; None for a frame that cannot be used."""
        if frame not in self.images:
            part.counts['images missing'] += 1
            return None
        bodies = read_bodies(self.bodies[frame], self.source)
        if bodies is None:
            part.counts['body files that are no json'] += 1
            part.notes += [f'{self.bodies[frame]} is no json'] if len(part.notes) < 3 else []
            return None
        if not bodies:
            part.counts['frames without people'] += 1
            return None
        people = [person for person in (self._person(body, part) for body in bodies) if person is not None]
        complete = len(people) == len(bodies)
        if not people or not (complete or self.owner.split != 'train' or self.owner.keep_incomplete):
            part.counts['images dropped: nobody left' if not people else 'images dropped: somebody was dropped'] += 1
            return None
        width, height = self.camera.size
        return dict(
            file_name=self.images[frame].relative_to(self.owner.root).as_posix(),
            width=width,
            height=height,
            seq=self.seq,
            view=self.camera_name,
            frame=frame,
            joint_set=self.joint_set,
            has_3d=True,
            cam_param=camera_entry(self.camera.K, self.camera.R, self.camera.T_mm, self.camera.dist),
            annotations=people,
        )

    def _person(self, body: Body, part: Part) -> dict | None:
        """An entry of ``annotations[]``; None for one that is dropped."""
        points = self.camera.to_camera(body.points_mm)
        keypoints, seen = self.camera.see(points)
        valid = (body.confidence > _LEAST_CONFIDENCE) & (points[:, 2] > 0)
        counting = valid & _counting(self.source)
        if counting.sum() < self.owner.min_joints:
            part.counts[f'people dropped: fewer than {self.owner.min_joints} joints'] += 1
            return None
        box = self._box(keypoints[counting & seen])
        if box is None:
            part.counts['people dropped: not in the image'] += 1
            return None
        part.counts['keypoints beyond the lens model'] += int((valid & ~seen).sum())
        sets = dict(src=self.source.keypoint_set, dst=self.owner.keypoint_set, derive=())
        keypoints, known_2d = convert_keypoints(keypoints, valid & seen, **sets)
        points, known_3d = convert_keypoints(points, valid, **sets)
        flags = flags_in_image(keypoints, known_2d, self.camera.size)
        return person_entry(
            self.owner.keypoint_set,
            keypoints,
            flags,
            self.camera.size,
            bbox_xywh=box,
            points_mm=points,
            valid_3d=known_3d,
            track_id=body.track_id,
        )

    def _box(self, points_px: np.ndarray) -> np.ndarray | None:
        """x, y, width, height px of the released converter; None where hardly anything lies in the image."""
        if not len(points_px):
            return None
        low, high = points_px.min(0), points_px.max(0)
        width, height = high - low
        low = np.clip(low - [_SIDE_MARGIN * width, self.source.up * height], 0, np.array(self.camera.size) - 1)
        high = np.clip(high + [_SIDE_MARGIN * width, self.source.down * height], 0, np.array(self.camera.size) - 1)
        extent = high - low + 1
        return None if extent.min() <= 1 or extent.prod() <= _LEAST_AREA_PX else np.concatenate([low, extent])

    def _check_size(self) -> None:
        first = next(iter(self.images.values()), None)
        size = image_size(first) if first is not None else None
        if size is not None and size != self.camera.size:
            raise UserError(
                f'has {size[0]}x{size[1]} px, the camera {self.camera.size[0]}x{self.camera.size[1]}',
                file=first,
                remedy='extract the images at the full size of the video',
            )


def _counting(source: BodySource) -> np.ndarray:
    """(J,) joints that count and make the box: of both sources the 15 of the body, but for ``skipped``."""
    names = KEYPOINT_SETS[source.keypoint_set].keypoints
    return np.array([i < 15 and name not in source.skipped for i, name in enumerate(names)])
