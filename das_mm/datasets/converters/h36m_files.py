"""Files of the original Human3.6M archives: metadata.xml and poses in NASA's CDF."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np

from das_mm.engine.isolated_calls import isolated_call
from das_mm.errors import UserError

# of the 32 joints, in the order of h36m17
JOINTS_OF_32 = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
_SUBJECTS = 11  # of whom w0 holds the cameras
_AGAIN = 'copy it from the original archive again'


@dataclass(frozen=True)
class H36MCamera:
    """A camera as written in a file.

    Attributes:
        K: (3, 3) px. ``k`` (3,), ``p`` (2,): its lens, see :mod:`.h36m_lens`.
        R, T_mm: (3, 3), (3,), in the convention of the file.
    """

    K: np.ndarray
    k: np.ndarray
    p: np.ndarray
    R: np.ndarray
    T_mm: np.ndarray


@dataclass(frozen=True)
class Recording:
    """One take of a subject: ``action`` and ``trial`` count as in metadata.xml, ``prefix`` begins the files' names."""

    subject: int
    action: int
    trial: int
    prefix: str

    @property
    def seq(self) -> str:
        """``S9_Directions_1``: as the folders of extracted frames are called."""
        return f'S{self.subject}_{self.prefix.replace(" ", "_")}'


class Metadata:
    """``metadata.xml``: which file holds what, and the cameras.

    Attributes:
        recordings: All takes of all subjects.
        actions: Number of an action -> its name.
        camera_ids: Names of the four cameras, in the order of the parameters.

    Raises:
        UserError: The file is damaged or has another layout.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        try:
            root = cast(Any, ElementTree.parse(self.path).getroot())  # what it lacks fails below
        except (OSError, ElementTree.ParseError) as error:
            raise UserError(f'it cannot be read ({error})', file=path, remedy=_AGAIN) from None
        try:
            header, *rows = ([cell.text or '' for cell in row] for row in root.find('mapping'))
            subjects = [int(name.removeprefix('S')) for name in header[2:]]
            self.recordings = [
                Recording(subject, int(row[0]), int(row[1]), prefix)
                for row in rows
                if row[0].isdigit() and row[1].isdigit()
                for subject, prefix in zip(subjects, row[2:])
                if prefix
            ]
            self.actions = {number + 1: element.text for number, element in enumerate(root.find('actionnames'))}
            self.camera_ids = [element.text for element in root.find('dbcameras/index2id')]
            self._w0 = np.array([float(number) for number in root.find('w0').text.strip(' \n[]').split()])
        except (AttributeError, TypeError, ValueError, IndexError) as error:
            raise UserError(f'it is not laid out as that of Human3.6M ({error})', file=path, remedy=_AGAIN) from None
        if len(self._w0) != 6 * _SUBJECTS * len(self.camera_ids) + 9 * len(self.camera_ids):
            raise UserError(
                f'it holds {len(self._w0)} numbers of {len(self.camera_ids)} cameras',
                file=path,
                field='w0',
                remedy=_AGAIN,
            )

    def camera(self, subject: int, camera_id: str) -> H36MCamera:
        """The parameters of a camera on the day of a subject.

        Raises:
            UserError: There is no such camera.
        """
        if camera_id not in self.camera_ids:
            raise UserError(
                f'there is no camera {camera_id}',
                file=self.path,
                field='dbcameras',
                remedy=f'use some of: {", ".join(self.camera_ids)}',
            )
        index = self.camera_ids.index(camera_id)
        place = self._w0[6 * (index * _SUBJECTS + subject - 1) :][:6]
        fx, fy, cx, cy, k1, k2, k3, p1, p2 = self._w0[6 * _SUBJECTS * len(self.camera_ids) + 9 * index :][:9]
        return H36MCamera(
            np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]),
            np.array([k1, k2, k3]),
            np.array([p1, p2]),
            _rotation(place[:3]),
            place[3:],
        )


def read_pose(path: str | Path, dimensions: int) -> np.ndarray:
    """``Pose`` of a CDF file: (N, 32, dimensions), px or mm.

    Raises:
        UserError: cdflib is not installed, or the file is damaged or another.
    """
    if find_spec('cdflib') is None:
        raise UserError('cdflib is needed to read the poses', file=path, remedy='pip install das_mm[data]')
    try:
        pose = isolated_call(load_pose, str(path), file=path, remedy=_AGAIN)
    except UserError:
        raise
    except Exception as error:  # cdflib lets a broken file fail anywhere
        raise UserError(
            f'it is no whole CDF file with a variable Pose ({type(error).__name__}: {error})', file=path, remedy=_AGAIN
        ) from None
    if pose.shape[-1] != 32 * dimensions or pose.size != pose.shape[-1] * pose.shape[-2]:
        raise UserError(
            f'it has the shape {pose.shape}, not 1 × N × {32 * dimensions}', file=path, field='Pose', remedy=_AGAIN
        )
    return pose.reshape(-1, 32, dimensions)


def load_pose(path: str) -> np.ndarray:
    """What cdflib reads; it never ends with some damaged files, so it is called in a process of its own."""
    import cdflib

    return np.asarray(cdflib.CDF(path).varget('Pose'), float)


def _rotation(angles: np.ndarray) -> np.ndarray:
    """(3, 3) of three angles, rad: about x, then y, then z, each about the axes as turned so far."""
    from scipy.spatial.transform import Rotation

    return Rotation.from_euler('XYZ', angles).as_matrix()
