"""What every converter shares: its interface, the parts it returns, and entries of the annotation format.

A converter knows one data set's original archives. It lists jobs (a sequence, a slice of a large json, …), each of
which gives one :class:`Part`; running them in parallel, resuming, numbering, checking, counting and drawing is the
business of :mod:`.conversion_runner`. Letters: J keypoints.
"""

from __future__ import annotations

import argparse
import inspect
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from das_mm.engine.image_header import image_header
from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS

from ..annotations.values import MAX_PX

_PX, _MM = 3, 3  # decimals kept


@dataclass(frozen=True)
class Job:
    """One unit of work; what is finished is not done again.

    Attributes:
        name: Unique in the conversion; it is also shown to the user.
        arguments: What :meth:`Converter.convert` needs, plain values only: it travels to another process, and a change
            of it makes a finished part stale.
        sources: Files or folders whose change makes a finished part stale.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    sources: Sequence[Path] = ()


@dataclass
class Part:
    """What one job found.

    Attributes:
        images: Entries of ``images[]`` (datasets.md names: file_name, width, height, cam_param, seq, frame, …), each
            with its people under ``annotations``. Ids may be left out; if all images have ``id`` and all annotations
            have ``id``, they are kept (COCO's evaluation goes by them), else everything is numbered from 1.
            A person's SMPL parameters are given as ``smpl=smpl_entry(…)`` (:mod:`.smpl_rows`) and go to a file of their
            own.
        counts: How often what happened, for the table at the end: ``'images missing'``, ``'people dropped: no joint'``…
        notes: Sentences for the user: what looked odd and where.
        missing: Names of images that are not there, as ``file_name`` would be.
    """

    images: list[dict] = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def miss(self, name: str) -> None:
        """Counts an image that is not there; ``name`` as its ``file_name`` would be."""
        self.counts['images missing'] += 1
        self.missing.append(name)

    def tell(self, kind: str, example: str) -> None:
        """Counts what is wrong under the name of its kind; the first of a kind is noted."""
        self.counts[kind] += 1
        if self.counts[kind] == 1:
            self.notes.append(f'{kind}; the first: {example}')


class Converter(ABC):
    """One data set. An instance is one conversion: its options are read from the command line by ``from_arguments``.

    Attributes:
        name: Word on the command line.
        title: Name in prose.
        keypoint_set: Key of ``KEYPOINT_SETS`` in which keypoints are stored (may be set by an instance).
        options_class: Dataclass of what ``__init__`` takes as keywords besides; for data sets that have many options.
        splits: Splits there are; anything goes where it is empty.
        tree: The files that are needed, as a tree; shown when something is missing.
        reprojection_limit_px: Greatest median distance between stored keypoints and projected ``keypoints_3d`` that is
            still no sign of a fault; None where there is no 3D.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    keypoint_set: str
    options_class: ClassVar[type | None] = None
    splits: ClassVar[tuple[str, ...]] = ()
    tree: ClassVar[str] = ''
    reprojection_limit_px: float | None = None

    def __init__(self, root: str | Path, split: str = 'train'):
        self.root, self.split = Path(root), split
        if not self.root.is_dir():
            raise UserError(
                'there is no such folder',
                file=self.root,
                field='--root',
                remedy=f'give the folder of {self.title}:\n{self.tree}',
            )
        if self.splits and split not in self.splits:
            raise UserError(
                f'{self.title} has no split {split!r}', field='--split', remedy=f'use one of: {", ".join(self.splits)}'
            )

    @classmethod
    def from_arguments(cls, args: argparse.Namespace) -> Converter:
        """The conversion that a command line asks for: every argument of ``__init__`` and option that it gives."""
        names = {
            *inspect.signature(cls).parameters,
            *(one.name for one in (fields(cls.options_class) if cls.options_class else ())),
        }
        return cls(**{name: value for name, value in vars(args).items() if name in names and value is not None})

    @classmethod  # noqa: B027 (most have none)
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Options of this data set alone; their names are those of ``__init__``'s arguments."""

    @property
    def image_root(self) -> Path:
        """Folder that ``file_name`` is relative to."""
        return self.root

    @abstractmethod
    def jobs(self) -> list[Job]:
        """All work there is, cheap to list.

        Raises:
            UserError: The archives are not there, or not as expected.
        """

    @abstractmethod
    def convert(self, job: Job) -> Part:
        """Does one job; runs in another process, so it must depend on nothing but ``self`` and the job.

        Raises:
            UserError: A file is damaged.
        """

    def expected(self) -> dict[str, str]:
        """Counts that the protocol or the papers give: name of a row of the table -> number as text."""
        return {}

    def info(self) -> dict:
        """Further entries of ``info``."""
        return {}

    def require(self, path: Path, what: str) -> Path:
        """The path, which must exist.

        Raises:
            UserError: It does not; the message shows the whole tree that is needed.
        """
        if not path.exists():
            raise UserError(
                f'{what} is not there',
                file=path,
                remedy=f'--root is the folder of {self.title}, which looks so:\n{self.tree}',
            )
        return path


def add_without_images(parser: argparse.ArgumentParser, source: str) -> None:
    """The option of converters that know the sizes of the images from elsewhere: from ``source``."""
    parser.add_argument(
        '--without-images',
        action='store_true',
        help=f'convert the annotations alone; sizes are those that {source} tells',
    )


def image_size(path: str | Path) -> tuple[int, int] | None:
    """(width, height) px as stored, out of the image's header; None if there is no such file or it is no image."""
    try:
        return image_header(path).size
    except UserError:
        return None


def camera_entry(
    K: np.ndarray, R: np.ndarray | None = None, T_mm: np.ndarray | None = None, dist: np.ndarray | None = None
) -> dict:
    """``cam_param`` of an image: K (3, 3) px, R (3, 3) and T (3,) mm world to camera, dist (5,) of OpenCV."""
    plain = {
        name: None if value is None else np.asarray(value, np.float64)
        for name, value in dict(K=K, R=R, T=T_mm, dist=dist).items()
    }
    return {
        name: None if value is None else (value.ravel() if name in ('T', 'dist') else value).tolist()
        for name, value in plain.items()
    }


def person_entry(
    keypoint_set: str,
    keypoints_px: np.ndarray,
    flags: np.ndarray,
    size: tuple[int, int],
    *,
    bbox_xywh: Sequence[float] | np.ndarray | None = None,
    points_mm: np.ndarray | None = None,
    valid_3d: np.ndarray | None = None,
    **more: Any,
) -> dict:
    """One entry of ``annotations[]`` without ids.

    Args:
        keypoint_set: Key of ``KEYPOINT_SETS``.
        keypoints_px: (J, 2); ``flags``: (J,) 0 not labelled, 1 labelled but hidden or out of the image, 2 visible.
        size: (width, height) of the image, to which the box is cut.
        bbox_xywh: The source's box; by default that of the labelled keypoints, 15 % wider and higher on each side.
        points_mm: (J, 3) camera frame; ``valid_3d``: (J,), all by default. The root's depth is taken from them.
        more: Further fields as they are (``area``, ``iscrowd``, ``track_id``, ``is_valid``, ``occluded``, …); None is
            left out.
    """
    kset = KEYPOINT_SETS[keypoint_set]
    flags = np.asarray(flags).astype(int)
    keypoints_px = np.where(flags[:, None] > 0, np.asarray(keypoints_px, np.float64), 0.0)
    box = _cut_box(_box_of(keypoints_px[flags > 0]) if bbox_xywh is None else bbox_xywh, size)
    entry = dict(
        bbox=np.round(box, _PX).tolist(),
        area=round(float(box[2] * box[3]), _PX),
        iscrowd=0,
        category_id=1,
        keypoints=np.round(np.column_stack([keypoints_px, flags]), _PX).ravel().tolist(),
        num_keypoints=int((flags > 0).sum()),
    )
    if points_mm is not None:
        valid = np.ones(len(flags), bool) if valid_3d is None else np.asarray(valid_3d) > 0
        points = np.where(valid[:, None], np.asarray(points_mm, np.float64), 0.0)
        roots = list(kset.root_sources)
        depth = round(float(points[roots, 2].mean()), _MM) if valid[roots].all() else None
        entry |= dict(
            keypoints_3d=np.round(points, _MM).tolist(), keypoints_3d_valid=valid.astype(int).tolist(), root_depth=depth
        )
    return entry | {key: value for key, value in more.items() if value is not None}


def flags_in_image(
    keypoints_px: np.ndarray, known: np.ndarray, size: tuple[int, int], hidden: np.ndarray | None = None
) -> np.ndarray:
    """(J,) flags of keypoints (J, 2) px: 2 inside, 1 known but outside or ``hidden``, 0 not ``known`` or nowhere."""
    inside = ((keypoints_px >= -0.5) & (keypoints_px < np.asarray(size) - 0.5)).all(-1)
    seen = inside if hidden is None else inside & ~(np.asarray(hidden) > 0)
    with np.errstate(invalid='ignore'):
        somewhere = (np.abs(keypoints_px) <= MAX_PX).all(-1)  # beside a camera a projection says nothing
    return np.where((np.asarray(known) > 0) & somewhere, np.where(seen, 2, 1), 0)


def _box_of(points_px: np.ndarray, margin: float = 0.15) -> np.ndarray:
    if not len(points_px):
        return np.zeros(4)
    low, high = points_px.min(0), points_px.max(0)
    pad = margin * (high - low)
    return np.concatenate([low - pad, high - low + 2 * pad])


def _cut_box(box_xywh: Sequence[float] | np.ndarray, size: tuple[int, int]) -> np.ndarray:
    x, y, w, h = np.asarray(box_xywh, np.float64)
    low = np.clip([x, y], 0, np.asarray(size, np.float64))
    high = np.clip([x + w, y + h], low, np.asarray(size, np.float64))
    return np.concatenate([low, high - low])
