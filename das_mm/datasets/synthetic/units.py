"""What is drawn in one go: a scene, or all frames of a clip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .clips import layout_clip
from .config import SyntheticConfig
from .drawing import choose_setting, draw_and_write
from .layout import layout_scene


def draw_unit(config: SyntheticConfig, unit: int, root: Path, records: Path) -> Iterator[int]:
    """Draw the images of one unit that have no record yet; gives their numbers as they are done."""
    numbers = unit_images(config, unit)
    if all(record_path(records, number).exists() for number in numbers):
        yield from numbers
        return
    if config.kind == 'scenes':
        layouts = [layout_scene(config, unit)]
    else:
        layouts = layout_clip(config, unit, len(numbers))
    setting = choose_setting(config, unit, layouts)
    gain = None
    for number, layout in zip(numbers, layouts):
        # the first frame of a clip sets the exposure of all: it is drawn again where a later one is missing
        if gain is None or not record_path(records, number).exists():
            gain = draw_and_write(config, number, layout, setting, root, record_path(records, number), gain)
        yield number


def unit_images(config: SyntheticConfig, unit: int) -> range:
    """Numbers of the images of scene or clip ``unit``."""
    length = 1 if config.kind == 'scenes' else config.clip_length
    return range(unit * length, min((unit + 1) * length, config.num_images))


def record_path(records: Path, number: int) -> Path:
    """File of one image's record."""
    return records / f'{number:06d}.json'
