"""Entry of a drawing process (see ``pool``).

The packages above the drawing modules import mmpose, mmdet and every model, of which drawing uses nothing: nearly three
times the processor time to start, and 0.25 GB a process. Here they are entered as bare folders instead.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def enter_bare(name: str) -> None:
    """Make ``import name.x`` find the module x without running the package's own ``__init__``."""
    package = ModuleType(name)
    package.__path__ = [str(Path(importlib.util.find_spec('das_mm').origin).parent.joinpath(*name.split('.')[1:]))]
    sys.modules[name] = package


if __name__ == '__main__':
    sys.path.pop(0)  # the folder of this file: its `config`, `poses` … must not be found as top-level modules
    import das_mm  # noqa: F401

    for bare in ('das_mm.datasets', 'das_mm.datasets.synthetic', 'das_mm.models', 'das_mm.structures'):
        enter_bare(bare)
    from .worker import main

    main()
