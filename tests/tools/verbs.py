"""Several command lines of `das-mm`, separated by `+`, in one process of a torchrun: the imports are paid once."""

from __future__ import annotations

import itertools
import sys

import torch.distributed as dist

from das_mm.cli import main

if __name__ == '__main__':
    dist.init_process_group('gloo')  # once: a group that is left and entered again can meet its own old addresses
    for is_separator, words in itertools.groupby(sys.argv[1:], key='+'.__eq__):
        if not is_separator and main(list(words)) != 0:
            sys.exit(1)
    dist.barrier()  # or a rank that is done takes its sockets away from one that is not
    dist.destroy_process_group()
