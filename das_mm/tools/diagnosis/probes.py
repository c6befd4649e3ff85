"""Pieces of Python code that tell whether a package works, run away from this process: it may bring one down."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile

_PROBE_TIMEOUT_S = 300

# name: (the package it belongs to, what is run)
PROBES = {
    'torch': ('torch', 'import torch'),
    'torchvision.ops': (
        'torchvision',
        'import torch, torchvision\ntorchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)',
    ),
    'mmcv._ext': ('mmcv', 'import torch, mmcv._ext'),  # before das_mm offers a stand-in
    'mmcv.ops': ('mmcv', 'import das_mm, mmcv.ops'),
    'cv2': ('opencv-python', 'import cv2'),
    'xtcocotools': ('xtcocotools', 'import xtcocotools.mask'),
    'pkg_resources': ('setuptools', 'import pkg_resources'),
    'embreex': ('embreex', 'import embreex.mesh_construction'),
    'das_mm': ('das-mm', 'import das_mm, mmdet.models, mmpose.models, das_mm.registry'),
}

_PROBE_PROGRAM = """
import json, sys, warnings
warnings.simplefilter('ignore')
report = open(int(sys.argv[1]), 'w', buffering=1)
for name, code in json.loads(sys.argv[2]).items():
    report.write(json.dumps([name, None]) + chr(10))
    error = ''
    try:
        exec(code, {})
    except BaseException as problem:
        error = (str(problem).strip().splitlines() or [''])[0]
        error = type(problem).__name__ + ': ' + error
    report.write(json.dumps([name, error]) + chr(10))
"""


def run_probes(codes: dict[str, str]) -> dict[str, str]:
    """Run pieces of python code one after the other, away from this process.

    They share one process, since each import of torch takes seconds; one that brings it down is found by the report it
    did not finish, and the others go on in a new one.

    Returns:
        The error of each, '' if it went well.
    """
    errors: dict[str, str] = {}
    while codes.keys() - errors.keys():
        rest = {name: code for name, code in codes.items() if name not in errors}
        with tempfile.TemporaryFile('w+') as report:
            command = [sys.executable, '-c', _PROBE_PROGRAM, str(report.fileno()), json.dumps(rest)]
            end = _run_quietly(command, report.fileno())
            report.seek(0)
            told = dict(json.loads(line) for line in report)
        errors |= {name: end if error is None else error for name, error in told.items()}
        if not told:
            return errors | dict.fromkeys(rest, end)
    return errors


def _run_quietly(command: list[str], kept_open: int) -> str:
    """Run to the end; in words, how it ended if not by itself."""
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            timeout=_PROBE_TIMEOUT_S,
            pass_fds=[kept_open],
        )
    except subprocess.TimeoutExpired:
        return f'no answer within {_PROBE_TIMEOUT_S} s'
    return f'it ends the process (status {done.returncode})'
