"""Results of inference as plain dictionaries: what they hold, solving them again for another camera, files of them.

A result is about one image or one frame of a video. The json schema (:func:`result_schema`, ``result.schema.json``)
says every field; in short::

    format            'das_mm.result/1'
    image             file, name, width, height, frame, time_s  (frame and time_s are null for an image)
    camera            K (3×3), dist (k1, k2, p1, p2, k3, or null), source, fov_deg along the longer side, detail
                      source: 'user', 'exif', 'fov' (a field of view given by the user), 'default_fov' (assumed: every
                      depth and size in the result may be off by one common factor), 'annotation'
    model             config, weights, weights_sha256, das_mm (version), score_thr; boxes, where those of a model that
                      reads crops of people are from, or whom the user asked for, else absent
    keypoint_set      and keypoint_names (K), root
    world             of a video of a camera that stands still (``--static-camera``), else absent: camera_to_world (4×4,
                      metres: y up, floor at y = 0, origin below the camera, z towards the camera), height_m and
                      tilt_deg, roll_deg of the camera, residual_mm of the feet that stood on the floor, tilt_sd_deg,
                      num_contacts; see :mod:`das_mm.structures.world_frame`
    smoothed          true where people were smoothed over time; else absent
    units, frame_of_reference   what the endings _px and _mm and the axes mean, in words
    people            best first, each with
        score                 in [0, 1]
        bbox_px               x1, y1, x2, y2 around the keypoints, cut at the image; of a model that reads crops of
                              people (``model.boxes``) the box that it was given
        keypoints_px          (K, 2); also outside the image where a person is cut off
        keypoint_scores       (K) in [0, 1]
        keypoints_cam_mm      (K, 3) camera frame; null if the model puts the person's root not in front of the camera,
                              or a keypoint where the lens model has no inverse
        root_px, root_cam_mm  (2), (3) or null; the root is regressed on its own
        root_world_m          (3) or null: the root in the world frame; absent without ``world``
        root_depth_mm_per_px  camera depth of the root over the focal length: what the network sees without a camera
        relative_depths_mm    (K) camera depth minus that of the root
                              these two, and with them everything in mm, are null for a model of the image plane alone
      and where sigma was asked for, scales of the learnt error distribution
        keypoints_sigma_px    (K, 2)
        keypoints_sigma_at_limit  (K) true where that is the greatest that the model can say: the error may be larger
        relative_depths_sigma_mm  (K); null for a model of the image plane alone
        keypoints_sigma_mm    (K, 3) both in camera axes, at the keypoint's depth, or null. The error of the root's own
                              depth is not in it
      of a video whose people are followed
        track_id              who it is, the same number from frame to frame; null for whom it is not known (yet)
      of a model of meshes, and where bodies were fitted (null where its numbers are not finite)
        smpl                  global_orient (3) and body_pose (23, 3) rad in the camera frame, betas (10), root_mm (3)
                              where the root of the mesh lies before it is moved (of a fitted body: the place of it that
                              comes to lie on the person's root), transl_mm (3) the move that lays it on root_cam_mm
                              (null as that), body: 'generated' or the sha256 of the licensed file. The
                              surface is 1000 · body(global_orient, body_pose, betas) + transl_mm, which
                              :func:`.mesh_vertices` computes
      of other tasks        the fields they describe (see :mod:`das_mm.structures.task_fields`), null where they are not
                            finite, by themselves or in an object of the task

Pixels are those of the image as shown (turned upright), (0, 0) the CENTRE of the top-left one. Every number is finite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from das_mm.bodies.smpl_fields import GROUP as SMPL_GROUP
from das_mm.bodies.smpl_fields import SMPL_FIELDS
from das_mm.structures import get_keypoint_set
from das_mm.structures.people import People
from das_mm.structures.task_fields import TaskField

from .result_camera import camera_words, rounded, solve_positions
from .result_files import FORMAT

_WORDS = dict(
    units='_px: pixels of the image as shown, (0, 0) is the centre of the top-left pixel; _mm: millimetres',
    frame_of_reference='_cam_: camera frame, x right, y down, z forward, origin in the centre of projection',
)
# of a keypoint whose scale is the greatest that the model can say, to 1 %: one minus their ratio (RLE, Eq. 9)
_SCORE_AT_LIMIT = 0.01
_DEPTHS = ('root_depths_norm', 'relative_depths_mm')
_DIGITS_NORM = 10  # of mm per px, which are multiplied by thousands of px


def make_result(
    people: People | Mapping[str, Any],
    camera: Mapping[str, Any],
    image: Mapping[str, Any],
    model: Mapping[str, Any],
    keypoint_set: str,
    body: str | None = None,
    smoothed: bool = False,
    fields: Sequence[TaskField] = SMPL_FIELDS,
) -> tuple[dict[str, Any], int]:
    """The result of one image.

    Args:
        people: Those found, as a predictor gives them, or ``pred_instances`` of an estimator.
        camera: ``K``, ``dist``, ``source`` and ``detail``; K as the model used it.
        image: The fields of ``image`` in the result.
        model: The fields of ``model`` in the result.
        keypoint_set: Name of the set.
        body: Whose shape and pose a model of meshes tells: 'generated', or the sha256 of a file.
        smoothed: The people have been smoothed over time.
        fields: What tasks tell of them.

    Returns:
        The result, and how many people were left out because a number of theirs is not finite.
    """
    kset = get_keypoint_set(keypoint_set)
    width, height = image['width'], image['height']
    found = people if isinstance(people, People) else People.from_instances(people)
    columns = {name: np.asarray(values, dtype=np.float64) for name, values in _pose_columns(found).items()}
    finite = np.ones(len(found), dtype=bool)
    for values in columns.values():
        finite &= np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    rows = np.flatnonzero(finite)
    told = [_person({name: values[row] for name, values in columns.items()}) for row in rows]
    for row, person in zip(rows, told):
        if found.track_ids is not None:
            person['track_id'] = int(found.track_ids[row]) if found.track_ids[row] >= 0 else None
        person.update(_task_words(found.data, row, fields, body))
    dist = camera.get('dist')
    result: dict[str, Any] = dict(
        format=FORMAT,
        image=dict(image),
        camera=camera_words(
            np.asarray(camera['K'], dtype=np.float64), dist, camera['source'], camera.get('detail'), (width, height)
        ),
        model=dict(model),
        keypoint_set=kset.name,
        keypoint_names=list(kset.keypoints),
        root=kset.root,
        **_WORDS,
        people=told,
    )
    if smoothed:
        result['smoothed'] = True
    solve_positions(result)
    return result, int((~finite).sum())


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


def _person(row: dict[str, np.ndarray]) -> dict[str, Any]:
    """What the network says of one person, before there is a camera."""
    person = dict(
        score=rounded(row['scores']),
        bbox_px=rounded(row['bboxes']),
        keypoints_px=rounded(row['keypoints']),
        keypoint_scores=rounded(row['keypoint_scores']),
        root_px=rounded(row['roots_px']),
        root_depth_mm_per_px=rounded(row['root_depths_norm'], _DIGITS_NORM) if 'root_depths_norm' in row else None,
        relative_depths_mm=rounded(row['relative_depths_mm']) if 'relative_depths_mm' in row else None,
    )
    if 'sigma' in row:
        person['keypoints_sigma_px'] = rounded(row['sigma'][:, :2])
        person['keypoints_sigma_at_limit'] = (row['keypoint_scores'] <= _SCORE_AT_LIMIT).tolist()
        # a model of the image plane alone (D = 2) knows no scale of depth
        person['relative_depths_sigma_mm'] = rounded(row['sigma'][:, 2]) if row['sigma'].shape[1] == 3 else None
    return person


def _task_words(
    data: Mapping[str, np.ndarray], row: int, fields: Sequence[TaskField], body: str | None
) -> dict[str, Any]:
    """What the tasks tell of one person; what is not finite is missing, the person is not."""
    words: dict[str, Any] = {}
    unknown = set()
    for field in fields:
        if not field.in_results or field.name not in data:
            continue
        values = np.asarray(data[field.name][row], dtype=np.float64)
        known = bool(np.isfinite(values).all())
        if field.group is None:
            words[field.key] = rounded(values, field.digits) if known else None
            continue
        words.setdefault(field.group, {})[field.key] = rounded(values, field.digits) if known else None
        if not known:
            unknown.add(field.group)
    words.update((group, None) for group in unknown)
    if words.get(SMPL_GROUP) is not None:
        words[SMPL_GROUP]['body'] = body
    return words


def _pose_columns(people: People) -> dict[str, np.ndarray]:
    """What must be finite of a person."""
    columns = dict(
        scores=people.scores,
        bboxes=people.bboxes_px,
        keypoints=people.keypoints_px,
        keypoint_scores=people.keypoint_scores,
        roots_px=people.roots_px,
    )
    # a model of the image plane alone has none
    columns.update({name: people.data[name] for name in _DEPTHS if name in people.data})
    if people.keypoints_sigma is not None:
        columns['sigma'] = people.keypoints_sigma
    return columns
