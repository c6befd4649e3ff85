"""Human3.6M: what converting from the archives and from mmpose's files share."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from .base import flags_in_image, person_entry
from .h36m_files import Metadata

KEYPOINT_SET = 'h36m17'


def image_entry(
    file_name: Path,
    size: tuple[int, int],
    frame: int,
    px: np.ndarray,
    known: np.ndarray,
    points: np.ndarray,
    valid: np.ndarray,
    common: dict,
) -> dict:
    """An entry of ``images[]`` with its one person; ``common`` holds what all images of a recording share."""
    person = person_entry(
        KEYPOINT_SET, px, flags_in_image(px, known, size), size, points_mm=points, valid_3d=valid, track_id=0
    )
    return dict(
        file_name=file_name.as_posix(), width=size[0], height=size[1], frame=frame, annotations=[person], **common
    )


@lru_cache(maxsize=2)
def read_metadata(path: Path) -> Metadata:
    """The file ``metadata.xml``, parsed once."""
    return Metadata(path)
