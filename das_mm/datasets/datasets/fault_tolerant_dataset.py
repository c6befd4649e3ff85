"""A dataset that no unreadable image ends."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from das_mm.engine.image_files import image_fault, looks_complete
from das_mm.errors import UserError
from das_mm.printable import printable

from .unreadable_images import UnreadableImages

# what the eye of the network takes for nothing: the ImageNet mean, BGR
_BLANK_BGR = (104, 116, 124)


class FaultTolerantDataset(BaseDataset):
    """In training the next image takes the place of one that cannot be read; in test mode a blank image does.

    Each fault is reported once and counted over all worker processes.

    Args:
        max_skipped: More unreadable images than this are an error: then something greater is wrong.
        strict: In test mode an unreadable image is an error.
        kwargs: What mmengine's ``BaseDataset`` takes.
    """

    def __init__(self, max_skipped: int, strict: bool, **kwargs: Any):
        self.max_skipped, self.strict = max_skipped, strict
        self._unreadable = UnreadableImages(np.empty(0, dtype=bool))  # until it is known how many images there are
        super().__init__(**kwargs)

    def faults_at_start(self) -> np.ndarray:
        """(len(self),) bool: images that are known to be absent."""
        return np.zeros(len(self), dtype=bool)

    def full_init(self) -> None:
        """Loads and checks the annotation file, once."""
        if self._fully_initialized:
            return
        super().full_init()
        self._reset_skipped()

    @property
    def skipped(self) -> list[str]:
        """Paths of the images found unreadable so far, by any worker process that reads this dataset.

        Those that were absent at the start are among them in test mode, where they are not left out.
        """
        return [self.get_data_info(int(i))['img_path'] for i in self._unreadable.rows()]

    def __getitem__(self, idx: int) -> dict | None:
        """The sample; None only where a transform drops one in test mode."""
        if not self._fully_initialized:
            self.full_init()
        if self.test_mode:
            return self._test_sample(idx)
        if not -len(self) <= idx < len(self):
            raise IndexError(f'sample {idx} of a dataset of {len(self)}')
        idx %= len(self)
        for candidate in (*range(idx, len(self)), *range(idx)):  # deterministic: the next one takes the place
            if candidate in self._unreadable:
                continue
            sample, fault = self._attempt(self.get_data_info(candidate))
            if fault is not None:
                self._skip(candidate, fault)
            elif sample is not None:
                return sample
        example = self.get_data_info(0)['img_path']
        raise UserError(
            'not one image can be read',
            file=self.ann_file,
            remedy=f'check `data_root` and `data_prefix`; looked e.g. for {example}',
        )

    def get_subset_(self, indices: Sequence[int] | int) -> None:
        super().get_subset_(indices)
        self._reset_skipped()

    def get_subset(self, indices: Sequence[int] | int) -> FaultTolerantDataset:
        subset = super().get_subset(indices)
        subset._reset_skipped()
        return subset

    def _reset_skipped(self) -> None:
        self._unreadable = UnreadableImages(self.faults_at_start())

    def _attempt(self, record: dict) -> tuple[dict | None, str | None]:
        """The sample, or None and what is wrong with the image; errors that are not the image's fault are raised."""
        path = record['img_path']
        try:
            if looks_complete(path) or image_fault(path) is None:
                return self.pipeline(record), None
            return None, image_fault(path)
        except Exception as error:
            fault = error.problem if isinstance(error, UserError) and error.file == path else image_fault(path)
            if fault is None:
                raise
            return None, fault

    def _skip(self, idx: int, fault: str) -> None:
        count, path = self._unreadable.add(idx), self.get_data_info(idx)['img_path']
        print_log(
            f'{printable(path)}: {printable(fault)}; the image is skipped ({count} of {len(self)} so far)',
            logger='current',
            level=logging.WARNING,
        )
        if count > self.max_skipped:
            raise UserError(
                f'{count} images cannot be read, the last one because {fault}',
                file=path,
                remedy='check `data_root` and `data_prefix`, mend the images, or raise `max_skipped`',
            )

    def _test_sample(self, idx: int) -> dict | None:
        record = self.get_data_info(idx)
        sample, fault = self._attempt(record)
        if fault is None:
            return sample
        if self.strict:
            raise UserError(fault, file=record['img_path'], remedy='mend the image, or set strict=False')
        if idx % len(self) not in self._unreadable:
            self._unreadable.add(idx % len(self))
            path = printable(record['img_path'])
            print_log(f'{path}: {printable(fault)}; nothing is found on it', logger='current', level=logging.WARNING)
        record = self.get_data_info(idx)  # the failed attempt may have changed it
        blank = np.full((*record['ori_shape'], 3), _BLANK_BGR, dtype=np.uint8)
        return self.pipeline({**record, 'img': blank, 'image_fault': fault})


def our_step(step: Any) -> Any:
    """A step of a pipeline: found without a prefix, whatever the default scope of the caller.

    mmpose's ``LoadImage`` is ours even where its prefix is given: it turns some images from under their labels.
    """
    if not isinstance(step, dict):
        return step
    renamed = dict(type='LoadImage') if step.get('type') == 'mmpose.LoadImage' else {}
    return {'_scope_': 'das_mm', **step, **renamed}
