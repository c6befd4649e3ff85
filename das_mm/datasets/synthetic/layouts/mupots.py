"""The layout of MuPoTS-3D (datasets.md §6)."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.io

from das_mm.engine import atomic_write
from das_mm.errors import UserError

from .base import Layout, PersonGroundTruth, SceneGroundTruth
from .camera_views import CameraView, write_image

_SEQUENCES = 20
_SET = 'mupots17'
_UNIVERSAL_LEG_MM = 850.0  # hip to knee to ankle of the height that everyone is scaled to
_HIP, _KNEE, _ANKLE = 8, 9, 10


class MuPoTSLayout(Layout):
    """MultiPersonTestSet/TS1 … with annot.mat and occlusion.mat, and MuPoTS-3D.json; a clip is a sequence.

    Args:
        with_json: Also write MuPoTS-3D.json, which alone tells the intrinsics.
    """

    name = 'mupots'
    kind = 'clips'
    splits = ('test',)

    def __init__(self, with_json: bool = True):
        self.with_json = with_json

    def write(self, scenes: Sequence[SceneGroundTruth], root: Path, split: str) -> None:
        clips: dict[str, list[SceneGroundTruth]] = {}
        for scene in scenes:
            clips.setdefault(scene.seq, []).append(scene)
        if len(clips) > _SEQUENCES:
            raise UserError(
                f'{len(clips)} clips do not fit into its {_SEQUENCES} sequences',
                field='--num',
                remedy='make fewer or longer clips',
            )
        images, annotations = [], []
        for number, clip in enumerate(clips.values(), 1):
            _write_sequence(clip, Path(root) / 'MultiPersonTestSet', f'TS{number}', images, annotations)
        if self.with_json:
            content = dict(images=images, annotations=annotations)
            atomic_write(Path(root) / 'MuPoTS-3D.json', json.dumps(content).encode())


def _write_sequence(
    clip: list[SceneGroundTruth], root: Path, seq: str, images: list[dict], annotations: list[dict]
) -> None:
    """Pictures and mats of one sequence; its entries of the json are appended."""
    first = clip[0]
    view = CameraView(first.K, (first.width, first.height), np.zeros(5), np.eye(3))  # one camera a sequence
    columns = sorted({person.track_id for scene in clip for person in scene.people})
    cells, labels = (np.empty((len(clip), len(columns)), object) for _ in range(2))
    for row, scene in enumerate(clip):
        file_name = f'{seq}/img_{row:06d}.jpg'
        write_image(root / file_name, view.picture(scene))
        images.append(
            dict(
                id=len(images),
                file_name=file_name,
                width=first.width,
                height=first.height,
                intrinsic=[first.K[0, 0], first.K[1, 1], first.K[0, 2], first.K[1, 2]],
            )
        )
        people = {person.track_id: person for person in scene.people}
        for column, track_id in enumerate(columns):
            cells[row, column], labels[row, column] = _cell(people.get(track_id), view)
        annotations.extend(
            dict(id=len(annotations) + i, image_id=images[-1]['id'], **_entry(person, view))
            for i, person in enumerate(people[track_id] for track_id in columns if track_id in people)
        )
    for name, variable, value in (('annot', 'annotations', cells), ('occlusion', 'occlusion_labels', labels)):
        stream = io.BytesIO()
        scipy.io.savemat(stream, {variable: value}, do_compression=True)
        atomic_write(root / seq / f'{name}.mat', stream.getvalue())


def _cell(person: PersonGroundTruth | None, view: CameraView) -> tuple[dict, np.ndarray]:
    """A struct of annot.mat and the labels of occlusion.mat; who is not in the picture has zeros."""
    if person is None:
        empty = {name: np.zeros((d, 17)) for name, d in (('annot2', 2), ('annot3', 3), ('univ_annot3', 3))}
        return empty | dict(isValidFrame=np.zeros((1, 1), np.uint8)), np.zeros((1, 17))
    points = person.mm(_SET)
    leg_mm = np.linalg.norm(points[_HIP] - points[_KNEE]) + np.linalg.norm(points[_KNEE] - points[_ANKLE])
    struct = dict(
        annot2=view.px(person, _SET).T,
        annot3=points.T,
        univ_annot3=points.T * _UNIVERSAL_LEG_MM / leg_mm,
        isValidFrame=np.array([[person.is_valid]], np.uint8),
    )
    return struct, _hidden(person)[None]


def _entry(person: PersonGroundTruth, view: CameraView) -> dict:
    """What MuPoTS-3D.json says of a person."""
    keypoints = view.px(person, _SET)
    low, high = keypoints.min(0), keypoints.max(0)
    return dict(
        bbox=[*low.tolist(), *(high - low).tolist()],
        keypoints_img=keypoints.tolist(),
        keypoints_cam=person.mm(_SET).tolist(),
        keypoints_vis=(1 - _hidden(person))[:, None].tolist(),
        is_valid=int(person.is_valid),
    )


def _hidden(person: PersonGroundTruth) -> np.ndarray:
    """(17,) 1 where the keypoint is not seen."""
    return (person.seen(_SET) < 2).astype(float)
