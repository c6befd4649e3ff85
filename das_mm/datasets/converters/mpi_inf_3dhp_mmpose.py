"""mmpose's files of MPI-INF-3DHP: names of its images, and its cameras."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from das_mm.errors import UserError

from . import body3d_npz
from .base import camera_entry
from .camera_conventions import CONVENTIONS, by_common_point


def parse_name(name: str, npz: Path) -> tuple[str, str, str | None, int]:
    """Key of the camera, sequence, view and frame of ``S4_Seq2_Cam0_001033.jpg`` or ``TS2_001850.jpg``."""
    found = re.fullmatch(r'(?:.*/)?(?P<key>(?P<seq>TS\d+|S\d+_Seq\d+)(?:_Cam(?P<view>\d+))?)_(?P<frame>\d+)\.\w+', name)
    if found is None:
        raise UserError(
            f'{name!r} is no name of an image of MPI-INF-3DHP',
            file=npz,
            field='imgname',
            remedy='give an mpi_inf_3dhp_*.npz of mmpose',
        )
    return found['key'], found['seq'], found['view'], int(found['frame'])


def npz_camera(cameras: dict, key: str, seq: str) -> dict:
    """K, and R and T where the cameras of the sequence tell how theirs are meant (lengths in the file are metres)."""
    together = [
        (np.asarray(camera['R'], float), np.asarray(camera['T'], float).ravel())
        for other, camera in cameras.items()
        if other.startswith(f'{seq}_') and 'R' in camera
    ]
    convention = by_common_point(together) if together else None
    K = body3d_npz.pinhole(cameras[key])
    if convention is None:
        return camera_entry(K)
    R, T = CONVENTIONS[convention](np.asarray(cameras[key]['R'], float), np.asarray(cameras[key]['T'], float).ravel())
    return camera_entry(K, R, 1000 * T)
