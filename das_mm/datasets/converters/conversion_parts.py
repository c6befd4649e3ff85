"""Finished parts of a conversion on the disk; what is stored need not be converted again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from das_mm.engine import atomic_write
from das_mm.version import __version__

from .base import Converter, Job, Part

FORMAT_VERSION = 1  # of the annotation format; finished parts of another version are made again


def store_part(part: Part, stem: Path) -> None:
    """Two files: the images line by line, and, when they are whole, what belongs to all of them."""
    ids = all('id' in image and all('id' in person for person in image['annotations']) for image in part.images)
    smpl = any('smpl' in person for image in part.images for person in image['annotations'])
    lines = '\n'.join(json.dumps(image, allow_nan=False, separators=(',', ':')) for image in part.images)
    atomic_write(stem.with_suffix('.jsonl'), lines.encode())
    meta = dict(counts=part.counts, notes=part.notes, ids=ids, smpl=smpl)  # last: it says that the part is whole
    atomic_write(meta_path(stem), json.dumps(meta).encode())


def meta_path(stem: Path) -> Path:
    """The file of a part that is written last."""
    return stem.with_suffix('.meta.json')


def fingerprint(converter: Converter, job: Job) -> str:
    """Changes with everything that the part depends on."""
    sources = []
    for path in job.sources:
        there = Path(path).exists()
        sources.append([str(path), *([Path(path).stat().st_size, Path(path).stat().st_mtime_ns] if there else [])])
    state = [
        FORMAT_VERSION,
        __version__,
        type(converter).__name__,
        sorted(vars(converter).items()),
        job.name,
        sorted(job.arguments.items()),
        sources,
    ]
    return hashlib.sha256(json.dumps(state, default=str).encode()).hexdigest()[:24]


def image_count(stem: Path) -> int:
    """Images of a stored part."""
    with open(stem.with_suffix('.jsonl'), 'rb') as file:
        return sum(1 for line in file if line.strip())


def part_entries(stems: list[Path]) -> Iterator[tuple[dict, list[dict]]]:
    """(entry of ``images[]``, its annotations) of stored parts, one after the other."""
    for stem in stems:
        with open(stem.with_suffix('.jsonl'), encoding='utf-8') as file:
            for line in file:
                if line.strip():
                    image = json.loads(line)
                    yield image, image.pop('annotations')
