"""The embedded data sets: a config names them, and they make themselves on first use."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process

from das_mm.engine import cache_root
from das_mm.registry import DATASETS

from ..synthetic import SyntheticConfig, generate
from .das_dataset import DASDataset
from .frame_pairs import FramePairs
from .record_table import Records

# by default a data set has both joint sets, so that models of either share one set of images
_SETTINGS = {field.name for field in fields(SyntheticConfig)} - {'jpeg_quality', 'save_vertices'}


@DATASETS.register_module()
class SyntheticPeople(DASDataset):
    """Generated people with exact ground truth; nothing to download.

    The set is made when it is first needed and kept under the hash of its settings. Of several processes one makes it
    and the others wait at a file lock (no collective call, so no time-out however large the set; nodes without a
    common disk make one each).

    Args:
        root: Folder of all generated sets; by default ``synthetic`` in :func:`.cache_root`.
        keypoint_set: The set that the model learns.
        workers: Processes that draw; all cores where None.
        kwargs: ``num_images``, ``image_size``, ``people``, ``seed``, ``split``, ``kind``, ``clip_length``, ``fps``,
            ``subject_share``, ``share_spread``, ``clothes`` and ``joint_sets`` of :class:`.SyntheticConfig`, and
            what :class:`.DASDataset` takes besides (``pipeline``, ``test_mode``, …).

    Raises:
        UserError: Settings are impossible or the folder cannot be written to.
    """

    def __init__(
        self,
        root: str | Path | None = None,
        keypoint_set: str = 'panoptic15',
        workers: int | None = None,
        **kwargs: Any,
    ):
        self.config = SyntheticConfig(**{name: kwargs.pop(name) for name in _SETTINGS if name in kwargs})
        self.workers = workers
        folder = Path(root).expanduser() if root is not None else cache_root() / 'synthetic'
        joint_set = keypoint_set if keypoint_set in self.config.joint_sets else self.config.joint_sets[0]
        super().__init__(
            ann_file=f'annotations/{self.config.split}_{joint_set}.json',
            data_root=str(folder / self.config.key),
            keypoint_set=keypoint_set,
            **kwargs,
        )

    def load_data_list(self) -> Records:
        """Makes the set where it is not there, then reads it."""
        generate(self.config, self.data_root, workers=self.workers, progress=is_main_process())
        return super().load_data_list()


@DATASETS.register_module()
class SyntheticClips(FramePairs, SyntheticPeople):
    """Generated clips of moving people, identities kept."""

    def __init__(self, *args, kind: str = 'clips', **kwargs):
        super().__init__(*args, kind=kind, **kwargs)
