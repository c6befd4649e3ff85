"""One image from its layout: dress the people, build the place, draw, and write picture, depth and truth."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from .appearance import Look, sample_look
from .clothing import dress
from .config import SyntheticConfig
from .environment import Environment, build_environment
from .film import Film, develop, film_gain, sample_film
from .furniture import chair
from .ground_truth import keypoint_names, person_geometry, seen_ground_truth
from .records import depth_name, image_record
from .renderer import render
from .scene import Layout, Person
from .set_files import write_whole
from .suits import sample_suit
from .surfaces import Surface, yaw_matrix

_EVERY = 25  # one vertex in so many stands for a body when things are placed around it


@dataclass(frozen=True)
class Setting:
    """What stays the same through a clip: looks by identity, the place, the camera's faults."""

    looks: dict[int, Look]
    environment: Environment
    film: Film


def choose_setting(config: SyntheticConfig, index: int, layouts: list[Layout]) -> Setting:
    """Looks and place of scene or clip ``index``, whose frames are laid out as ``layouts``."""
    identities = {person.identity for layout in layouts for person in layout.people}
    # a stream of one's own for each person, so that nobody's clothes depend on who else is there
    sample = {'varied': sample_look, 'suits': sample_suit}[config.clothes]
    looks = {identity: sample(config.rng(index, 'appearance', identity)) for identity in identities}
    people = [person.vertices[::_EVERY] for layout in layouts for person in layout.people]
    people = np.concatenate(people) if people else np.zeros((0, 3))
    surroundings = config.rng(index, 'environment')
    path = np.stack([layout.view.position for layout in layouts])
    environment = build_environment(surroundings, people, layouts[0].view, path)
    seats = [surface for person in _sitters(layouts) for surface in _seat(person, surroundings)]
    return Setting(
        looks, replace(environment, surfaces=environment.surfaces + seats), sample_film(config.rng(index, 'image'))
    )


def _sitters(layouts: list[Layout]) -> list[Person]:
    """Everyone who needs a seat, in the frame in which they sit lowest."""
    lowest: dict[int, Person] = {}
    for person in (person for layout in layouts for person in layout.people if person.seat_height > 0.15):
        known = lowest.get(person.identity)
        if known is None or person.joints[0, 1] < known.joints[0, 1]:
            lowest[person.identity] = person
    return list(lowest.values())


def _seat(person: Person, rng: np.random.Generator) -> list[Surface]:
    """Something to sit on under a sitting person, turned as the thighs are."""
    hips, knees = person.joints[[1, 2]].mean(0), person.joints[[4, 5]].mean(0)
    forward = knees - hips
    under = yaw_matrix(np.arctan2(forward[0], forward[2]))
    place = np.array([hips[0], 0, hips[2]]) + 0.06 * under[:, 2]
    return [part.transformed(under, place) for part in chair(rng, person.seat_height)]


def image_name(config: SyntheticConfig, index: int) -> str:
    """File of image ``index`` relative to the set's root."""
    if config.kind == 'scenes':
        return f'images/{config.split}/{index:06d}.jpg'
    clip, frame = divmod(index, config.clip_length)
    return f'images/{config.split}/clip_{clip:04d}/{frame:03d}.jpg'


def draw_and_write(
    config: SyntheticConfig,
    index: int,
    layout: Layout,
    setting: Setting,
    root: Path,
    record_file: Path,
    exposure_gain: float | None = None,
) -> float:
    """Draw image ``index``; the record is written last, so an image with a record is whole.

    Returns:
        The exposure gain, for the following frames of a clip.
    """
    dressed = [
        dress(person.vertices, setting.looks[person.identity], number) for number, person in enumerate(layout.people)
    ]
    surfaces = setting.environment.surfaces + [surface for parts in dressed for surface in parts]
    drawn = render(surfaces, layout.view, setting.environment.light, setting.environment.sky)
    gain = film_gain(drawn.radiance, setting.film) if exposure_gain is None else exposure_gain
    picture = develop(drawn.radiance, setting.film, config.rng(index, 'noise'), gain)
    depth_mm = np.clip(np.round(1000 * drawn.depth_m), 0, 65535).astype(np.uint16)

    names, people = keypoint_names(config.joint_sets), []
    for number, person in enumerate(layout.people):
        geometry = person_geometry(person, dressed[number], layout.view, names)
        if geometry.bbox_xyxy is not None:
            people.append((number, geometry, seen_ground_truth(geometry, number, depth_mm, drawn.owner)))
    file_name = image_name(config, index)
    clip, frame = divmod(index, config.clip_length) if config.kind == 'clips' else (None, index)
    seq = config.split if clip is None else f'{config.split}_clip_{clip:04d}'
    record = image_record(index, file_name, layout, people, seq, frame)
    write_whole(
        root / file_name, cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, config.jpeg_quality])[1].tobytes()
    )
    write_whole(
        root / depth_name(file_name), cv2.imencode('.png', depth_mm, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
    )
    write_whole(record_file, json.dumps(record).encode())
    return gain
