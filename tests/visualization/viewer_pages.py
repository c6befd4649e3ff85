"""What is in a page of the viewer, for tests that open no browser."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np


def page_data(page: Path) -> dict[str, Any]:
    """The data of a page, as its scripts parse it."""
    text = page.read_text(encoding='utf-8')
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def unpacked(packed: dict[str, str]) -> np.ndarray:
    """The numbers of an array."""
    return np.frombuffer(base64.b64decode(packed['bytes']), '<' + packed['kind'])


def people_of_frames(page: Path, table: str = 'people') -> list[list[dict[str, Any]]]:
    """For each frame its people: ``label``, ``color``, ``cam`` (K, 3) mm with NaN for unknown, ``body`` the same or
    None, ``px`` (K, 2), and ``mesh`` the number of a surface or -1."""
    data = page_data(page)
    packed, k = data[table], len(data['names'])
    identity, starts = unpacked(packed['identity']), packed['starts']
    points = {
        name: packed[name] and _points(packed[name], k, size) for name, size in (('cam', 3), ('body', 3), ('px', 2))
    }
    mesh = unpacked(packed['mesh']) if data['meshes'] else np.full(len(identity), -1)
    rows = [
        dict(
            label=data['identities'][place]['label'],
            color=data['identities'][place]['color'],
            mesh=int(mesh[row]),
            cam=points['cam'][row],
            body=None if points['body'] is None else points['body'][row],
            px=points['px'][row] / 4,
        )
        for row, place in enumerate(identity)
    ]
    return [rows[start:end] for start, end in zip(starts, starts[1:])]


def _points(packed: dict[str, str], k: int, size: int) -> np.ndarray:
    values = unpacked(packed)
    return np.where(values == np.iinfo(values.dtype).min, np.nan, values).reshape(-1, k, size)
