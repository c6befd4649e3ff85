"""One ``.npz`` for every identity of a video, made out of its json lines in memory that does not grow with the video.

Each holds, for the T frames in which the person was found: ``frames`` (T), ``times_s`` (T), ``scores`` (T),
``bboxes_px`` (T, 4), ``keypoints_px`` (T, K, 2), ``keypoint_scores`` (T, K), ``keypoints_cam_mm`` (T, K, 3),
``root_px`` (T, 2), ``root_cam_mm`` (T, 3), of a camera that stands still ``root_world_m`` (T, 3), ``K`` (T, 3, 3) of
the camera, with sigma ``keypoints_sigma_px`` (T, K, 2) and ``relative_depths_sigma_mm`` (T, K), with meshes
``smpl_global_orient`` (T, 3), ``smpl_body_pose`` (T, 23, 3), ``smpl_betas`` (T, 10) and ``smpl_transl_mm`` (T, 3), of
other tasks the fields they describe by their names; and ``track_id``, ``keypoint_names`` (K) and the video's ``name``.
What is null in the results is NaN here. Units and frames are those of the results (:mod:`.results`).
"""

from __future__ import annotations

import contextlib
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from das_mm.bodies.smpl_fields import SMPL_FIELDS
from das_mm.engine import atomic_open
from das_mm.engine.write_errors import write_remedy
from das_mm.errors import UserError
from das_mm.structures.task_fields import TaskField

from .result_files import read_results

_BUFFER_BYTES = 8 << 20  # of all people together, before they go to their temporary files
_CHUNK_ROWS = 2048


def write_track_files(results: str | Path, folder: str | Path, fields: Sequence[TaskField] = SMPL_FIELDS) -> list[Path]:
    """Write ``folder/0000.npz`` and so on, by identity; those that an earlier call left there are removed.

    Args:
        results: The ``.jsonl`` of a video.
        folder: Is made where it is not there and there is somebody.
        fields: What tasks tell of people; those that are in the results and are meant for tracks are columns.

    Returns:
        The files written, by identity; none where nobody is followed.

    Raises:
        UserError: The results cannot be read, or the files not be written.
    """
    folder = Path(folder)
    try:
        for old in folder.glob('*.npz'):
            if old.stem.isdecimal():
                old.unlink()
        with tempfile.TemporaryDirectory(prefix='.rows_', dir=Path(results).parent) as spool:
            rows = _Rows(Path(spool), [one for one in fields if one.in_tracks])
            first = None
            for number, result in enumerate(read_results(results), 1):
                first = first or result
                try:
                    rows.add(result)
                except (TypeError, ValueError) as error:  # of shape or kind; the schema knows no keypoint set or task
                    raise UserError(
                        f'it does not fit the lines before it: {error}',
                        file=results,
                        field=f'line {number}',
                        remedy='give the results of one video by one model',
                    ) from error
            rows.flush()
            kind = rows.kind
            if first is None or kind is None:  # nobody is followed
                with contextlib.suppress(OSError):  # somebody else's files are in it
                    folder.rmdir()
                return []
            return [
                _write_file(folder / f'{identity:04d}.npz', rows.file_of(identity), kind, identity, first)
                for identity in sorted(rows.identities)
            ]
    except OSError as error:
        raise UserError(
            f'the tracks cannot be written: {error.strerror or error}', file=folder, remedy=write_remedy(error)
        ) from error


class _Rows:
    """Rows of fixed size, by identity, in temporary files."""

    def __init__(self, folder: Path, fields: Sequence[TaskField]) -> None:
        self.folder, self.fields, self.kind, self.identities = folder, fields, None, set()
        self._waiting: dict[int, bytearray] = defaultdict(bytearray)
        self._waiting_bytes = 0

    def add(self, result: Mapping[str, Any]) -> None:
        for person in result['people']:
            if person.get('track_id') is None:
                continue
            if self.kind is None:
                self.fields = [one for one in self.fields if (one.group or one.name) in person]
                self.kind = _row_type(person, len(result['keypoint_names']), self.fields)
            row = _row(self.kind, person, result, self.fields).tobytes()
            self._waiting[person['track_id']] += row
            self._waiting_bytes += len(row)
        if self._waiting_bytes > _BUFFER_BYTES:
            self.flush()

    def flush(self) -> None:
        for identity, rows in self._waiting.items():
            self.identities.add(identity)
            with open(self.file_of(identity), 'ab') as file:
                file.write(rows)
        self._waiting.clear()
        self._waiting_bytes = 0

    def file_of(self, identity: int) -> Path:
        return self.folder / str(identity)


def _row_type(person: Mapping[str, Any], num_keypoints: int, fields: Sequence[TaskField]) -> np.dtype:
    points = lambda size: (num_keypoints, size)
    columns = [
        ('frames', 'i8'),
        ('times_s', 'f8'),
        ('scores', 'f4'),
        ('bboxes_px', 'f4', (4,)),
        ('keypoints_px', 'f4', points(2)),
        ('keypoint_scores', 'f4', (num_keypoints,)),
        ('keypoints_cam_mm', 'f4', points(3)),
        ('root_px', 'f4', (2,)),
        ('root_cam_mm', 'f4', (3,)),
        ('K', 'f8', (3, 3)),
    ]
    if 'root_world_m' in person:
        columns.append(('root_world_m', 'f4', (3,)))
    if 'keypoints_sigma_px' in person:
        columns += [('keypoints_sigma_px', 'f4', points(2)), ('relative_depths_sigma_mm', 'f4', (num_keypoints,))]
    columns += [(one.name, 'f4', one.shape) for one in fields]
    return np.dtype(columns)


def _row(
    kind: np.dtype, person: Mapping[str, Any], result: Mapping[str, Any], fields: Sequence[TaskField]
) -> np.ndarray:
    told = {
        'frames': result['image']['frame'],
        'times_s': result['image']['time_s'],
        'scores': person['score'],
        'bboxes_px': person['bbox_px'],
        'K': result['camera']['K'],
        **{one.name: (person if one.group is None else person[one.group] or {}).get(one.key) for one in fields},
    }
    row = np.zeros((), kind)
    for name in kind.names or ():
        value = told[name] if name in told else person[name]
        row[name] = np.nan if value is None else value
    return row


def _write_file(path: Path, rows: Path, kind: np.dtype, identity: int, first: Mapping[str, Any]) -> Path:
    """An npz column by column, each read from the rows bit by bit."""
    whole = dict(
        track_id=np.array(identity),
        keypoint_names=np.array(first['keypoint_names']),
        name=np.array(first['image']['name']),
    )
    count = rows.stat().st_size // kind.itemsize
    with atomic_open(path) as file, zipfile.ZipFile(file, 'w') as archive:
        for name, array in whole.items():
            with archive.open(f'{name}.npy', 'w') as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)
        for name in kind.names or ():
            column = kind[name]
            header = dict(descr=column.base.str, fortran_order=False, shape=(count, *column.shape))
            with archive.open(f'{name}.npy', 'w', force_zip64=True) as entry, open(rows, 'rb') as source:
                np.lib.format.write_array_header_1_0(entry, header)
                while len(chunk := np.fromfile(source, kind, _CHUNK_ROWS)):
                    entry.write(np.ascontiguousarray(chunk[name]).tobytes())
    return path
