"""The part of a keypoint set that drawing needs: names, links and sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from das_mm.structures.keypoint_sets import KeypointSet, get_keypoint_set


@dataclass(frozen=True)
class Skeleton:
    """K keypoint names, links as pairs of their indices, and the side of each keypoint ('left', 'middle', 'right')."""

    names: tuple[str, ...]
    links: tuple[tuple[int, int], ...]
    sides: tuple[str, ...]

    def link_side(self, link: tuple[int, int]) -> str:
        """The side both ends agree on; a link from the middle to one side (neck to shoulder) belongs to the side."""
        ends = {self.sides[link[0]], self.sides[link[1]]} - {'middle'}
        return ends.pop() if len(ends) == 1 else 'middle'


def skeleton_of(keypoint_set: str | KeypointSet | Skeleton) -> Skeleton:
    """The skeleton of a named keypoint set.

    Raises:
        UserError: No set of that name.
    """
    if isinstance(keypoint_set, Skeleton):
        return keypoint_set
    keypoint_set = get_keypoint_set(keypoint_set, field='keypoint_set')
    return _skeleton(tuple(keypoint_set.keypoints), keypoint_set.links)


def skeleton_of_metainfo(dataset_meta: Mapping) -> Skeleton:
    """The skeleton in mmpose's parsed dataset meta (``keypoint_id2name`` and ``skeleton_links``), or else of the
    ``keypoint_set`` it names, as the meta of our checkpoints does."""
    if 'keypoint_id2name' not in dataset_meta:
        return skeleton_of(dataset_meta['keypoint_set'])
    id2name = dataset_meta['keypoint_id2name']
    return _skeleton(tuple(id2name[i] for i in range(len(id2name))), dataset_meta.get('skeleton_links', ()))


def _skeleton(names: tuple[str, ...], links) -> Skeleton:
    sides = tuple(next((side for side in ('left', 'right') if name.startswith(side)), 'middle') for name in names)
    return Skeleton(names, tuple((int(a), int(b)) for a, b in links), sides)
