"""MuPoTS-3D, the test set of 20 sequences (datasets.md §6)."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from das_mm.errors import UserError

from .base import Converter, Job, Part, add_without_images, camera_entry, flags_in_image, image_size, person_entry
from .moon_json import index_moon_json, read_slice
from .mupots_files import Camera, Person, estimate_intrinsics, frame_of, json_camera, json_person, read_mats

SEQUENCES = tuple(f'TS{number}' for number in range(1, 21))
_MM = 3  # decimals kept


class MuPoTSConverter(Converter):
    """MultiPersonTestSet to the annotation format.

    ``annot.mat`` is the truth of the benchmark: annot3 becomes ``keypoints_3d``, univ_annot3 ``keypoints_3d_univ``,
    isValidFrame ``is_valid``, occlusion_labels ``occluded`` (and flag 1). People keep their order, on which the
    official matching depends. annot2 is stored as it is: it is the image of annot3 under the published intrinsics.

    Intrinsics come from MuPoTS-3D.json, or by least squares from annot2 and annot3 where it is absent. A sequence
    without annot.mat is read from the json, which has no univ_annot3.

    Args:
        root: Folder that holds MultiPersonTestSet, or that folder itself; MuPoTS-3D.json lies in it.
        without_images: Convert the annotations alone; sizes are those that MuPoTS-3D.json tells, which must be there.
    """

    name = 'mupots'
    title = 'MuPoTS-3D'
    keypoint_set = 'mupots17'
    splits = ('test',)
    reprojection_limit_px = 2.0
    tree = (
        'MultiPersonTestSet/TS1 … TS20/img_000000.jpg …, annot.mat, occlusion.mat\n'
        'MuPoTS-3D.json    intrinsics; optional'
    )

    def __init__(self, root: str | Path, split: str = 'test', without_images: bool = False):
        super().__init__(root, split)
        self.without_images = without_images
        below = self.root / 'MultiPersonTestSet'
        self.test_set = below if below.is_dir() else self.root
        candidates = (self.root / 'MuPoTS-3D.json', self.test_set / 'MuPoTS-3D.json')
        self.json_file = next((path for path in candidates if path.is_file()), None)

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        add_without_images(parser, 'MuPoTS-3D.json')

    def jobs(self) -> list[Job]:
        """One a sequence; absent ones are one job that counts them."""
        present = [seq for seq in SEQUENCES if (self.test_set / seq).is_dir()]
        absent = [seq for seq in SEQUENCES if seq not in present]
        slices = self._slices(present)
        jobs = [
            Job(
                seq,
                dict(seq=seq, entries=slices.get(seq)),
                [path for path in (*self._mats(seq), self.test_set / seq, self.json_file) if path is not None],
            )
            for seq in present
        ]
        if absent and present:
            jobs.append(Job('absent sequences', dict(absent=absent), [self.test_set]))
        return jobs

    def convert(self, job: Job) -> Part:
        if 'absent' in job.arguments:
            absent = job.arguments['absent']
            return Part(counts=Counter({'sequences missing': len(absent)}), notes=[f'{", ".join(absent)}: not there'])
        seq, entries = job.arguments['seq'], job.arguments['entries']
        part = Part()
        file, in_json = self.json_file, {}
        if file is not None and entries is not None:
            in_json = {frame_of(image): (image, people) for image, people in read_slice(file, entries)}
        annot, occlusion = self._mats(seq)
        if annot.is_file() or file is None or not in_json:
            self.require(annot, 'the annotation of the sequence')
            frames = read_mats(annot, occlusion if occlusion.is_file() else None)
            if not occlusion.is_file():
                part.notes.append(f'{seq} has no occlusion.mat: nothing is known of occlusion there')
        else:
            frames = {frame: [json_person(person, file) for person in people] for frame, (_, people) in in_json.items()}
            part.notes.append(
                f'{seq} has no annot.mat: taken from {file.name}, without univ_annot3, by '
                'which the official evaluation goes'
            )
        cameras = {} if file is None else {frame: json_camera(image, file) for frame, (image, _) in in_json.items()}
        self._add_images(part, seq, frames, cameras)
        return part

    def expected(self) -> dict[str, str]:
        return {'sequences': str(len(SEQUENCES)), 'images': 'about 8 000'}

    def _mats(self, seq: str) -> tuple[Path, Path]:
        return self.test_set / seq / 'annot.mat', self.test_set / seq / 'occlusion.mat'

    def _slices(self, sequences: list[str]) -> dict[str, dict]:
        """Where the json holds the images and people of each sequence."""
        if self.json_file is None:
            return {}
        index = index_moon_json(self.json_file)
        owners = [Path(name).parent.name for name in index.file_names]
        rows = {seq: [row for row, owner in enumerate(owners) if owner == seq] for seq in sequences}
        return {seq: index.slice(of_seq) for seq, of_seq in rows.items() if of_seq}

    def _add_images(self, part: Part, seq: str, frames: dict[int, list[Person]], cameras: dict[int, Camera]) -> None:
        """Entries of ``images[]`` with their people, for every image that is there."""
        folder = self.test_set / seq
        paths = {frame: folder / f'img_{frame:06d}.jpg' for frame in frames}
        there = [frame for frame, path in paths.items() if self.without_images or path.is_file()]
        if len(there) < len(frames):
            for frame in frames.keys() - set(there):
                part.miss(paths[frame].relative_to(self.root).as_posix())
            part.notes.append(f'{seq}: {len(frames) - len(there)} of {len(frames)} images are not there')
        if not there:
            return
        any_camera = next(iter(cameras.values()), None) or self._estimated_camera(part, seq, frames, paths[there[0]])
        for frame in there:
            camera = cameras.get(frame, any_camera)
            people = [entry for entry in (_entry(person, camera.size) for person in frames[frame]) if entry is not None]
            part.counts['people that are not valid'] += sum(not person['is_valid'] for person in people)
            part.images.append(
                dict(
                    file_name=paths[frame].relative_to(self.root).as_posix(),
                    width=camera.size[0],
                    height=camera.size[1],
                    seq=seq,
                    frame=frame,
                    has_3d=True,
                    cam_param=camera_entry(camera.K),
                    annotations=people,
                )
            )

    def _estimated_camera(self, part: Part, seq: str, frames: dict[int, list[Person]], image: Path) -> Camera:
        """K by least squares, where no file tells it."""
        people = [person for frame in frames.values() for person in frame if person.is_valid]
        keypoints = np.array([person.keypoints for person in people]).reshape(-1, 2)
        points = np.array([person.points for person in people]).reshape(-1, 3)
        K, off_px = estimate_intrinsics(keypoints, points, file=image.parent)
        size = image_size(image)
        if size is None:
            raise UserError(
                'is no image that can be read',
                file=image,
                remedy='extract the archive again; without images put MuPoTS-3D.json into --root',
            )
        part.notes.append(
            f'{seq}: intrinsics by least squares from annot2 and annot3 (median residual {off_px:.2g} px)'
        )
        return Camera(K, size)


def _entry(person: Person, size: tuple[int, int]) -> dict | None:
    """An entry of ``annotations[]``; None where there are no numbers at all (an unused cell)."""
    known = (person.points[:, 2] > 0) & np.isfinite(np.concatenate([person.points, person.keypoints], 1)).all(1)
    if not known.any():
        return None
    more: dict[str, Any] = dict(is_valid=person.is_valid)
    if person.univ is not None:
        more['keypoints_3d_univ'] = np.round(np.where(known[:, None], person.univ, 0), _MM).tolist()
    if person.occluded is not None:
        more['occluded'] = person.occluded.astype(int).tolist()
    flags = flags_in_image(person.keypoints, known, size, hidden=person.occluded)
    return person_entry('mupots17', person.keypoints, flags, size, points_mm=person.points, valid_3d=known, **more)
