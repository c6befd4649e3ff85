"""The world of a video of a camera that stands still, from the feet of its people; and results that tell it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from das_mm.engine import atomic_open
from das_mm.structures.world_frame import WorldFrame

from .floor_fit import fit_floor
from .foot_contacts import ANKLE_HEIGHT_MM, FootTracks
from .result_camera import rounded
from .result_files import read_results, result_text
from .run_record import RunRecord

_ROUNDS = 3  # which feet stand depends on up, and up on which feet stand


def estimate_world(results: Iterable[Mapping[str, Any]]) -> WorldFrame | None:
    """The floor of a video's results, metres and gravity; None where nobody shows a foot.

    The camera must have stood still and the floor be level, for its normal is taken for up. All lengths are as true as
    the intrinsics of the results.

    Example::

        world = estimate_world(read_results('out/predictions/clip.jsonl'))
        print(world.height_m, world.tilt_deg, world.residual_mm)
    """
    tracks: FootTracks | None = None
    for result in results:
        tracks = tracks or FootTracks(result['keypoint_names'])
        tracks.add(result)
    contacts = None if tracks is None else tracks.contacts()
    if tracks is None or contacts is None:
        return None
    fit = fit_floor(contacts)
    for _ in range(_ROUNDS - 1):
        contacts = tracks.contacts(fit.up) or contacts
        fit = fit_floor(contacts)
    height_mm = fit.height_mm + ANKLE_HEIGHT_MM
    return WorldFrame.over_floor(fit.up, height_mm, fit.residual_mm, fit.tilt_sd_deg, int(fit.used.sum()))


def in_world(result: Mapping[str, Any], world: WorldFrame) -> dict[str, Any]:
    """A result that tells its world: the entry ``world``, and ``root_world_m`` of each person."""
    people = []
    for person in result['people']:
        root = person['root_cam_mm']
        people.append(dict(person, root_world_m=None if root is None else rounded(world.to_world(root))))
    told = {name: value for name, value in result.items() if name not in ('people', 'world')}
    return dict(told, world=world.words(), people=people)


def write_world(path: str | Path, record: Path | None = None) -> WorldFrame | None:
    """Estimate the world of a file of results of a video and tell it in every line of the file.

    Args:
        path: The ``.jsonl``; it is exchanged at once or not at all.
        record: Of the run that wrote it, which is kept in step; see :mod:`.run_record`.

    Returns:
        The world; None where no foot was seen, of which a warning tells: the file is left as it is.

    Raises:
        UserError: The results cannot be read or written.
    """
    world = estimate_world(read_results(path))
    if world is None or world.height_m <= 0:
        logging.getLogger('das_mm').warning(f'{path}: no floor is seen under the feet of these people: no world frame')
        return None
    kept = None if record is None else RunRecord.read(record)
    with atomic_open(path) as file:
        for result in read_results(path):
            file.write(result_text(in_world(result, world)).encode() + b'\n')
            if kept is not None and result['image']['frame'] == kept.frame:
                kept.size_bytes = file.tell()
    if kept is not None:
        kept.write()
    return world
