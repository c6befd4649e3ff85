"""Several photographs on one canvas, each with its people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from das_mm.errors import UserError
from das_mm.registry import TRANSFORMS

from .affine import DASRandomAffine
from .flip import DASRandomFlip
from .formatting import on_image
from .geometry import MEAN_BGR, begin_geometry, update_geometry

# columns of people, (N, …), that every record has
_PEOPLE = (
    'bbox',
    'keypoints',
    'keypoints_flags',
    'keypoints_3d',
    'keypoints_3d_valid',
    'root_px',
    'root_flags',
    'root_depth_mm',
    'iscrowd',
    'is_valid',
    'area',
    'track_id',
    'ann_id',
    'smpl_row',
    'occluded',
)
_GROUND_TRUTH = ('bbox', 'keypoints', 'keypoints_flags', 'keypoints_3d', 'keypoints_3d_valid')
# columns and rows of tiles, by their number
_GRIDS = {1: (1, 1), 2: (2, 1), 3: (3, 1), 4: (2, 2), 6: (3, 2)}


@TRANSFORMS.register_module()
class PeopleMosaic(BaseTransform):
    """One, two, three, four or six photographs side by side on one canvas, as a network input.

    For data sets of one labelled person an image: several people, and people of several sizes, come into one input,
    and an input is spent on people and not on borders. Each photograph is mirrored, scaled, turned and shifted by
    itself within its tile (:class:`.DASRandomFlip`, :class:`.DASRandomAffine`), and cut there: what of a person lies
    outside the tile is no longer labelled. The canvas then counts as the stored image. A canvas has no camera, so only
    images labelled in 2D may be mixed.

    It stands in the pipeline of an ``mmdet.MultiImageMixDataset``, over a data set whose own pipeline loads the image.

    Args:
        input_size: (width, height) of the canvas.
        tiles: Number of tiles (1, 2, 3, 4 or 6) to its probability.
        scale_range: As of :class:`.DASRandomAffine`, in each tile.
        translate_sigma: The same.
        max_rotation_rad: The same.
        flip_prob: Probability that a tile is mirrored.
        border_bgr: Colour outside the images.

    Raises:
        UserError: No such number of tiles, or an image with a camera.
    """

    def __init__(
        self,
        input_size: tuple[int, int],
        tiles: Mapping[int, float] | None = None,
        scale_range: tuple[float, float] = (0.8, 1.3),
        translate_sigma: float = 0.05,
        max_rotation_rad: float = 0.3,
        flip_prob: float = 0.5,
        border_bgr: tuple[int, int, int] = MEAN_BGR,
    ):
        # the keys of a config that was written to json are text
        self.tiles = {int(number): float(share) for number, share in (tiles or {1: 0.4, 2: 0.3, 4: 0.3}).items()}
        if not set(self.tiles) <= set(_GRIDS) or min(self.tiles.values()) < 0 or not sum(self.tiles.values()) > 0:
            raise UserError(
                f'{tiles} are no probabilities of numbers of tiles',
                field='tiles',
                remedy=f'give a probability for some of {", ".join(map(str, _GRIDS))}',
            )
        self.input_size, self.border_bgr = (int(input_size[0]), int(input_size[1])), tuple(border_bgr)
        self.flip = DASRandomFlip(flip_prob)
        self.affine: dict[str, Any] = dict(
            scale_range=scale_range,
            translate_sigma=translate_sigma,
            max_rotation_rad=max_rotation_rad,
            border_bgr=border_bgr,
        )

    def get_indexes(self, dataset: Sequence) -> list[int]:
        """The other images of a canvas, drawn anew; mmdet's ``MultiImageMixDataset`` asks for it."""
        return [int(np.random.randint(len(dataset))) for _ in range(self._draw_number() - 1)]

    @cache_randomness
    def _draw_number(self) -> int:
        numbers, shares = list(self.tiles), np.array(list(self.tiles.values()))
        return int(np.random.choice(numbers, p=shares / shares.sum()))

    @cache_randomness
    def _draw_cut(self) -> float:
        """Where two tiles meet, as a share of the canvas."""
        return float(np.random.uniform(0.35, 0.65))

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        images = [results, *results.pop('mix_results', ())]
        cells = self._cells(len(images))
        canvas = np.empty((self.input_size[1], self.input_size[0], 3), dtype=np.uint8)
        canvas[:] = self.border_bgr
        for image, cell in zip(images, cells):
            self._put(image, cell, canvas)
        return self._joined(images, canvas)

    def _cells(self, number: int) -> list[tuple[int, int, int, int]]:
        """(left, top, right, bottom) of each tile."""
        columns, rows = _GRIDS[number]
        if self.input_size[1] > self.input_size[0]:  # an upright canvas
            columns, rows = rows, columns
        xs, ys = (self._edges(count, side) for count, side in zip((columns, rows), self.input_size))
        return [(xs[i], ys[j], xs[i + 1], ys[j + 1]) for j in range(rows) for i in range(columns)]

    def _edges(self, count: int, side: int) -> list[int]:
        if count == 2:
            return [0, round(side * self._draw_cut()), side]
        return [round(side * i / count) for i in range(count + 1)]

    def _put(self, image: dict[str, Any], cell: tuple[int, int, int, int], canvas: np.ndarray) -> None:
        if (image.get('camera') or {}).get('K') is not None:
            raise UserError(
                'it has a camera, which a mosaic would lose',
                file=image.get('img_path'),
                remedy='mix only images that are labelled in 2D; train on the others as they are',
            )
        left, top, right, bottom = cell
        begin_geometry(image)
        self.flip(image)
        DASRandomAffine((right - left, bottom - top), **self.affine)(image)
        _unlabel_outside(image)
        canvas[top:bottom, left:right] = image['img']
        update_geometry(image, np.array([[1.0, 0, left], [0, 1, top]]), self.input_size)
        image['bbox'] = image['bbox'].clip((left - 0.5, top - 0.5) * 2, (right - 0.5, bottom - 0.5) * 2)
        image['tile'] = np.array([(left, top), (right, top), (right, bottom), (left, bottom)]) - 0.5

    def _joined(self, images: list[dict[str, Any]], canvas: np.ndarray) -> dict[str, Any]:
        results = images[0]
        for name in _PEOPLE:
            results[name] = np.concatenate([image[name] for image in images])
        results.pop('raw_ann_info', None)  # in the frame of the first image
        # nobody is known to be absent from a tile whose image is one region to ignore
        results['ignore_regions'] = [image['tile'] for image in images if image.get('ignore_regions')]
        results['gt'] = {name: results[name] for name in _GROUND_TRUTH}
        results['id'] = results['ann_id'].tolist()
        height, width = canvas.shape[:2]
        results.update(
            img=canvas,
            img_shape=(height, width),
            ori_shape=(height, width),
            annotated_shape=(height, width),
            warp_mat=np.array([[1.0, 0, 0], [0, 1, 0]]),
            flip=False,
        )
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(input_size={self.input_size}, tiles={self.tiles}, {self.affine})'


def _unlabel_outside(image: dict[str, Any]) -> None:
    """Takes back the labels of what is not on the tile."""
    flags = image['keypoints_flags']
    image['keypoints_flags'] = np.where(on_image(image['keypoints'], image), flags, 0).astype(flags.dtype)
    flags = image['root_flags']
    image['root_flags'] = np.where(on_image(image['root_px'], image), flags, 0).astype(flags.dtype)
