"""Results of inference with bodies as the motion of the people of a clip."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from das_mm.bodies.body_model import BodyModel
from das_mm.bodies.rest_body import rest_body, rest_joints_of
from das_mm.bodies.smpl_fields import GROUP
from das_mm.errors import UserError
from das_mm.structures.rotations import axis_angle_to_matrix, matrix_to_axis_angle

from .clip_motion import CAMERA_WORLD, ClipMotion, PersonMotion, World
from .frame_rate import frame_rate
from .world_choice import told_world, world_on_ground

_KEPT_WORDS = ('config', 'weights', 'weights_sha256', 'das_mm')


@dataclass
class _Told:
    """What the frames say of one person, in the camera frame."""

    frames: list[int] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)
    axis_angle: list[list[list[float]]] = field(default_factory=list)
    betas: list[list[float]] = field(default_factory=list)
    transl_mm: list[list[float]] = field(default_factory=list)


def clip_motion(
    results: Iterable[Mapping[str, Any]],
    model: BodyModel,
    body: str,
    file: str | Path | None = None,
    on_ground: bool = True,
) -> ClipMotion:
    """The people of one clip.

    A skeleton has bones of one length: the shape of a person is the mean of the frames', and the pelvis stays where it
    was. Who is in a frame without a body (the fit failed, the model put them behind the camera) is missing there.

    Args:
        results: Of a video frame by frame, or the one of an image, with bodies.
        model: The body that they are of.
        body: Its name in results.
        file: They are from, for messages.
        on_ground: Put the world on the ground that feet show; else it is the camera's frame, turned.

    Raises:
        UserError: There is no result, none has bodies, they are of another body, or the people of a video are not
            followed.
    """
    told: dict[int, _Told] = defaultdict(_Told)
    frames, times, first, nameless = [], [], None, 0
    for number, result in enumerate(results):
        first = first or result
        image = result['image']
        frame, time = image['frame'] or 0, image['time_s'] or 0.0
        if number and (image['frame'] is None or frame <= frames[-1]):
            raise UserError(
                f'frame {image["frame"]} comes after frame {frames[-1]}',
                file=file,
                field=f'line {number + 1}: image.frame',
                remedy='give the results of one video, as das-mm infer wrote them',
            )
        frames.append(frame)
        times.append(time)
        for row, person in enumerate(result['people']):
            identity = _identity(person, row, image['frame'] is not None, file)
            words = _body_of(person, body, file)
            if identity is None:
                nameless += 1
            elif words is not None:
                _add(told[identity], words, frame, time)
    if first is None:
        raise UserError('it is empty', file=file, field='results', remedy='give results of das-mm infer')
    numbers, moments = np.array(frames), np.array(times)
    is_still = first['image']['frame'] is None
    fps, steady = (None, True) if is_still else frame_rate(numbers, moments)
    followed = any('track_id' in person for person in first['people'])
    in_camera = [_in_camera(identity, told[identity], model, followed or not is_still) for identity in sorted(told)]
    world = CAMERA_WORLD
    if on_ground:
        world = told_world(first['world']) if 'world' in first else world_on_ground(in_camera)
    people = [_in_world(person, world) for person in in_camera]
    about = dict(
        model={name: first['model'].get(name) for name in _KEPT_WORDS},
        camera_source=first['camera']['source'],
        dist=first['camera']['dist'],
        body=body,
        people_without_identity=nameless,
    )
    image = first['image']
    return ClipMotion(
        image['name'],
        people,
        numbers,
        moments,
        fps,
        steady,
        world,
        np.array(first['camera']['K'], np.float64),
        (image['width'], image['height']),
        about,
    )


def _identity(person: Mapping[str, Any], row: int, in_video: bool, file: str | Path | None) -> int | None:
    """The number by which a person is known: of the track, in an image without tracks of the row."""
    if not in_video:
        identity = person.get('track_id')
        return row + 1 if identity is None else identity
    if 'track_id' not in person:
        raise UserError(
            'its people are not followed: nobody says who is who from frame to frame',
            file=file,
            field='people.track_id',
            remedy='infer it with --track',
        )
    return person['track_id']


def _body_of(person: Mapping[str, Any], body: str, file: str | Path | None) -> Mapping[str, Any] | None:
    if GROUP not in person:
        raise UserError(
            'it tells no bodies',
            file=file,
            field=f'people.{GROUP}',
            remedy='fit some (das-mm fit, das-mm infer --fit), or use a model with a mesh branch',
        )
    words = person[GROUP]
    if words is None or words['transl_mm'] is None:
        return None
    if words['body'] != body:
        raise UserError(
            f'its bodies are {words["body"]}, not {body}',
            file=file,
            field=f'people.{GROUP}.body',
            remedy='give the body that they were made with (--body FILE)',
        )
    return words


def _add(told: _Told, words: Mapping[str, Any], frame: int, time_s: float) -> None:
    told.frames.append(frame)
    told.times_s.append(time_s)
    told.axis_angle.append([words['global_orient'], *words['body_pose']])
    told.betas.append(words['betas'])
    told.transl_mm.append(words['transl_mm'])


def _in_camera(identity: int, told: _Told, model: BodyModel, has_identity: bool) -> PersonMotion:
    betas = np.array(told.betas, np.float64)
    mean = betas.mean(axis=0)
    rest = rest_body(model, mean)
    joints = rest_joints_of(model, betas)  # (T, 24, 3)
    relative = lambda places: places - places[..., :1, :]
    spread = np.linalg.norm(relative(joints) - relative(rest.joints), axis=-1).mean()
    return PersonMotion(
        f'person_{identity}',
        identity if has_identity else None,
        np.array(told.frames),
        np.array(told.times_s, np.float64),
        np.array(told.axis_angle, np.float64),
        joints[:, 0] + np.array(told.transl_mm, np.float64) / 1000,
        mean,
        rest,
        1000 * float(spread),
    )


def _in_world(person: PersonMotion, world: World) -> PersonMotion:
    axis_angle = person.axis_angle.copy()
    axis_angle[:, 0] = matrix_to_axis_angle(world.rotation @ axis_angle_to_matrix(axis_angle[:, 0]))
    return replace(person, axis_angle=axis_angle, pelvis_m=world.points(person.pelvis_m))
