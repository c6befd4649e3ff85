"""MPI-INF-3DHP (Mehta et al. 2017): from the original archives, or from mmpose's npz files.

The 3D joints are in each camera's frame as they are stored; the extrinsics are handed on, not applied.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from das_mm.errors import UserError

from . import body3d_npz
from .base import Converter, Job, Part, add_without_images, camera_entry, flags_in_image, image_size, person_entry
from .mpi_inf_3dhp_files import NUM_CAMERAS, Keypoints, read_calibration, read_test, read_training
from .mpi_inf_3dhp_mmpose import npz_camera, parse_name
from .mpi_inf_3dhp_options import FRAMES, KEEP, SUBJECTS, TEST_FRAMES, MPIINF3DHPOptions
from .video_frames import extract_frames

_TRAIN_FOLDERS, _TEST_FOLDERS = ('.', 'train'), ('mpi_inf_3dhp_test_set', 'test', '.')


class MPIINF3DHPConverter(Converter):
    """One person before up to 14 cameras, in the order of ``mupots17``, with the universal skeleton beside the own.

    Sequences are named ``S1_Seq2`` (the camera is the view) and ``TS1``; frames count from 1.

    Args:
        root: Folder of the archives.
        split: Which part.
        options: The fields of :class:`MPIINF3DHPOptions`.
    """

    name = 'mpi-inf-3dhp'
    options_class = MPIINF3DHPOptions
    title = 'MPI-INF-3DHP'
    keypoint_set = 'mupots17'
    splits = ('train', 'test')
    reprojection_limit_px = 5.0
    tree = (
        'DIR/S1 … S8/Seq1, Seq2/annot.mat, camera.calibration      (or below DIR/train)\n'
        'DIR/S1/Seq1/imageFrames/video_0/frame_000001.jpg          (or imageSequence/video_0.avi with --extract)\n'
        'DIR/mpi_inf_3dhp_test_set/TS1 … TS6/annot_data.mat, imageSequence/img_000001.jpg'
    )

    def __init__(self, root: str | Path, split: str = 'train', **options: Any):
        super().__init__(root, split)
        chosen = MPIINF3DHPOptions(**options)
        self.subjects = None if chosen.subjects is None else tuple(chosen.subjects)
        self.cameras, self.extract = tuple(chosen.cameras), chosen.extract
        self.without_images = chosen.without_images
        self.every = chosen.every if chosen.every is not None else 10 if split == 'train' else 1
        self.keep = chosen.keep or ('inside' if split == 'train' else 'all')
        self.images = Path(chosen.images) if chosen.images is not None else self.root
        self.npz = Path(chosen.npz) if chosen.npz is not None else None
        self.camera_file = Path(chosen.camera_file) if chosen.camera_file is not None else None
        for value, possible, field in (
            (self.subjects or (), SUBJECTS[split], '--subjects'),
            (self.cameras, range(NUM_CAMERAS), '--cameras'),
            ((self.keep,), KEEP, '--keep'),
        ):
            if not set(value) <= set(possible):
                raise UserError(f'{value} is not possible', field=field, remedy=f'choose from {tuple(possible)}')
        if self.without_images and (split != 'train' or self.npz is not None):
            raise UserError(
                'only the archives of the training set tell the sizes of their images',
                field='--without-images',
                remedy='convert with the images',
            )
        if self.every < 1:
            raise UserError(f'{chosen.every} is not possible', field='--every', remedy='give 1 or more')

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument('--subjects', type=int, nargs='+', metavar='N', help='S or TS numbers; default: all')
        parser.add_argument('--cameras', type=int, nargs='+', metavar='K', help='of 0 to 13; default: 0 1 2 4 5 6 7 8')
        parser.add_argument('--every', type=int, metavar='N', help='every Nth frame; default: train 10, test 1')
        parser.add_argument(
            '--keep',
            choices=KEEP,
            help='inside: only frames with all joints in the image; default: train inside, test all',
        )
        parser.add_argument('--images', metavar='DIR', help='folder of the training frames; default: --root')
        parser.add_argument('--extract', action='store_true', help='make the training frames from the videos')
        parser.add_argument('--npz', metavar='FILE', help="mmpose's npz instead of the original archives")
        parser.add_argument('--camera-file', metavar='FILE', help='its cameras; default: cameras_SPLIT.pkl beside it')
        add_without_images(parser, 'the calibration of the training set')

    @property
    def image_root(self) -> Path:
        return self.images

    def jobs(self) -> list[Job]:
        if self.npz is not None:
            names = body3d_npz.image_names(self.npz)
            return body3d_npz.row_jobs(self.npz, list(range(len(names)))[:: self.every])
        return self._training_jobs() if self.split == 'train' else self._test_jobs()

    def convert(self, job: Job) -> Part:
        if self.npz is not None:
            return self._convert_npz(self.npz, job)
        return (self._convert_training if self.split == 'train' else self._convert_test)(Path(job.arguments['folder']))

    def expected(self) -> dict[str, str]:
        if self.npz is not None:
            return {}
        chosen = self.subjects or SUBJECTS[self.split]
        if self.split == 'test':
            counts = [TEST_FRAMES[subject] for subject in chosen]
            return {'sequences': str(len(counts)), 'images': f'{sum(counts)} at --every 1'}
        counts = [count for (subject, _), count in FRAMES.items() if subject in chosen]
        frames = sum(-(-count // self.every) for count in counts)
        return {
            'sequences': str(len(counts) * len(self.cameras)),
            'images': f'at most {frames * len(self.cameras)}, all joints inside or not',
        }

    def _training_jobs(self) -> list[Job]:
        folders = self._folders('S', _TRAIN_FOLDERS)
        sequences = [path.parent for folder in folders for path in sorted(folder.glob('Seq*/annot.mat'))]
        if not sequences:
            self.require(self.root / 'S1' / 'Seq1' / 'annot.mat', 'the annotation')
        return [
            Job(
                f'{path.parent.name}_{path.name}',
                dict(folder=str(path)),
                (path / 'annot.mat', path / 'camera.calibration'),
            )
            for path in sequences
        ]

    def _test_jobs(self) -> list[Job]:
        folders = [path for path in self._folders('TS', _TEST_FOLDERS) if (path / 'annot_data.mat').exists()]
        if not folders:
            self.require(self.root / 'mpi_inf_3dhp_test_set' / 'TS1' / 'annot_data.mat', 'the annotation')
        return [Job(path.name, dict(folder=str(path)), (path / 'annot_data.mat',)) for path in folders]

    def _folders(self, prefix: str, parents: Sequence[str]) -> list[Path]:
        """Those of the subjects that are there; subjects asked for by name must be."""
        places = [self.root / parent for parent in parents]
        found = []
        for subject in self.subjects or SUBJECTS[self.split]:
            there = [place / f'{prefix}{subject}' for place in places if (place / f'{prefix}{subject}').is_dir()]
            found += there[:1]
            if not there and self.subjects is not None:
                self.require(self.root / f'{prefix}{subject}', f'{prefix}{subject}')
        return found

    def _convert_training(self, folder: Path) -> Part:
        part = Part()
        cameras = read_calibration(self.require(folder / 'camera.calibration', 'the calibration'))
        for number, keypoints in read_training(folder / 'annot.mat', list(self.cameras)).items():
            camera = cameras[number]
            frames = self._chosen(keypoints, np.arange(len(keypoints)), camera.size, part)
            place = self.images / folder.relative_to(self.root) / 'imageFrames' / f'video_{number}'
            paths = {frame: place / f'frame_{frame + 1:06d}.jpg' for frame in frames}
            if self.extract:
                extract_frames(folder / 'imageSequence' / f'video_{number}.avi', paths)
            common = dict(
                cam_param=camera_entry(camera.K, camera.R, camera.T_mm),
                view=str(number),
                seq=f'{folder.parent.name}_{folder.name}',
            )
            if frames and not self.without_images and not any(path.exists() for path in paths.values()):
                part.notes.append('some cameras have no frames at all: make them with --extract')
            given = camera.size if self.without_images else None
            for frame in frames:
                if self._add(part, paths[frame], keypoints, frame, common, given) not in (None, camera.size):
                    raise UserError(
                        f'the image is not of {camera.size[0]}x{camera.size[1]} px, the size of the calibration',
                        file=paths[frame],
                        remedy='extract the frames without resizing',
                    )
        return part

    def _convert_test(self, folder: Path) -> Part:
        part, sequence = Part(), read_test(folder / 'annot_data.mat')
        place = folder / 'imageSequence'
        sizes = (image_size(path) for path in sorted(place.glob('img_*.jpg')))
        size = next((size for size in sizes if size is not None), (1, 1))
        counted = np.flatnonzero(sequence.valid)
        part.counts['frames that do not count'] += len(sequence.valid) - len(counted)
        common = dict(cam_param=camera_entry(sequence.K), seq=folder.name)
        for frame in self._chosen(sequence.keypoints, counted, size, part):
            activity = dict(activity=int(sequence.activity[frame]))
            self._add(part, place / f'img_{frame + 1:06d}.jpg', sequence.keypoints, frame, common | activity)
        return part

    def _chosen(self, keypoints: Keypoints, frames: np.ndarray, size: tuple[int, int], part: Part) -> list[int]:
        """Every nth of the frames (numbers from 0), if wanted without those in which joints are out of the image."""
        frames = frames[frames % self.every == 0] if self.split == 'train' else frames[:: self.every]
        inside = np.array([_inside(keypoints.px[frame], size) for frame in frames], bool)
        if self.keep == 'inside':
            part.counts['frames left out: a joint is out of the image'] += int((~inside).sum())
            frames = frames[inside]
        return [int(frame) for frame in frames]

    def _add(
        self,
        part: Part,
        path: Path,
        keypoints: Keypoints,
        frame: int,
        common: dict,
        given_size: tuple[int, int] | None = None,
    ) -> tuple[int, int] | None:
        """One image with its person; its size, or None where it is missing, as with ``given_size`` it may be."""
        size = given_size or image_size(path)
        if size is None:
            part.miss(path.relative_to(self.image_root).as_posix())
            return None
        px = keypoints.px[frame]
        person = person_entry(
            self.keypoint_set,
            px,
            flags_in_image(px, np.ones(len(px)), size),
            size,
            points_mm=keypoints.points_mm[frame],
            track_id=0,
            keypoints_3d_univ=np.round(keypoints.universal_mm[frame], 3).tolist(),
        )
        part.images.append(
            dict(
                file_name=path.relative_to(self.image_root).as_posix(),
                width=size[0],
                height=size[1],
                frame=frame + 1,
                annotations=[person],
                **common,
            )
        )
        return size

    def _convert_npz(self, npz: Path, job: Job) -> Part:
        """Rows of mmpose's file: it has no universal skeleton and says nothing about the activity."""
        part = Part()
        cameras = body3d_npz.read_cameras(self.camera_file or npz.with_name(f'cameras_{self.split}.pkl'))
        rows = body3d_npz.read_rows(npz, job.arguments['rows'])
        for name, px, known, points, valid in zip(
            rows.names, rows.keypoints_px, rows.known, rows.points_mm, rows.valid_3d
        ):
            key, seq, view, frame = parse_name(name, npz)
            if key not in cameras:
                raise UserError(
                    f'there is no camera {key}',
                    file=self.camera_file or npz,
                    field='imgname',
                    remedy='give the cameras file that belongs to the npz with --camera-file',
                )
            file_name = body3d_npz.find_image(self.image_root, name)
            size = image_size(self.image_root / file_name)
            flags = flags_in_image(px, known, size) if size else known
            if size is None:
                part.miss(file_name)
                continue
            if self.keep == 'inside' and (flags == 1).any():
                part.counts['frames left out: a joint is out of the image'] += 1
                continue
            person = person_entry(self.keypoint_set, px, flags, size, points_mm=points, valid_3d=valid, track_id=0)
            image = dict(
                file_name=file_name,
                width=size[0],
                height=size[1],
                seq=seq,
                frame=frame,
                cam_param=npz_camera(cameras, key, seq),
                annotations=[person],
            )
            part.images.append(image | ({} if view is None else dict(view=view)))
        return part


def _inside(keypoints_px: np.ndarray, size: tuple[int, int]) -> bool:
    return bool((flags_in_image(keypoints_px, np.ones(len(keypoints_px)), size) == 2).all())
