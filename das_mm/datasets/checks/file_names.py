"""Names of images that lead out of the image folder, or that another system wrote."""

from __future__ import annotations

from ..annotations.file_names import leads_out
from .findings import Findings, Kind

_OUTSIDE = Kind(
    'images.file_name',
    'leads out of the image folder (absolute, or with ..)',
    'a file that somebody else made then reads, and sheets show, any picture of this machine',
    'write names below the folder that --images and data_prefix name',
)
_BACKSLASHES = Kind(
    'images.file_name',
    'holds backslashes',
    'paths were written on Windows; elsewhere such a file is not found',
    'write / between folders',
)


def odd_places(images: list[dict], findings: Findings) -> None:
    """Warns of names that lead out of the image folder, and of those with backslashes.

    Args:
        images: Entries with ``id`` and ``file_name``.
    """
    for image in images:
        name = image['file_name']
        for kind, odd in ((_OUTSIDE, leads_out(name)), (_BACKSLASHES, '\\' in name)):
            if odd:
                findings.warn(kind, [f'image id {image["id"]}, {name}'])
