"""Commands that a test runs in an environment of their own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def run(*words: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(('PYTHON', 'VIRTUAL_ENV'))}
    done = subprocess.run(
        list(map(str, words)),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=400,
        env={**environment, 'OMP_NUM_THREADS': '1'},
    )
    assert done.returncode == 0 or not check, (done.stdout + done.stderr)[-4000:]
    return done
