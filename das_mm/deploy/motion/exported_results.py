"""Files of results as files of motion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from das_mm.bodies.numpy_body import NumpyBody
from das_mm.bodies.posable_body import PosableBody
from das_mm.bodies.smpl_file import generated_arrays, load_smpl_file
from das_mm.inference.mesh_exporters import EXPORTERS as MESH_EXPORTERS
from das_mm.inference.result_files import read_results

from .exporters import MOTION_EXPORTERS, write_motion
from .result_motion import clip_motion

Results = Iterable[Mapping[str, Any]]


def surface_formats(formats: Iterable[str]) -> list[str]:
    """Of formats that a run of inference is asked for, those of surfaces, image by image. What is unknown counts as one
    of them, which a config's module may add; 'glb' is one of motion too."""
    return [name for name in dict.fromkeys(formats) if name in MESH_EXPORTERS or name not in MOTION_EXPORTERS]


def export_results(
    file: str | Path,
    folder: str | Path,
    formats: Sequence[str],
    body: PosableBody,
    on_ground: bool = True,
    change: Callable[[Results], Results] = lambda results: results,
) -> list[Path]:
    """Write the motion of the people in one file of results.

    Args:
        file: ``.json`` of an image or ``.jsonl`` of a video.
        folder: Where to.
        formats: Names out of :data:`.MOTION_EXPORTERS`.
        body: That the results are of, or are made of by ``change``.
        on_ground, change: The world; what is done to the results first, such as a fit of bodies.

    Raises:
        UserError: See :func:`.clip_motion` and :func:`.write_motion`.
    """
    clip = clip_motion(change(read_results(file)), numpy_body(body).model, body.name, file, on_ground)
    return write_motion(clip, folder, formats)


def numpy_body(body: PosableBody) -> NumpyBody:
    """A body as arrays, whoever poses it."""
    if isinstance(body, NumpyBody):
        return body
    source, gender, num_betas = (getattr(body, name) for name in ('source', 'gender', 'num_betas'))  # of torch
    return NumpyBody(generated_arrays(gender) if source == 'generated' else load_smpl_file(source, gender), num_betas)
