"""Several command lines of `das-mm`, separated by `+`, in one process: the imports are paid once."""
from __future__ import annotations

import itertools
import sys

from das_mm.cli import main

if __name__ == '__main__':
    for is_separator, words in itertools.groupby(sys.argv[1:], key='+'.__eq__):
        if not is_separator and main(list(words)) != 0:
            sys.exit(1)
