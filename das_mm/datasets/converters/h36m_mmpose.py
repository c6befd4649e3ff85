"""mmpose's files of Human3.6M: names of its images, and its pickled cameras."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from das_mm.errors import UserError

from . import body3d_npz
from .camera_conventions import by_common_point, by_reprojection
from .h36m_lens import OFF_LIMIT_PX, opencv_distortion


def parse_name(name: str, npz: Path) -> tuple[int, str, str, int]:
    """Subject, sequence, camera and frame of ``…/S1_Directions_1.54138969_000001.jpg``."""
    found = re.fullmatch(r'(?:.*/)?(S(\d+)_[^/.]+)\.(\d{8})_(\d+)\.\w+', name)
    if found is None:
        raise UserError(
            f'{name!r} is no name of an image of Human3.6M',
            file=npz,
            field='imgname',
            remedy='give an h36m_*.npz of mmpose',
        )
    return int(found[2]), found[1], found[3], int(found[4])


class MmposeCameras:
    """The cameras of a file ``cameras.pkl`` (lengths in it are metres), each lens fitted once.

    Raises:
        UserError: The file holds no cameras of Human3.6M; the methods too, where a camera is not there or not whole.
    """

    def __init__(self, path: Path):
        self._cameras, self._path, self._fitted = body3d_npz.read_cameras(path), path, {}

    def lens(self, subject: int, view: str, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """K (3, 3) and OpenCV's dist (5,)."""
        key = (subject, view, size)
        if key not in self._fitted:
            camera = self._camera(subject, view)
            K = body3d_npz.pinhole(camera)
            self._fitted[key] = (
                K,
                opencv_distortion(K, self._vector(camera, 'k', 3), self._vector(camera, 'p', 2), size)[0],
            )
        return self._fitted[key]

    def pose(self, subject: int, view: str) -> tuple[np.ndarray, np.ndarray]:
        """R (3, 3) and T (3,) mm, in the convention of the file."""
        camera = self._camera(subject, view)
        return self._vector(camera, 'R', 9).reshape(3, 3), 1000 * self._vector(camera, 'T', 3)

    def poses(self, subject: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of all cameras of a subject."""
        return [self.pose(subject, view) for name, view in self._cameras if name == f'S{subject}']

    def _camera(self, subject: int, view: str) -> dict:
        try:
            return self._cameras[f'S{subject}', view]
        except KeyError:
            raise UserError(
                f'there is no camera {view} of S{subject}',
                file=self._path,
                remedy='give the cameras file that belongs to the npz with --camera-file',
            ) from None

    def _vector(self, camera: dict, name: str, length: int) -> np.ndarray:
        values = np.ravel(camera.get(name, ())).astype(float)
        if len(values) != length:
            raise UserError(
                f'it holds {len(values)} numbers, not {length}',
                file=self._path,
                field=name,
                remedy='give the cameras file that belongs to the npz',
            )
        return values


def pose_convention(rows: body3d_npz.Body3D, cameras: MmposeCameras, npz: Path) -> str | None:
    """How R and T are meant: by a moment seen from two cameras; where there is none, by the point that all look at."""
    first: dict[tuple, int] = {}
    for row, name in enumerate(rows.names):
        subject, seq, view, frame = parse_name(name, npz)
        other = first.setdefault((seq, frame), row)
        if other != row:
            K, dist = cameras.lens(subject, view, (1000, 1000))
            source = cameras.pose(subject, parse_name(rows.names[other], npz)[2])
            return by_reprojection(
                source,
                cameras.pose(subject, view),
                rows.points_mm[other],
                rows.keypoints_px[row],
                K,
                dist,
                OFF_LIMIT_PX,
            )
    return by_common_point(cameras.poses(parse_name(rows.names[0], npz)[0])) if rows.names else None
