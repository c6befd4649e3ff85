"""Other inputs than photographs: part segmentations and DensePose's IUV images (thesis §2.3.1), made by other networks.

They lie in image files beside the photographs and are as large as these.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from das_mm.errors import UserError
from das_mm.registry import TRANSFORMS
from das_mm.structures.keypoint_sets import mirrored_name

#: labels 1 to 6 of a part segmentation; 0 is the background
PARTS = ('head', 'torso', 'left_arm', 'right_arm', 'left_leg', 'right_leg')
# colours (BGR) far from one another, so that the three channels of a photograph's network tell the parts apart
_COLOURS = np.array(
    [[0, 0, 0], [255, 255, 255], [128, 128, 128], [255, 0, 0], [0, 255, 0], [0, 0, 255], [0, 255, 255]], np.uint8
)
_DENSEPOSE_LABELS = 24
_KINDS = ('parts', 'iuv')


@TRANSFORMS.register_module()
class CropInputMap(BaseTransform):
    """Puts a map in the place of the photograph that :class:`.PersonCrop` has cut out; comes directly after it.

    The map is cut out by the same warp, without mixing the labels of neighbouring pixels. Part labels change sides in a
    mirrored crop. IUV images cannot be mirrored: the surface coordinates of one side do not mirror the other's.

    Args:
        kind: 'parts': one channel of labels (:data:`PARTS`); 'iuv': three channels, the first a label from 0 to 24, as
            DensePose's ``*_IUV.png`` have it.
        path: Of the map; ``{folder}`` and ``{stem}`` are those of the photograph's path.

    Raises:
        UserError: Another kind; a map that is absent, of another size, or whose labels are others.
    """

    def __init__(self, kind: str, path: str):
        if kind not in _KINDS:
            raise UserError(f'{kind!r} is no kind of map', field='kind', remedy=f'use one of {", ".join(_KINDS)}')
        self.kind, self.path = kind, path
        names = ('background', *PARTS)
        self._mirrored = np.array([names.index(mirrored_name(name)) for name in names], np.uint8)

    def transform(self, results: dict) -> dict:
        """Adds ``img`` (crop_px, crop_px, 3) uint8."""
        photograph = Path(results['img_path'])
        file = Path(self.path.format(folder=photograph.parent, stem=photograph.stem))
        labels = self._read(file, tuple(results['ori_shape'][:2]))
        if results['flip'] and self.kind == 'iuv':
            raise UserError(
                'an IUV image cannot be mirrored',
                file=file,
                field='augmentation.flip_prob',
                remedy='set flip_prob=0.0 in the augmentation of PersonCrop',
            )
        size = results['img_shape'][1], results['img_shape'][0]
        crop = cv2.warpAffine(labels, np.asarray(results['warp_mat'], np.float64), size, flags=cv2.INTER_NEAREST)
        if self.kind == 'parts':
            crop = _COLOURS[self._mirrored[crop] if results['flip'] else crop]
        else:
            crop = crop * np.array([255 // _DENSEPOSE_LABELS, 1, 1], np.uint8)
        results['img'] = np.ascontiguousarray(crop)
        return results

    def _read(self, file: Path, size: tuple[int, int]) -> np.ndarray:
        """(H, W) labels, or (H, W, 3) I, U, V."""
        if not file.is_file():
            raise UserError(
                f'the {self.kind} image is not there', file=file, field='path', remedy='name it: {folder}, {stem}'
            )
        image = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        channels = None if image is None else 1 if image.ndim == 2 else image.shape[2]
        wanted, most = (1, len(PARTS)) if self.kind == 'parts' else (3, _DENSEPOSE_LABELS)
        if image is None or image.dtype != np.uint8 or channels != wanted:
            told = 'it is no image' if image is None else f'it has {channels} channels of {image.dtype}'
            remedy = f'give a png of {wanted} channel{"s" * (wanted > 1)} of 8 bits'
            raise UserError(f'{told}', file=file, field=self.kind, remedy=remedy)
        if image.shape[:2] != size:
            raise UserError(
                f'it is {image.shape[1]} x {image.shape[0]} px, its photograph {size[1]} x {size[0]}',
                file=file,
                field=self.kind,
                remedy='make it of the very photograph, without resizing',
            )
        largest = int((image if self.kind == 'parts' else image[..., 0]).max())
        if largest > most:
            raise UserError(
                f'it has the label {largest}; labels are 0 to {most}',
                file=file,
                field=self.kind,
                remedy='parts: ' + ', '.join(f'{n} {name}' for n, name in enumerate(PARTS, 1))
                if self.kind == 'parts'
                else "give DensePose's IUV image, whose first channel is the part",
            )
        return image

    def __repr__(self) -> str:
        return f'{type(self).__name__}(kind={self.kind!r}, path={self.path!r})'
