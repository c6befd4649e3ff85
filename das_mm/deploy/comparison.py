"""Whether a graph gives what PyTorch gives, in numbers: the report beside an exported file."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from torch import Tensor

from das_mm.checkpoints.optional_packages import require
from das_mm.engine import atomic_write, file_sha256
from das_mm.models.pose_estimators import DAS
from das_mm.version import __version__

from .comparison_images import SYNTHETIC, network_images
from .people_differences import Differences

_TOLERANCE = 1e-3  # px, mm/px and scores alike; float32 has 3e-5 px at column 448
# of the mm: among the crowd at the lowest threshold PyTorch is itself up to 1.0e-3 mm from what it says in float64, and
# so is onnxruntime (the small model, 20 scenes)
_TOLERANCE_MM = 4e-3
_SAME_PERSON_PX = 0.5, 24.0  # mean distance of keypoints of one person in both: float32, float16
_PACKAGES = ('torch', 'torchvision', 'onnx', 'onnxscript', 'onnxruntime', 'numpy')


def check_onnx(
    model: DAS,
    exported: DAS,
    file: str | Path,
    images: str | Path = SYNTHETIC,
    number: int = 20,
    size: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """Compare a model with its export and time both.

    Every image goes through both alone, at the model's threshold and at one so low that suppression has work to do;
    then a few in batches of other sizes.

    Args:
        model: The model, on the CPU.
        exported: Its export, made by :func:`.load_onnx_model`.
        file: The file.
        images: A folder of images, or 'synthetic': generated scenes.
        number: At most so many images.
        size: Width and height in place of those that the config's pipeline gives.

    Returns:
        The report; ``passed`` says whether all differences are at most ``tolerance``, those in mm ``tolerance_mm``, and
        nobody is found by one alone. Of a half-precision file it is None: its differences are there to be judged.

    Raises:
        UserError: There are no images.
    """
    inputs = list(network_images(model, images, number, size))
    half = _precision(exported) == 'float16'
    check = _Check(model, exported, _SAME_PERSON_PX[half])
    own_thr = model.score_thr
    crowded_thr = min(own_thr, check.low_threshold(inputs[0]))
    single, crowded = Differences(), Differences()
    times = []
    for image in inputs:
        times.append(check.compare([image], own_thr, single))
        check.compare([image], crowded_thr, crowded)
    shapes = [
        check.shape([image[..., :height, :width] for image in inputs[:batch]], crowded_thr)
        for batch, height, width in _shapes(inputs[0].shape[-2:])
    ]
    compared = [single, crowded, *(one for _, one in shapes)]
    passed = None if half else all(one.within(_TOLERANCE, _TOLERANCE_MM) for one in compared)
    return dict(
        format='das_mm.onnx_report/1',
        passed=passed,
        tolerance=None if half else _TOLERANCE,
        tolerance_mm=None if half else _TOLERANCE_MM,
        file=Path(file).name,
        bytes=Path(file).stat().st_size,
        sha256=file_sha256(file),
        precision=_precision(exported),
        opset=_opset(file),
        config=model.provenance['config'],
        weights=model.provenance['weights'],
        weights_sha256=model.provenance['weights_sha256'],
        das_mm=__version__,
        packages={name: _version(name) for name in _PACKAGES},
        python=platform.python_version(),
        machine=platform.machine(),
        providers=exported.head.session.get_providers(),
        threads=torch.get_num_threads(),
        images=dict(
            source=str(images), number=len(inputs), sizes=sorted({f'{one.shape[-1]}x{one.shape[-2]}' for one in inputs})
        ),
        at_threshold_of_model=dict(score_thr=own_thr, **single.summary()),
        crowded=dict(score_thr=crowded_thr, **crowded.summary()),
        shapes=[
            dict(**shape, **{name: value for name, value in found.summary().items() if name != 'differences'})
            for shape, found in shapes
        ],
        milliseconds=_timing(times),
    )


def write_report(report: dict[str, Any], file: str | Path) -> Path:
    """Write a report beside an exported file; returns where."""
    path = Path(file).with_suffix('.report.json')
    atomic_write(path, (json.dumps(report, indent=2) + '\n').encode())
    return path


class _Check:
    """A model and its export, asked the same.

    Args:
        same_px: People at most so far from each other are the same one.
    """

    def __init__(self, model: DAS, exported: DAS, same_px: float):
        self.model, self.exported, self.same_px = model, exported, same_px
        self.with_sigma = exported.head.uses_sigma

    def compare(self, images: Sequence[Tensor], score_thr: float, into: Differences) -> tuple[float, float]:
        """Add the people of a batch; gives the seconds that both took."""
        (expected, torch_s), (given, onnx_s) = (
            _timed(one, images, score_thr, self.with_sigma) for one in (self.model, self.exported)
        )
        for theirs, ours in zip(expected, given, strict=True):
            into.add(theirs, ours, score_thr, self.same_px)
        return torch_s, onnx_s

    def shape(self, images: Sequence[Tensor], score_thr: float) -> tuple[dict[str, int], Differences]:
        """The same of one batch, with what it is."""
        images = [image.contiguous() for image in images]
        found = Differences()
        self.compare(images, score_thr, found)
        return dict(batch=len(images), height=images[0].shape[-2], width=images[0].shape[-1]), found

    def low_threshold(self, image: Tensor) -> float:
        """One at which the model finds as many people in an image as it can."""
        people, _ = _timed(self.model, [image], 0.0, False)
        found: Any = people[0]
        return float(found.scores[-1]) * 0.999 if len(found) else 0.0


@torch.no_grad()
def _timed(
    model: DAS, images: Sequence[Tensor], score_thr: float, with_sigma: bool
) -> tuple[list[InstanceData], float]:
    """People of a batch in the frame of the network input, and seconds."""
    begin = time.perf_counter()
    samples = [PoseDataSample(metainfo=_previous_people(image)) for image in images]
    data = model.data_preprocessor(dict(inputs=list(images), data_samples=samples), False)
    test_cfg = dict(model.test_cfg, score_thr=score_thr, with_sigma=with_sigma)
    people = model.head.predict(model.extract_feat(data['inputs']), data['data_samples'], test_cfg=test_cfg)
    return people, time.perf_counter() - begin


def _previous_people(image: Tensor) -> dict[str, Any]:
    """Somebody in the middle of the frame before, for a network that asks."""
    height, width = image.shape[-2:]
    return dict(previous_centers_px=[(width / 2, height / 2)], previous_sizes_px=[(width / 6, height / 2)])


def _shapes(size: Sequence[int]) -> list[tuple[int, int, int]]:
    """Batch, height and width of crops: as it is, and sides that are no multiple of anything."""
    height, width = size
    return [
        (3, height, width),
        (2, height * 5 // 8 - 1, width * 3 // 4 + 1),
        (1, height, min(height, width) // 2 + 3),
        (4, 70, min(width, 33)),
    ]


def _timing(times: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Medians of interleaved runs, preprocessing included; the first of each is a warm-up."""
    torch_ms, onnx_ms = 1000 * np.array(times[1:] or times).T
    return dict(
        torch_median=round(float(np.median(torch_ms)), 2),
        onnx_median=round(float(np.median(onnx_ms)), 2),
        torch_spread=[round(float(value), 2) for value in np.percentile(torch_ms, (10, 90))],
        onnx_spread=[round(float(value), 2) for value in np.percentile(onnx_ms, (10, 90))],
        runs=len(torch_ms),
    )


def _precision(exported: DAS) -> str:
    return exported.head.session.get_modelmeta().custom_metadata_map['das_mm.precision']


def _opset(file: str | Path) -> int:
    onnx = require('onnx')
    return next(one.version for one in onnx.load(str(file), load_external_data=False).opset_import if not one.domain)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
