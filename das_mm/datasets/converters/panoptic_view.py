"""One sequence of CMU Panoptic as one camera saw it: the frames that the rule takes, and their people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS, convert_keypoints

from .base import Part, camera_entry, flags_in_image, image_size, person_entry
from .panoptic_files import (
    BODY_SOURCES,
    Body,
    BodySource,
    DamagedBodies,
    HDCamera,
    body_files,
    calibration_file,
    image_files,
    image_folder,
    read_bodies,
    read_hd_camera,
)

TRAIN_STEP = 2


_LEAST_CONFIDENCE = 0.1


_SIDE_MARGIN = 0.15  # of the box's width, on each side


_LEAST_AREA_PX = 64


_OF_PEOPLE = ('people', 'keypoints')  # how the names of counts begin that are of people and not of frames


# set of the file -> the sources that it is made from, the better first
SOURCES_OF_SET = {
    'panoptic15': ('coco19', 'mpi15'),
    'panoptic19': ('coco19', 'mpi15'),
    'panoptic15_mpi': ('mpi15', 'coco19'),
}


def activity_of(seq: str) -> str:
    """``160422_haggling1`` is haggling."""
    return re.sub(r'^\d+_|\d+$', '', seq)


@dataclass(frozen=True)
class ViewRules:
    """What a conversion asks of its views: see :class:`.PanopticConverter`.

    Attributes:
        root, split, keypoint_set, min_joints, keep_incomplete: The converter's.
        test_images: Images that the test protocol takes of this sequence and camera.
        without_images: Take every frame as one that has its image, called as usual.
    """

    root: Path
    split: str
    keypoint_set: str
    min_joints: int
    keep_incomplete: bool
    test_images: int
    without_images: bool = False


class PanopticView:
    """One sequence as one camera saw it.

    Args:
        rules: Of the conversion. seq, camera: What to convert. source: Key of BODY_SOURCES.
        frames: 'protocol', 'all', a step, or a list of frames.
    """

    def __init__(self, rules: ViewRules, seq: str, camera: str, source: str, frames: str | int | list[int]):
        self.rules, self.seq, self.camera_name, self.frames = rules, seq, camera, frames
        self.joint_set, self.source = source, BODY_SOURCES[source]
        self.camera: HDCamera = read_hd_camera(calibration_file(rules.root, seq), camera)
        self.bodies = body_files(rules.root / seq / self.source.folder)
        self.images = image_files(image_folder(rules.root, seq, camera), camera)
        self._check_size()

    def part(self) -> Part:
        """All images that the rule takes."""
        part = Part()
        if self.frames == 'protocol' and self.rules.split == 'test':
            self._spread(part)
        else:
            images = (self._image(frame, part) for frame in self._candidates(part))
            part.images = [image for image in images if image is not None]
        part.counts[f'images of {activity_of(self.seq)}'] += len(part.images)
        if self.joint_set != SOURCES_OF_SET[self.rules.keypoint_set][0]:
            lacking = sorted(
                set(KEYPOINT_SETS[self.rules.keypoint_set].keypoints)
                - set(KEYPOINT_SETS[self.source.keypoint_set].keypoints)
            )
            part.notes.append(f'{self.seq} has {self.joint_set} joints: {", ".join(lacking)} not labelled there')
        return part

    def _spread(self, part: Part) -> None:
        """The test protocol: so many images, evenly spread over those that can be used."""
        trial = Part()  # the bodies of 27 000 frames are not kept to choose from: who is chosen is read again
        usable = [frame for frame in self._candidates(trial) if self._image(frame, trial) is not None]
        wanted = self.rules.test_images
        if len(usable) < wanted:
            part.notes.append(
                f'{self.seq} {self.camera_name}: the protocol takes {wanted} images, only {len(usable)} can be used'
            )
        chosen = np.linspace(0, len(usable) - 1, min(wanted, len(usable))).astype(int)
        images = (self._image(usable[i], part) for i in chosen)
        part.images = [image for image in images if image is not None]
        part.notes += trial.notes
        part.missing += trial.missing
        part.counts.update({name: count for name, count in trial.counts.items() if not name.startswith(_OF_PEOPLE)})

    def _candidates(self, part: Part) -> list[int]:
        """Frames that the rule takes, before it is known which can be used."""
        frames = list(self.bodies)
        if isinstance(self.frames, list):
            part.counts['listed frames without body file'] += len(set(self.frames) - set(frames))
            return [frame for frame in self.frames if frame in self.bodies]
        if self.frames == 'all' or (self.frames == 'protocol' and self.rules.split == 'test'):
            return frames
        return frames[:: self.frames if isinstance(self.frames, int) else TRAIN_STEP]

    def _image(self, frame: int, part: Part) -> dict | None:
        """An entry of ``images[]`` with its people; None for a frame that cannot be used."""
        image = self._image_path(frame)
        if image is None:
            part.miss(self._usual_path(frame).relative_to(self.rules.root).as_posix())
            return None
        try:
            bodies = read_bodies(self.bodies[frame], self.source)
        except DamagedBodies as damage:
            part.tell(damage.kind, str(damage.error))
            return None
        if not bodies:
            part.counts['frames without people'] += 1
            return None
        people = [person for person in (self._person(body, part) for body in bodies) if person is not None]
        complete = len(people) == len(bodies)
        if not people or not (complete or self.rules.split != 'train' or self.rules.keep_incomplete):
            part.counts['images dropped: nobody left' if not people else 'images dropped: somebody was dropped'] += 1
            return None
        width, height = self.camera.size
        return dict(
            file_name=image.relative_to(self.rules.root).as_posix(),
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

    def _image_path(self, frame: int) -> Path | None:
        """The image of a frame; None where there is none."""
        return self._usual_path(frame) if self.rules.without_images else self.images.get(frame)

    def _usual_path(self, frame: int) -> Path:
        folder = image_folder(self.rules.root, self.seq, self.camera_name)
        return folder / f'{self.camera_name}_{frame:08d}.jpg'

    def _person(self, body: Body, part: Part) -> dict | None:
        """An entry of ``annotations[]``; None for one that is dropped."""
        points = self.camera.to_camera(body.points_mm)
        keypoints, seen = self.camera.see(points)
        valid = (body.confidence > _LEAST_CONFIDENCE) & (points[:, 2] > 0)
        counting = valid & _counting(self.source)
        if counting.sum() < self.rules.min_joints:
            part.counts[f'people dropped: fewer than {self.rules.min_joints} joints'] += 1
            return None
        box = self._box(keypoints[counting & seen])
        if box is None:
            part.counts['people dropped: not in the image'] += 1
            return None
        part.counts['keypoints beyond the lens model'] += int((valid & ~seen).sum())
        source, target = self.source.keypoint_set, self.rules.keypoint_set
        keypoints, known_2d = convert_keypoints(keypoints, valid & seen, source, target, derive=())
        points, known_3d = convert_keypoints(points, valid, source, target, derive=())
        flags = flags_in_image(keypoints, known_2d, self.camera.size)
        return person_entry(
            self.rules.keypoint_set,
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
        first = None if self.rules.without_images else next(iter(self.images.values()), None)
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
