"""Reads and checks a COCO-style annotation file: the package's own format and the official COCO keypoint files.

Everything is checked once, when the file is loaded, with array operations; only a failed check looks for the culprit.
Letters: M images, A annotations, J keypoints of the file's own set.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS, KeypointSet, get_keypoint_set

from .annotation_entries import Entries
from .annotation_images import read_images
from .annotation_people import PersonColumns, read_people

# lists of numbers of an annotation, kept as arrays from the moment they are parsed
_NUMBER_LISTS = ('keypoints', 'keypoints_3d', 'keypoints_3d_valid', 'keypoints_3d_univ', 'occluded')


@dataclass
class AnnotationFile:
    """A checked annotation file.

    Attributes:
        info: The ``info`` object.
        keypoint_set: The set in which keypoints are stored.
        images: M dicts as in the file; ``cam_param`` is replaced by arrays (K, R, T, dist) or None, ``ignore_regions``
            by a list of polygons (P, 2) px, ``crowd_index`` (COCO style: ``crowdIndex``) by a float or None.
        people: The annotations.
    """

    info: dict
    keypoint_set: KeypointSet
    images: list[dict]
    people: PersonColumns


def read_annotation_file(
    file: str, keypoint_set: str | None = None, require_annotations: bool = True, default_set: str | None = None
) -> AnnotationFile:
    """Loads and checks one file.

    Args:
        file: Path of the json.
        keypoint_set: The set in which its keypoints are stored; None reads it from ``info.joints`` or, for files such
            as COCO's, recognises the names in ``categories``.
        default_set: The set where ``keypoint_set`` is None and the file does not tell.
        require_annotations: False accepts a file of images alone (COCO's ``image_info_test-dev2017.json``).

    Raises:
        UserError: Anything is wrong with the file; it names file and field, and what to do.
    """
    content = load_json(file)
    for key in ('images', 'annotations') if require_annotations else ('images',):
        if not isinstance(content.get(key), list):
            raise UserError(
                'is missing or not a list',
                file=file,
                field=key,
                remedy='a COCO-style file has the lists `images` and `annotations`',
            )
    if not content['images']:
        raise UserError(
            'the dataset is empty: there are no images', file=file, field='images', remedy='check how the file was made'
        )
    info = content.get('info') or {}
    kset = source_set(content, info, keypoint_set, default_set, file)
    images = Entries(file, 'images', content['images'])
    images.require('id', 'file_name', 'width', 'height')
    image_ids = images.integers('id')
    images.require_unique(image_ids)
    for side in ('width', 'height'):
        images.check(images.numbers(side) > 0, side, 'is not positive')
    people = read_people(Entries(file, 'annotations', content.pop('annotations', [])), image_ids, kset)
    return AnnotationFile(info, kset, read_images(images), people)


def load_json(file: str) -> dict:
    """The content of an annotation file, number lists of annotations as arrays.

    Raises:
        UserError: It is absent, unreadable or no object.
    """
    try:
        with open(file, encoding='utf-8') as stream:
            content = json.load(stream, object_hook=_compact)
    except FileNotFoundError:
        raise UserError(
            'the annotation file does not exist',
            file=file,
            remedy='check `data_root` and `ann_file` of the dataset, or create the file first',
        ) from None
    except OSError as error:
        raise UserError(
            f'the annotation file cannot be read ({error.strerror})', file=file, remedy='check its permissions'
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(
            f'is no valid json, perhaps cut short ({error})', file=file, remedy='copy or create the file again'
        ) from None
    if not isinstance(content, dict):
        raise UserError(
            f'the top level is a {type(content).__name__}, not an object with `images` and `annotations`',
            file=file,
            remedy='convert the annotations to the COCO-style format first',
        )
    return content


def _compact(entry: dict) -> dict:
    """Called for each object as it is parsed: python's numbers take five times the memory of an array's."""
    if 'image_id' in entry:
        entry.pop('segmentation', None)  # not used, and the greater part of COCO's files
        for key in _NUMBER_LISTS:
            if isinstance(entry.get(key), list):
                with suppress(TypeError, ValueError):  # the checks name it
                    entry[key] = np.asarray(entry[key], dtype=np.float64)
    return entry


def source_set(content: dict, info: dict, given: str | None, default: str | None, file: str) -> KeypointSet:
    """The set in which a file's keypoints are stored; arguments as of :func:`read_annotation_file`.

    Raises:
        UserError: Nothing says it, or two things differ.
    """
    declared = info.get('joints')
    if given is not None and declared is not None and given != declared:
        raise UserError(
            f'the file declares {declared!r}, but `source_keypoint_set` is {given!r}',
            file=file,
            field='info.joints',
            remedy='leave `source_keypoint_set` out',
        )
    if given is not None:
        return get_keypoint_set(given, field='source_keypoint_set')
    if declared is not None:
        return get_keypoint_set(declared, file=file, field='info.joints')
    for category in content.get('categories') or []:
        for kset in KEYPOINT_SETS.values():
            if tuple(category.get('keypoints', ())) == kset.keypoints:
                return kset
    if default is not None:
        return get_keypoint_set(default)
    raise UserError(
        'nothing says in which order the keypoints are stored',
        file=file,
        field='info.joints',
        remedy=f'set `source_keypoint_set` of the dataset to one of: {", ".join(KEYPOINT_SETS)}',
    )
