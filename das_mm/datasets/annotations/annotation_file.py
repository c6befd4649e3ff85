"""Reads and checks a COCO-style annotation file: the package's own format and the official COCO keypoint files.

Everything is checked once, when the file is loaded, with array operations; only a failed check looks for the culprit.
Letters: M images, A annotations, J keypoints of the file's own set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from das_mm.engine.json_files import read_json
from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS, KeypointSet, get_keypoint_set

from .entries import Entries
from .images import read_images
from .people import PersonColumns, read_people
from .person_masks import pack_segmentation, read_masks, take_segmentations
from .values import as_numbers, is_usable_text, short_text

# lists of numbers of an annotation, kept as arrays from the moment they are parsed
_NUMBER_LISTS = ('bbox', 'keypoints', 'keypoints_3d', 'keypoints_3d_valid', 'keypoints_3d_univ', 'occluded')


@dataclass
class AnnotationFile:
    """A checked annotation file.

    Attributes:
        info: The ``info`` object.
        keypoint_set: The set in which keypoints are stored.
        images: M dicts as in the file, checked (:func:`.read_images`); ``cam_param`` is replaced by arrays (K, R, T,
            dist) or None, ``ignore_regions`` by a list of polygons (P, 2) px, ``crowd_index`` (COCO style:
            ``crowdIndex``) by a float or None.
        people: The annotations.
        masks: Of each of the people the compressed run lengths, '' where there are none; None where they were not
            asked for.
    """

    info: dict
    keypoint_set: KeypointSet
    images: list[dict]
    people: PersonColumns
    masks: list[str] | None = None


def read_annotation_file(
    file: str,
    keypoint_set: str | None = None,
    require_annotations: bool = True,
    default_set: str | None = None,
    with_masks: bool = False,
) -> AnnotationFile:
    """Loads and checks one file.

    Args:
        file: Path of the json.
        keypoint_set: The set in which its keypoints are stored; None reads it from ``info.joints`` or, for files such
            as COCO's, recognises the names in ``categories``.
        default_set: The set where ``keypoint_set`` is None and the file does not tell.
        require_annotations: False accepts a file of images alone (COCO's ``image_info_test-dev2017.json``).
        with_masks: Read the people's ``segmentation`` too, which is the greater part of COCO's files.

    Raises:
        UserError: Anything is wrong with the file; it names file and field, and what to do.
    """
    content = load_annotations(file, with_masks)
    kset = source_set(content, keypoint_set, default_set, file)
    segmentations = take_segmentations(content) if with_masks else None
    annotations = read_content(content, file, kset, require_annotations)
    if segmentations is not None:
        sizes = [
            (annotations.images[row]['width'], annotations.images[row]['height'])
            for row in annotations.people.image_row
        ]
        annotations.masks = read_masks(segmentations, annotations.people.ann_id.tolist(), sizes, file)
    return annotations


def read_content(content: dict, file: str, kset: KeypointSet, require_annotations: bool = True) -> AnnotationFile:
    """Checks what is in a file, as :func:`load_annotations` gives it, which is used up.

    Args:
        content: Of the file.
        file: Its path, for errors.
        kset: Its keypoint set.
        require_annotations: As of :func:`read_annotation_file`.

    Raises:
        UserError: Anything is wrong with it.
    """
    require_lists(content, file, require_annotations)
    if not content['images']:
        raise UserError(
            'the dataset is empty: there are no images', file=file, field='images', remedy='check how the file was made'
        )
    images = Entries(file, 'images', content['images'])
    image_ids = read_image_ids(images)
    people = read_people(Entries(file, 'annotations', content.pop('annotations', [])), image_ids, kset)
    return AnnotationFile(read_info(content, file), kset, read_images(images), people)


def require_lists(content: dict, file: str, require_annotations: bool = True) -> None:
    """Raises UserError unless ``images`` and ``annotations`` are lists."""
    for key in ('images', 'annotations') if require_annotations else ('images',):
        if not isinstance(content.get(key), list):
            raise UserError(
                'is missing or not a list',
                file=file,
                field=key,
                remedy='a COCO-style file has the lists `images` and `annotations`',
            )
    if not isinstance(content.get('annotations', []), list):
        raise UserError('is not a list', file=file, field='annotations', remedy='give a list, or leave it out')


def read_image_ids(images: Entries) -> np.ndarray:
    """(M,) ids, unique; also tells the images that lack what every image needs."""
    images.require('id', 'file_name', 'width', 'height')
    image_ids = images.whole_numbers('id')
    images.require_unique(image_ids)
    return image_ids


def load_annotations(file: str, with_masks: bool = False) -> dict:
    """The content of an annotation file, number lists of annotations as arrays, masks left out unless asked for.

    Raises:
        UserError: It is absent, unreadable or no object.
    """
    content = read_json(
        file,
        what='the annotation file',
        absent='check `data_root` and `ann_file` of the dataset, or create the file first',
        object_hook=_compact_with_masks if with_masks else _compact,
    )
    if not isinstance(content, dict):
        raise UserError(
            f'the top level is a {type(content).__name__}, not an object with `images` and `annotations`',
            file=file,
            remedy='convert the annotations to the COCO-style format first',
        )
    return content


def _compact_with_masks(entry: dict) -> dict:
    """As :func:`_compact`, with masks as text."""
    mask = pack_segmentation(entry.get('segmentation')) if 'image_id' in entry else None
    entry = _compact(entry)
    return entry if mask is None else {**entry, 'segmentation': mask}


def _compact(entry: dict) -> dict:
    """Called for each object as it is parsed: python's numbers take five times the memory of an array's."""
    if 'image_id' in entry:
        entry.pop('segmentation', None)  # the greater part of COCO's files
        for key in _NUMBER_LISTS:
            if isinstance(entry.get(key), list):
                numbers = as_numbers(entry[key])
                if numbers is not None:  # else the checks name it
                    entry[key] = numbers
    return entry


def read_info(content: dict, file: str) -> dict:
    """The object ``info``; empty where there is none.

    Raises:
        UserError: It is no object, or one of its entries that are read here is no text.
    """
    info = content.get('info')
    if info is None:
        return {}
    if not isinstance(info, dict):
        raise UserError(
            f'is no object: {short_text(info)}',
            file=file,
            field='info',
            remedy='write {"joints": the keypoint set}, or leave it out',
        )
    for key in ('joints', 'dataset', 'smpl_file'):
        if info.get(key) is not None and not is_usable_text(info[key]):
            raise UserError(
                f'is no text: {short_text(info[key])}',
                file=file,
                field=f'info.{key}',
                remedy='give text, or leave it out',
            )
    return info


def source_set(content: dict, given: str | None, default: str | None, file: str) -> KeypointSet:
    """The set in which a file's keypoints are stored; arguments as of :func:`read_annotation_file`.

    Raises:
        UserError: Nothing says it, or two things differ.
    """
    declared = read_info(content, file).get('joints')
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
    for names in _category_names(content, file):
        for kset in KEYPOINT_SETS.values():
            if names == kset.keypoints:
                return kset
    if default is not None:
        return get_keypoint_set(default)
    raise UserError(
        'nothing says in which order the keypoints are stored',
        file=file,
        field='info.joints',
        remedy=f'set `source_keypoint_set` of the dataset to one of: {", ".join(KEYPOINT_SETS)}',
    )


def _category_names(content: dict, file: str) -> list[tuple]:
    """The keypoint names of each of COCO's categories."""
    categories = content.get('categories')
    if categories is None:
        return []
    if not isinstance(categories, list) or not all(isinstance(category, dict) for category in categories):
        raise UserError(
            f'is no list of objects: {short_text(categories)}',
            file=file,
            field='categories',
            remedy="give COCO's categories, or leave them out and name the set in info.joints",
        )
    lists = [category.get('keypoints') for category in categories]
    return [tuple(names) for names in lists if isinstance(names, list)]
