"""Every fault of the entries of a file. The reader of a training stops at the first; here the same reader goes on."""

from __future__ import annotations

from typing import Any

from das_mm.structures import KeypointSet

from ..annotations.annotation_file import read_image_ids
from ..annotations.entries import Entries, Fault
from ..annotations.images import read_images
from ..annotations.people import read_people, read_people_but_keypoints
from ..annotations.rules import MILLIMETRES
from ..annotations.values import short_text
from .findings import Findings, Kind

_OF_DEPTH = ('keypoints_3d', 'keypoints_3d_valid', 'keypoints_3d_univ', 'root_depth')


def find_faults(content: dict, file: str, kset: KeypointSet | None, findings: Findings) -> dict:
    """Notes all faults and returns the content without the entries at fault.

    Args:
        content: Of the file, with its two lists.
        file: Its path.
        kset: Its set; None if it is not known: then keypoints are not looked at.
        findings: Are added to.
    """
    found: list[Fault] = []
    images = Entries(file, 'images', content['images'], found.append)
    people = Entries(file, 'annotations', content['annotations'], found.append)
    image_ids = read_image_ids(images)
    read_images(images)
    if kset is None:
        read_people_but_keypoints(people, image_ids)
    else:
        read_people(people, image_ids, kset)
    names = {number: entry.get('file_name') for number, entry in zip(image_ids.tolist(), images.rows)}
    for fault in found:
        _note(fault, names, findings)
    sound_images, sound_people = _sound(images), _sound(people)
    ids = {image['id'] for image in sound_images}
    sound_people = [person for person in sound_people if person['image_id'] in ids]
    if any(fault.rule == MILLIMETRES for fault in found):
        sound_people = [{k: v for k, v in person.items() if k not in _OF_DEPTH} for person in sound_people]
    return {**content, 'images': sound_images, 'annotations': sound_people}


def _sound(entries: Entries) -> list[dict]:
    return [row for place, row in zip(entries.places, entries.rows) if place not in entries.unsound]


def _note(fault: Fault, names: dict[int, Any], findings: Findings) -> None:
    field = fault.rows if fault.key is None else f'{fault.rows}.{fault.key}'
    kind = Kind(field, fault.rule.problem, fault.rule.meaning, fault.rule.remedy)
    if fault.place is None:
        findings.fault(kind, [fault.detail], fault.count)
        return
    detail = f': {fault.detail}' if fault.detail else ''
    about = ''
    if isinstance(fault.entry, dict):
        number, image = fault.entry.get('id'), fault.entry.get('image_id')
        name = fault.entry.get('file_name') if fault.rows == 'images' else _name_of(image, names)
        about = f' (id {short_text(number)}' + (f', {name})' if isinstance(name, str) else ')')
    findings.fault(kind, [f'{fault.rows}[{fault.place}]{about}{detail}'])


def _name_of(image: Any, names: dict[int, Any]) -> Any:
    return names.get(int(image)) if isinstance(image, (int, float)) and image == image and abs(image) < 2**63 else None
