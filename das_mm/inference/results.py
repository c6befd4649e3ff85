"""Results of inference as plain dictionaries: what they hold, solving them again for another camera, files of them.

A result is about one image or one frame of a video. The json schema (:func:`result_schema`, ``result.schema.json``)
says every field; in short::

    format            'das_mm.result/1'
    image             file, name, width, height, frame, time_s  (frame and time_s are null for an image)
    camera            K (3×3), dist (k1, k2, p1, p2, k3, or null), source, fov_deg along the longer side, detail
                      source: 'user', 'exif', 'fov' (a field of view given by the user), 'default_fov' (assumed: every
                      depth and size in the result may be off by one common factor), 'annotation'
    model             config, weights, weights_sha256, das_mm (version), score_thr
    keypoint_set      and keypoint_names (K), root
    smoothed          true where people were smoothed over time; else absent
    units, frame_of_reference   what the endings _px and _mm and the axes mean, in words
    people            best first, each with
        score                 in [0, 1]
        bbox_px               x1, y1, x2, y2 around the keypoints, cut at the image
        keypoints_px          (K, 2); also outside the image where a person is cut off
        keypoint_scores       (K) in [0, 1]
        keypoints_cam_mm      (K, 3) camera frame; null if the model puts the person's root not in front of the camera,
                              or a keypoint where the lens model has no inverse
        root_px, root_cam_mm  (2), (3) or null; the root is regressed on its own
        root_depth_mm_per_px  camera depth of the root over the focal length: what the network sees without a camera
        relative_depths_mm    (K) camera depth minus that of the root
      and where sigma was asked for, scales of the learnt error distribution
        keypoints_sigma_px    (K, 2)
        relative_depths_sigma_mm  (K); null for a model of the image plane alone
        keypoints_sigma_mm    (K, 3) both in camera axes, at the keypoint's depth, or null. The error of the root's own
                              depth is not in it
      of a video whose people are followed
        track_id              who it is, the same number from frame to frame; null for whom it is not known (yet)
      of a model of meshes (null where its numbers are not finite)
        smpl                  global_orient (3) and body_pose (23, 3) rad in the camera frame, betas (10), root_mm (3)
                              where the root of the mesh lies before it is moved, transl_mm (3) the move that lays it on
                              root_cam_mm (null as that), body: 'generated' or the sha256 of the licensed file. The
                              surface is 1000 · body(global_orient, body_pose, betas) + transl_mm, which
                              :func:`.mesh_vertices` computes

Pixels are those of the image as shown (turned upright), (0, 0) the CENTRE of the top-left one. Every number is finite.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.structures import InstanceData

from das_mm.errors import UserError
from das_mm.structures import back_project, check_intrinsics, get_keypoint_set
from das_mm.structures.camera_space import to_camera_space
from das_mm.visualization import People

FORMAT = 'das_mm.result/1'

_WORDS = dict(
    units='_px: pixels of the image as shown, (0, 0) is the centre of the top-left pixel; _mm: millimetres',
    frame_of_reference='_cam_: camera frame, x right, y down, z forward, origin in the centre of projection',
)
_DIGITS = 5  # of px, mm
_DIGITS_RAD = 6
_SMPL = ('global_orient', 'body_pose', 'betas', 'root_mm')
_DIGITS_NORM = 10  # of mm per px, which are multiplied by thousands of px


def result_schema() -> dict[str, Any]:
    """The JSON schema of a result."""
    return json.loads(resources.files(__package__).joinpath('result.schema.json').read_text(encoding='utf-8'))


def make_result(
    instances: InstanceData,
    camera: Mapping[str, Any],
    image: Mapping[str, Any],
    model: Mapping[str, Any],
    keypoint_set: str,
    body: str | None = None,
    smoothed: bool = False,
) -> tuple[dict[str, Any], int]:
    """The result of one image.

    Args:
        instances: ``pred_instances`` of the model.
        camera: ``K``, ``dist``, ``source`` and ``detail``; K as the model used it.
        image: The fields of ``image`` in the result.
        model: The fields of ``model`` in the result.
        keypoint_set: Name of the set.
        body: Whose shape and pose a model of meshes tells: 'generated', or the sha256 of a file.
        smoothed: The instances have been smoothed over time.

    Returns:
        The result, and how many people were left out because a number of theirs is not finite.
    """
    kset = get_keypoint_set(keypoint_set)
    width, height = image['width'], image['height']
    columns = {
        key: np.asarray(instances[key], dtype=np.float64)
        for key in (
            'scores',
            'bboxes',
            'keypoints',
            'keypoint_scores',
            'roots_px',
            'root_depths_norm',
            'relative_depths_mm',
        )
    }
    if 'keypoints_sigma' in instances:
        columns['sigma'] = np.asarray(instances.keypoints_sigma, dtype=np.float64)
    finite = np.ones(len(instances), dtype=bool)
    for values in columns.values():
        finite &= np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    if 'track_ids' in instances:
        columns['track_ids'] = np.asarray(instances.track_ids)
    if 'smpl_betas' in instances:  # a mesh that is not finite is missing, its person is not
        columns.update({key: np.asarray(instances[f'smpl_{key}'], dtype=np.float64) for key in _SMPL})
    people = [_person({key: values[row] for key, values in columns.items()}, body) for row in np.flatnonzero(finite)]
    dist = camera.get('dist')
    result = dict(
        format=FORMAT,
        image=dict(image),
        camera=_camera(
            np.asarray(camera['K'], dtype=np.float64), dist, camera['source'], camera.get('detail'), (width, height)
        ),
        model=dict(model),
        keypoint_set=kset.name,
        keypoint_names=list(kset.keypoints),
        root=kset.root,
        **_WORDS,
        people=people,
    )
    if smoothed:
        result['smoothed'] = True
    _solve(result)
    return result, int((~finite).sum())


def resolve_for_camera(result: Mapping[str, Any], K: np.ndarray, dist: np.ndarray | None = None) -> dict[str, Any]:
    """The same people seen through another camera: positions are solved again from what was found in the image.

    Equal to running the network again with that camera, which it knows nothing of.

    Args:
        result: A result; it is not changed.
        K: (3, 3) intrinsics of the image of the result.
        dist: (5,) lens distortion k1, k2, p1, p2, k3.

    Raises:
        UserError: K makes no camera.

    Example::

        found = next(read_results('out/predictions/street.json'))
        calibrated = resolve_for_camera(found, [[1450, 0, 960], [0, 1450, 540], [0, 0, 1]])
    """
    K = check_intrinsics(K, field='K')
    if dist is not None:
        dist = np.asarray(dist, dtype=np.float64)
        if dist.shape != (5,) or not np.isfinite(dist).all():
            raise UserError(
                f'{dist.tolist()} is no lens distortion',
                field='dist',
                remedy="give OpenCV's k1, k2, p1, p2, k3, or None",
            )
    solved = copy.deepcopy(dict(result))
    solved['camera'] = _camera(K, dist, 'user', None, (result['image']['width'], result['image']['height']))
    _solve(solved)
    return solved


def people_of(result: Mapping[str, Any]) -> People:
    """The people of a result for the drawing functions and the viewer."""
    people = result['people']
    if not people:
        return People()
    k = len(result['keypoint_names'])
    column = lambda name, *shape: np.array(
        [np.full(shape, np.nan) if person[name] is None else person[name] for person in people], dtype=np.float64
    )
    sigma = None
    if 'keypoints_sigma_px' in people[0]:
        sigma = np.concatenate(
            [column('keypoints_sigma_px', k, 2), column('relative_depths_sigma_mm', k)[..., None]], axis=-1
        )
    return People(
        keypoints_px=column('keypoints_px', k, 2),
        keypoints_cam_mm=column('keypoints_cam_mm', k, 3),
        keypoint_scores=column('keypoint_scores', k),
        keypoints_sigma=sigma,
        scores=column('score'),
        root_depths_mm=column('root_cam_mm', 3)[:, 2],
        bboxes_px=column('bbox_px', 4),
        track_ids=_identities(people),
    )


def _identities(people: list[Mapping[str, Any]]) -> np.ndarray | None:
    if 'track_id' not in people[0]:
        return None
    return np.array([-1 if person['track_id'] is None else person['track_id'] for person in people])


def result_text(result: Mapping[str, Any]) -> str:
    """A result as one line of json (without its end)."""
    return json.dumps(result, allow_nan=False, ensure_ascii=False)


def read_results(path: str | Path) -> Iterator[dict[str, Any]]:
    """The results in a file: one of an image's ``.json``, one for each frame of a video's ``.jsonl``, one at a time.

    Raises:
        UserError: The file is missing, cut short or no file of results.
    """
    remedy = 'give a .json or .jsonl file that das-mm infer wrote'
    try:
        with open(path, encoding='utf-8') as file:
            lines = file if Path(path).suffix == '.jsonl' else [file.read()]
            for number, line in enumerate(lines, 1):
                try:
                    result = json.loads(line)
                except ValueError as error:
                    raise UserError(f'line {number} is no json: {error}', file=path, remedy=remedy) from error
                if not isinstance(result, dict) or result.get('format') != FORMAT:
                    raise UserError(
                        f'line {number} is no result of the format {FORMAT}', file=path, field='format', remedy=remedy
                    )
                yield result
    except OSError as error:
        raise UserError(f'cannot be read: {error.strerror or error}', file=path, remedy=remedy) from error


def _person(row: dict[str, np.ndarray], body: str | None) -> dict[str, Any]:
    """What the network says of one person, before there is a camera."""
    person = dict(
        score=_rounded(row['scores']),
        bbox_px=_rounded(row['bboxes']),
        keypoints_px=_rounded(row['keypoints']),
        keypoint_scores=_rounded(row['keypoint_scores']),
        root_px=_rounded(row['roots_px']),
        root_depth_mm_per_px=_rounded(row['root_depths_norm'], _DIGITS_NORM),
        relative_depths_mm=_rounded(row['relative_depths_mm']),
    )
    if 'sigma' in row:
        person['keypoints_sigma_px'] = _rounded(row['sigma'][:, :2])
        # a model of the image plane alone (D = 2) knows no scale of depth
        person['relative_depths_sigma_mm'] = _rounded(row['sigma'][:, 2]) if row['sigma'].shape[1] == 3 else None
    if 'track_ids' in row:
        person['track_id'] = int(row['track_ids']) if row['track_ids'] >= 0 else None
    if 'betas' in row:
        known = all(np.isfinite(row[key]).all() for key in _SMPL)
        person['smpl'] = dict({key: _rounded(row[key], _DIGITS_RAD) for key in _SMPL}, body=body) if known else None
    return person


def _solve(result: dict[str, Any]) -> None:
    """Fills in everything that depends on the camera of the result."""
    K, dist = np.array(result['camera']['K']), result['camera']['dist']
    dist = None if dist is None else np.array(dist)
    for person in result['people']:
        with np.errstate(all='ignore'):  # far outside the image a lens model may have no inverse
            cam, depth = to_camera_space(
                np.array([person['keypoints_px']]),
                np.array([person['root_depth_mm_per_px']]),
                np.array([person['relative_depths_mm']]),
                K,
                dist,
            )
            root = back_project(np.array(person['root_px']), depth[0], K, dist)
        solved = bool(depth[0] > 0 and np.isfinite(cam).all() and np.isfinite(root).all())
        person['keypoints_cam_mm'] = _rounded(cam[0]) if solved else None
        person['root_cam_mm'] = _rounded(root) if solved else None
        if 'keypoints_sigma_px' in person:
            known = solved and person['relative_depths_sigma_mm'] is not None
            person['keypoints_sigma_mm'] = _sigma_mm(person, cam[0][:, 2], K) if known else None
        if person.get('smpl') is not None:
            person['smpl']['transl_mm'] = _rounded(root - person['smpl']['root_mm']) if solved else None


def _sigma_mm(person: dict[str, Any], depths_mm: np.ndarray, K: np.ndarray) -> list:
    in_plane = np.array(person['keypoints_sigma_px']) * np.abs(depths_mm)[:, None] / K[[0, 1], [0, 1]]
    return _rounded(np.concatenate([in_plane, np.array(person['relative_depths_sigma_mm'])[:, None]], axis=1))


def _camera(
    K: np.ndarray, dist: np.ndarray | None, source: str, detail: str | None, size: tuple[int, int]
) -> dict[str, Any]:
    width, height = size
    side, focal = (width, K[0, 0]) if width >= height else (height, K[1, 1])
    return dict(
        K=K.tolist(),
        dist=None if dist is None else np.asarray(dist, dtype=np.float64).tolist(),
        source=source,
        fov_deg=round(math.degrees(2 * math.atan(side / 2 / focal)), 4),
        detail=detail,
    )


def _rounded(values: np.ndarray, digits: int = _DIGITS) -> Any:
    return np.round(values, digits).tolist()
