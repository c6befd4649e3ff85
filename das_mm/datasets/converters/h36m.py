"""Human3.6M (Ionescu et al. 2014): from the original archives, or from mmpose's annotation_body3d.

Keypoints are those of the stored, distorted image. The lens is not one of OpenCV's; ``dist`` is the nearest
(:mod:`.h36m_lens`). How R and T are meant is found out by re-projecting.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from das_mm.errors import UserError

from . import body3d_npz
from .base import Converter, Job, Part, camera_entry, image_size
from .camera_conventions import CONVENTIONS, by_reprojection
from .h36m_entries import KEYPOINT_SET, image_entry, read_metadata
from .h36m_files import JOINTS_OF_32, H36MCamera, Recording, read_pose
from .h36m_lens import OFF_LIMIT_PX, opencv_distortion
from .h36m_mmpose import MmposeCameras, parse_name, pose_convention
from .h36m_protocol import BROKEN_VIDEO, CAMERAS, MISALIGNED, PROTOCOLS, WHOLE_RECORDINGS, H36MOptions
from .video_frames import extract_frames

_PAIR_FRAMES = 20


class H36MConverter(Converter):
    """One person before four cameras, in the order of ``h36m17`` (right leg first).

    Sequences are named ``S9_Directions_1``, the camera is the view, frames count from 1 at 50 Hz.

    Args:
        root: Folder of the archives.
        split: Which part.
        options: The fields of :class:`H36MOptions`.
    """

    name = 'h36m'
    options_class = H36MOptions
    title = 'Human3.6M'
    keypoint_set = KEYPOINT_SET
    splits = ('train', 'test')
    reprojection_limit_px = 1.0
    tree = (
        'DIR/metadata.xml\n'
        'DIR/S1/MyPoseFeatures/D2_Positions/Directions 1.54138969.cdf\n'
        'DIR/S1/MyPoseFeatures/D3_Positions_mono/Directions 1.54138969.cdf\n'
        'DIR/S1/MyPoseFeatures/D3_Positions/Directions 1.cdf      (optional: places of cameras are tried on it)\n'
        'DIR/images/S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg\n'
        '                                      (or DIR/S1/Videos/Directions 1.54138969.mp4 with --extract)'
    )

    def __init__(self, root: str | Path, split: str = 'train', **options: Any):
        super().__init__(root, split)
        chosen = H36MOptions(**options)
        if chosen.protocol not in PROTOCOLS:
            raise UserError(
                f'{chosen.protocol!r} is no protocol', field='--protocol', remedy=f'use one of: {", ".join(PROTOCOLS)}'
            )
        rules = PROTOCOLS[chosen.protocol]
        self.protocol, self.drop_misaligned, self.extract = chosen.protocol, chosen.drop_misaligned, chosen.extract
        self.asked = tuple(chosen.subjects or ())
        self.subjects = self.asked or (rules.train if split == 'train' else rules.test)
        self.cameras = tuple(chosen.cameras or (CAMERAS if split == 'train' else rules.test_cameras))
        self.every = (
            chosen.every if chosen.every is not None else rules.train_every if split == 'train' else rules.test_every
        )
        usual = self.root / 'images'
        self.images = (
            Path(chosen.images)
            if chosen.images is not None
            else usual
            if chosen.extract or usual.is_dir()
            else self.root
        )
        self.npz = Path(chosen.npz) if chosen.npz is not None else None
        self.camera_file = Path(chosen.camera_file) if chosen.camera_file is not None else None
        if self.every < 1:
            raise UserError(f'{chosen.every} is not possible', field='--every', remedy='give 1 or more')
        if not set(self.cameras) <= set(CAMERAS):
            raise UserError(f'{self.cameras} is not possible', field='--cameras', remedy=f'choose from {CAMERAS}')

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            '--protocol',
            choices=tuple(PROTOCOLS),
            help='subjects, cameras and frames of the literature; default: pose_p2',
        )
        parser.add_argument('--subjects', type=int, nargs='+', metavar='N', help='instead of those of the protocol')
        parser.add_argument('--cameras', nargs='+', metavar='ID', help='instead of those of the protocol')
        parser.add_argument('--every', type=int, metavar='N', help='every Nth frame instead of those of the protocol')
        parser.add_argument(
            '--drop-misaligned', action='store_true', help='leave out three takes of S9 whose ground truth is shifted'
        )
        parser.add_argument('--images', metavar='DIR', help='folder of the frames; default: images below --root')
        parser.add_argument('--extract', action='store_true', help='make the frames from the videos')
        parser.add_argument('--npz', metavar='FILE', help="mmpose's npz instead of the original archives")
        parser.add_argument('--camera-file', metavar='FILE', help='its cameras; default: cameras.pkl beside it')

    @property
    def image_root(self) -> Path:
        return self.images

    def jobs(self) -> list[Job]:
        return self._archive_jobs() if self.npz is None else self._npz_jobs(self.npz)

    def convert(self, job: Job) -> Part:
        if self.npz is None:
            return self._convert_archive(**job.arguments)
        return self._convert_npz(self.npz, job.arguments['rows'])

    def info(self) -> dict:
        return dict(protocol=f'h36m_{self.protocol}')

    def expected(self) -> dict[str, str]:
        if self.npz is not None:
            return {}
        return {'sequences': f'{len(self.subjects) * 30 * len(self.cameras)} (30 takes a subject, each camera)'}

    # the original archives

    def _archive_jobs(self) -> list[Job]:
        metadata = read_metadata(self.require(self.root / 'metadata.xml', 'the metadata'))
        for subject in self.asked:
            self.require(self.root / f'S{subject}', f'subject S{subject}')
        jobs = []
        for take in metadata.recordings:
            if take.subject not in self.subjects or take.action == WHOLE_RECORDINGS or self._dropped(take):
                continue
            for camera in self.cameras:
                files = self._pose_files(take, camera)
                there = any(path.exists() for path in files[:2])  # a take that lacks one of them is damaged
                if there and (take.subject, take.action, take.trial, camera) != BROKEN_VIDEO:
                    sources = (metadata.path, *files)
                    jobs.append(Job(f'{take.seq}.{camera}', dict(vars(take), camera=camera), sources))
        return jobs

    def _dropped(self, take: Recording) -> bool:
        return self.drop_misaligned and (take.subject, take.action, take.trial) in MISALIGNED

    def _pose_files(self, take: Recording, camera: str) -> tuple[Path, Path, Path]:
        """Keypoints in the image, points before the camera, points in the world."""
        features = self.root / f'S{take.subject}' / 'MyPoseFeatures'
        return (
            features / 'D2_Positions' / f'{take.prefix}.{camera}.cdf',
            features / 'D3_Positions_mono' / f'{take.prefix}.{camera}.cdf',
            features / 'D3_Positions' / f'{take.prefix}.cdf',
        )

    def _convert_archive(self, camera: str, **take_fields) -> Part:
        take, part = Recording(**take_fields), Part()
        metadata = read_metadata(self.root / 'metadata.xml')
        in_image, before_camera, _ = files = self._pose_files(take, camera)
        px = read_pose(self.require(in_image, 'the pose in the image'), 2)
        points = read_pose(self.require(before_camera, 'the pose before the camera'), 3)
        if len(px) != len(points):
            raise UserError(
                f'it has {len(points)} frames, but there are {len(px)} in {in_image}',
                file=before_camera,
                remedy='copy both from the original archives again',
            )
        frames = range(0, len(px), self.every)
        name = f'{take.seq}.{camera}'
        paths = {frame: self.images / f'S{take.subject}' / name / f'{name}_{frame + 1:06d}.jpg' for frame in frames}
        if self.extract:
            extract_frames(self.root / f'S{take.subject}' / 'Videos' / f'{take.prefix}.{camera}.mp4', paths)
        sizes = {frame: size for frame, path in paths.items() if (size := image_size(path)) is not None}
        for frame in paths.keys() - sizes.keys():
            part.miss(paths[frame].relative_to(self.images).as_posix())
        if not sizes:
            part.notes.append('some takes have no frames at all: make them with --extract')
            return part
        camera_parameters = metadata.camera(take.subject, camera)
        entry = self._archive_camera(camera_parameters, files, px, next(iter(sizes.values())))
        common = dict(cam_param=entry, seq=take.seq, view=camera, action=metadata.actions.get(take.action))
        joints = list(JOINTS_OF_32)
        for frame, size in sizes.items():
            part.images.append(
                image_entry(
                    paths[frame].relative_to(self.images),
                    size,
                    frame + 1,
                    px[frame, joints],
                    np.ones(len(joints)),
                    points[frame, joints],
                    np.ones(len(joints)),
                    common,
                )
            )
        return part

    def _archive_camera(
        self, camera: H36MCamera, files: tuple[Path, Path, Path], px: np.ndarray, size: tuple[int, int]
    ) -> dict:
        """``cam_param``; R and T only where the poses in the world are there to try them on."""
        dist, _ = opencv_distortion(camera.K, camera.k, camera.p, size)
        if not files[2].exists():
            return camera_entry(camera.K, dist=dist)
        world = read_pose(files[2], 3)
        if len(world) != len(px):
            raise UserError(
                f'it has {len(world)} frames, but there are {len(px)} in {files[0]}',
                file=files[2],
                remedy='copy both from the original archives again',
            )
        some = slice(None, None, max(1, len(px) // _PAIR_FRAMES))
        convention = by_reprojection(
            None,
            (camera.R, camera.T_mm),
            world[some].reshape(-1, 3),
            px[some].reshape(-1, 2),
            camera.K,
            dist,
            OFF_LIMIT_PX,
        )
        if convention is None:
            raise UserError(
                'no reading of the camera in metadata.xml brings its joints to those of the image',
                file=files[2],
                remedy='the archives do not belong together; copy them again',
            )
        return camera_entry(camera.K, *CONVENTIONS[convention](camera.R, camera.T_mm), dist)

    # mmpose's npz

    def _npz_jobs(self, npz: Path) -> list[Job]:
        if self.drop_misaligned:
            raise UserError(
                'an npz does not tell which takes are the misaligned ones',
                field='--drop-misaligned',
                remedy='leave the option out, or convert the original archives',
            )
        parsed = [parse_name(name, npz) for name in body3d_npz.image_names(npz)]
        mine = [
            row
            for row, (subject, _, camera, _) in enumerate(parsed)
            if subject in self.subjects and camera in self.cameras
        ]
        step = int(np.gcd.reduce([parsed[row][3] - 1 for row in mine])) if mine else 0
        if step > 1 and self.every % step:
            raise UserError(
                f'it holds every {step}th frame only, not every {self.every}th',
                file=npz,
                field='--every',
                remedy=f'use the file of 50 frames a second, or --every {step}',
            )
        return body3d_npz.row_jobs(npz, [row for row in mine if (parsed[row][3] - 1) % self.every == 0])

    def _convert_npz(self, npz: Path, chosen: list[int]) -> Part:
        part = Part()
        path = self._camera_file(npz)
        cameras = MmposeCameras(path)
        rows = body3d_npz.read_rows(npz, chosen)
        convention = pose_convention(rows, cameras, npz)
        if convention is None:
            part.notes.append(f'{path.name}: how R and T are meant could not be found out; they are left out')
        for name, px, known, points, valid in zip(
            rows.names, rows.keypoints_px, rows.known, rows.points_mm, rows.valid_3d
        ):
            subject, seq, view, frame = parse_name(name, npz)
            file_name = body3d_npz.find_image(self.images, name)
            size = image_size(self.images / file_name)
            if size is None:
                part.miss(file_name)
                continue
            K, dist = cameras.lens(subject, view, size)
            pose = () if convention is None else CONVENTIONS[convention](*cameras.pose(subject, view))
            common = dict(cam_param=camera_entry(K, *pose, dist=dist), seq=seq, view=view)
            part.images.append(image_entry(Path(file_name), size, frame, px, known, points, valid, common))
        return part

    def _camera_file(self, npz: Path) -> Path:
        if self.camera_file is not None:
            return self.camera_file
        beside = npz.with_name('cameras.pkl')
        return beside if beside.exists() else self.require(npz.parent.parent / 'cameras.pkl', 'the cameras')
