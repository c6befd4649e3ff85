"""What a converter made is put before the rules of the annotation format, before it is kept."""

from __future__ import annotations

from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS

from ..annotations.annotation_file import read_image_ids
from ..annotations.entries import Entries, Fault
from ..annotations.file_names import leads_out
from ..annotations.images import read_images
from ..annotations.people import read_people
from ..annotations.rules import MILLIMETRES
from .base import Converter, Part


def check_part(part: Part, converter: Converter, name: str) -> None:
    """What is written is read: by the check, and by a training.

    Units are left to the statistics of the whole file, which ``--skip-checks`` passes over.

    Args:
        part: Of the conversion. converter: That made it. name: Of the part, for errors.

    Raises:
        UserError: An entry breaks a rule. The source then holds what the converter does not expect.
    """
    images, people = [], []
    for number, image in enumerate(part.images, 1):
        images.append({**image, 'id': image.get('id', number)})
        for person in image['annotations']:
            fields = {key: value for key, value in person.items() if key not in ('smpl', 'segmentation')}
            people.append({'id': len(people) + 1, **fields, 'image_id': images[-1]['id']})
    found: list[Fault] = []
    told = [Entries(name, rows, entries, found.append) for rows, entries in (('images', images), ('people', people))]
    ids = read_image_ids(told[0])
    read_images(told[0])
    read_people(told[1], ids, KEYPOINT_SETS[converter.keypoint_set])
    faults = [fault for fault in found if fault.rule != MILLIMETRES]
    if faults:
        fault = faults[0]
        image = fault.entry if fault.rows == 'images' else _image_of(images, fault.entry)
        raise UserError(
            f'{fault.rule.problem}: {fault.detail}' if fault.detail else fault.rule.problem,
            file=converter.root,
            field=f'{name}, {fault.key} of {image.get("file_name")}' + (f' ({len(faults)} such)' if faults[1:] else ''),
            remedy='the source files are damaged there: download or copy them again',
        )
    outside = [image['file_name'] for image in images if leads_out(image['file_name'])]
    if outside:
        raise UserError(
            f'{outside[0]} leads out of the image folder',
            file=converter.root,
            field=f'{name}, file_name',
            remedy='the source files are damaged there: download or copy them again',
        )


def _image_of(images: list[dict], person: dict) -> dict:
    return next((image for image in images if image['id'] == person['image_id']), {})
