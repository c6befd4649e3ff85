"""Synthetic people as a data set that makes itself on first use."""
from __future__ import annotations

import os
from pathlib import Path

from mmengine.dist import barrier, is_main_process

from das_mm.datasets.datasets import DASDataset
from das_mm.registry import DATASETS

from .config import SyntheticConfig
from .generator import generate


def cache_root() -> Path:
    """``$DAS_MM_CACHE``, or ``~/.cache/das_mm``."""
    return Path(os.environ.get('DAS_MM_CACHE') or Path.home() / '.cache' / 'das_mm')


@DATASETS.register_module()
class SyntheticPeople(DASDataset):
    """Generated scenes or clips (:mod:`das_mm.datasets.synthetic`), drawn when they are first asked for.

    Of several processes the main one draws and the others wait.

    Args:
        num_images, image_size, people, seed, split, kind, clip_length: As in :class:`SyntheticConfig`; ``image_size`` is
            (width, height) px.
        keypoint_set: One of the sets that the generator writes, ``'panoptic15'`` or ``'coco17'``.
        root: Folder of the set; by default one named by the settings below :func:`cache_root`.
        workers: Processes that draw; all cores where None.
        kwargs: As in :class:`DASDataset`.

    Raises:
        UserError: Impossible settings, or a folder that cannot be written.
    """

    def __init__(self, num_images: int = 200, image_size: tuple[int, int] = (832, 512), people: tuple[int, int] = (1, 8),
                 seed: int = 0, split: str = 'train', kind: str = 'scenes', clip_length: int = 24,
                 keypoint_set: str = 'panoptic15', root: str | None = None, workers: int | None = None, **kwargs):
        config = SyntheticConfig(num_images=num_images, image_size=image_size, people=people, seed=seed, split=split,
                                 kind=kind, clip_length=clip_length)
        folder = Path(root) if root is not None else cache_root() / 'synthetic' / config.key
        if is_main_process():
            generate(config, folder, workers)
        barrier()
        super().__init__(ann_file=f'annotations/{split}_{keypoint_set}.json', keypoint_set=keypoint_set,
                         data_root=str(folder), dataset_name=f'synthetic_{split}', **kwargs)
