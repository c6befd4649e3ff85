"""A process that draws what it is told to: one unit (scene or clip) a line on standard input, one answer a line back.

Plain child processes rather than ``multiprocessing``: they need no ``__main__`` guard in the caller's script, survive
threads in the caller (a forked Embree hangs), end with it (their input closes), and one that is killed is noticed
instead of waited for.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from das_mm.errors import UserError

from .config import SyntheticConfig


def draw_unit(config: SyntheticConfig, unit: int, root: Path, records: Path) -> Iterator[int]:
    """Draw the images of one unit that have no record yet; gives their numbers as they are done."""
    from .drawing import choose_setting, draw_and_write
    from .layout import layout_scene

    numbers = unit_images(config, unit)
    if all(record_path(records, number).exists() for number in numbers):
        yield from numbers
        return
    if config.kind == 'scenes':
        layouts = [layout_scene(config, unit)]
    else:
        from .clips import layout_clip

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


def main() -> None:
    """Read unit numbers until the input closes; answer with one json line for every image done, or the error."""
    parser = argparse.ArgumentParser()
    for name in ('--config', '--root', '--records'):
        parser.add_argument(name, required=True)
    args = parser.parse_args()
    import cv2

    cv2.setNumThreads(1)
    config = SyntheticConfig(**json.loads(args.config))
    for line in sys.stdin:
        unit = int(line)
        try:
            for number in draw_unit(config, unit, Path(args.root), Path(args.records)):
                print(json.dumps({'image': number}), flush=True)
        except UserError as error:
            print(json.dumps({'error': [error.problem, str(error.file), error.field, error.remedy]}), flush=True)
            return
        print(json.dumps({'unit': unit}), flush=True)
