"""A process that draws what it is told to: one unit (scene or clip) a line on standard input, one answer a line back.

Plain child processes rather than ``multiprocessing``: they need no ``__main__`` guard in the caller's script, survive
threads in the caller (a forked Embree hangs), end with it (their input closes), and one that is killed is noticed
instead of waited for. They are started as ``python -m das_mm.datasets.synthetic.drawing_process`` and load neither
torch nor an mm package.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import cv2

from das_mm.errors import UserError

from .config import SyntheticConfig
from .units import draw_unit


def main() -> None:
    """Read unit numbers until the input closes; answer with one json line for every image done, or the error."""
    parser = argparse.ArgumentParser()
    for name in ('--config', '--root', '--records'):
        parser.add_argument(name, required=True)
    args = parser.parse_args()
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


if __name__ == '__main__':
    main()
