"""Where the package keeps what it can make again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_root() -> Path:
    """``$DAS_MM_CACHE``, else ``~/.cache/das_mm``."""
    return Path(os.environ.get('DAS_MM_CACHE') or Path.home() / '.cache' / 'das_mm').expanduser()
