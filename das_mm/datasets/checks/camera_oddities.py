"""Images and cameras that can hardly be right: one picture twice, a camera of another image, no rotation."""

from __future__ import annotations

import numpy as np

from das_mm.structures import focal_px

from .findings import Findings, Kind
from .labels import Labels

_FOV_DEG = (10.0, 140.0)


def images_twice(labels: Labels, findings: Findings) -> None:
    """Warns of pictures that stand under two images."""
    names = np.array([image['file_name'] for image in labels.file.images])
    _, first = np.unique(names, return_index=True)
    again = np.setdiff1d(np.arange(len(names)), first)
    if len(again):
        findings.warn(
            Kind(
                'images.file_name',
                'is used by an image before',
                'one picture with two sets of labels: each calls the people of the other background',
                'put all people of a picture under one image',
            ),
            (labels.image_name(row) for row in again),
            len(again),
        )


def odd_cameras(labels: Labels, findings: Findings) -> None:
    """Warns of images with 3D and no camera, and of cameras that cannot be those of their images."""

    def note(kind: Kind, rows: np.ndarray) -> None:
        if len(rows):
            findings.warn(kind, (labels.image_name(row) for row in rows), len(rows))

    with_3d = np.zeros(len(labels.file.images), bool)
    with_3d[labels.people.image_row[labels.with_3d]] = True
    note(
        Kind(
            'images.cam_param',
            'is missing though there are keypoints_3d',
            "without the focal length nobody's depth can be learnt or judged",
            'give K of the stored image',
        ),
        np.flatnonzero(with_3d & ~labels.has_camera),
    )
    known = np.flatnonzero(labels.has_camera)
    if not len(known):
        return
    cameras = [labels.file.images[row]['cam_param'] for row in known]
    K = np.array([camera['K'] for camera in cameras])
    size = np.array([(labels.file.images[row]['width'], labels.file.images[row]['height']) for row in known], float)
    note(
        Kind(
            'images.cam_param.K',
            'has its principal point outside of the image',
            'K is probably that of another size of the image, or transposed',
            'K must be that of the stored image: scale it with the image',
        ),
        known[((K[:, :2, 2] < 0) | (K[:, :2, 2] > size)).any(1)],
    )
    fov = np.degrees(2 * np.arctan(size.max(1) / (2 * focal_px(K))))
    least, most = _FOV_DEG
    note(
        Kind(
            'images.cam_param.K',
            f'has a field of view that is not between {least:g} and {most:g} degrees',
            'the focal length is in px of the stored image, neither in mm nor of another size',
            'fx = width / (2 tan(horizontal field of view / 2))',
        ),
        known[(fov < least) | (fov > most)],
    )
    R = np.array([np.eye(3) if camera['R'] is None else camera['R'] for camera in cameras])
    skewed = np.abs(R @ R.transpose(0, 2, 1) - np.eye(3)).max((1, 2)) > 1e-2
    note(
        Kind(
            'images.cam_param.R',
            'is no rotation (R·Rᵀ is not 1, or it mirrors)',
            'it may be a vector, or mirrored',
            'X_camera = R·X_world + T',
        ),
        known[skewed | (np.linalg.det(R) < 0)],
    )
