"""What a file holds, in a few numbers."""

from __future__ import annotations

from collections import Counter

import numpy as np

from das_mm.structures import root_of

from .labels import Labels

_SIZES = 5


def summarise(labels: Labels) -> dict:
    """Counts, sizes, depths and how often each keypoint is labelled; plain values.

    ``keypoints``: one dict a keypoint with ``labelled``, ``visible`` and ``with_3d`` in percent of the people who are
    no crowd and have any labelled keypoint.
    """
    people, images = labels.people, labels.file.images
    sizes = Counter(f'{image["width"]:g}x{image["height"]:g}' for image in images)
    judged = labels.labelled.any(1) & ~people.iscrowd
    return {
        'dataset': labels.file.info.get('dataset'),
        'keypoint_set': labels.kset.name,
        'images': len(images),
        'images_without_people': len(images) - len(np.unique(people.image_row)),
        'images_with_camera': int(labels.has_camera.sum()),
        'image_sizes': dict(sizes.most_common(_SIZES)),
        'different_image_sizes': len(sizes),
        'sequences': len({image['seq'] for image in images if image.get('seq')}),
        'people': len(people.ann_id),
        'crowd_regions': int(people.iscrowd.sum()),
        'people_marked_not_valid': int((~people.is_valid).sum()),
        'people_without_labelled_keypoints': int((~labels.labelled.any(1) & ~people.iscrowd).sum()),
        'people_with_3d': int(labels.with_3d.sum()),
        'root_depth_mm': _root_depths(labels),
        'keypoints': _keypoints(labels, judged),
    }


def _root_depths(labels: Labels) -> dict[str, float] | None:
    root, valid = root_of(labels.people.keypoints_3d, labels.people.keypoints_3d_valid, labels.kset)
    depths = np.where(valid, root[..., 2], labels.people.root_depth_mm)
    depths = depths[np.isfinite(depths)]
    if not len(depths):
        return None
    return {'least': float(depths.min()), 'median': float(np.median(depths)), 'greatest': float(depths.max())}


def _keypoints(labels: Labels, judged: np.ndarray) -> list[dict]:
    number = max(int(judged.sum()), 1)

    def percent(mask: np.ndarray) -> list[float]:
        return (100 * mask[judged].sum(0) / number).round(1).tolist()

    columns = zip(
        labels.kset.keypoints,
        percent(labels.labelled),
        percent(labels.people.flags == 2),
        percent(labels.people.keypoints_3d_valid),
    )
    return [
        dict(name=name, labelled=labelled, visible=visible, with_3d=with_3d)
        for name, labelled, visible, with_3d in columns
    ]
