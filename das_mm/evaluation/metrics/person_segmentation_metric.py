"""Silhouettes and body parts of predicted meshes against annotated ones (LSP)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from das_mm.engine.array_files import read_npy
from das_mm.errors import UserError
from das_mm.registry import METRICS
from das_mm.rendering import build_tracer
from das_mm.structures.arrays import to_numpy

from ..functional.segmentation import label_counts, segmentation_scores
from ..readers.person_reader import predicted_meshes
from ..readers.sample_reader import as_dict
from .metric_bodies import build_bodies


@METRICS.register_module()
class PersonSegmentationMetric(BaseMetric):
    """Accuracy and mean F1 of the person's pixels, and of six parts, over the whole original image.

    Each predicted mesh is drawn by the image's camera and compared with the masks of UP-3D's release of LSP,
    ``STEM_segmentation.png`` and ``STEM_part_segmentation.png`` for an image ``STEM.jpg``: 0 background, other values
    the person or its parts, 255 not judged. Reads what :class:`.PersonMeshMetric` reads of predictions,
    ``smpl_transl_mm`` (1, 3), and ``camera`` of the sample. Images without a mask are left out and counted; without a
    prediction all is background.

    Args:
        mask_dir: Folder of the masks.
        body_model: Body of the predictions; the generated one by default.
        vertex_parts: ``.npy`` of (V,) part numbers from 1; None: only the silhouette is judged.
        collect_device, prefix: As in mmengine's ``BaseMetric``.

    Raises:
        UserError: A file is missing or unfit.
    """

    def __init__(
        self,
        mask_dir: str,
        body_model: Mapping | None = None,
        vertex_parts: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ):
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.mask_dir = Path(mask_dir)
        if not self.mask_dir.is_dir():
            raise UserError(
                'there is no such folder', file=mask_dir, field='mask_dir', remedy='give the folder of masks'
            )
        self.body, _ = build_bodies(body_model)
        self.faces = np.asarray(self.body.faces.cpu())
        self.vertex_parts = None if vertex_parts is None else _read_parts(vertex_parts, self.body.num_vertices)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Counts of pixels of each image."""
        samples = [as_dict(sample) for sample in data_samples]
        meshes = predicted_meshes(samples, self.body)
        for sample, mesh in zip(samples, meshes):
            hit = self._hit_vertices(sample, mesh)  # (H, W)
            stem = Path(str(sample['img_path'])).stem
            counts = {}
            for kind, labels in dict(segmentation=(hit >= 0), part_segmentation=self._parts(hit)).items():
                mask = None if labels is None else _read_mask(self.mask_dir / f'{stem}_{kind}.png', hit.shape)
                if mask is None:
                    continue
                if kind == 'segmentation':
                    mask = np.where((mask != 0) & (mask != 255), 1, mask)
                classes = 2 if kind == 'segmentation' else int(self.vertex_parts.max()) + 1  # type: ignore[union-attr]
                counts[kind] = label_counts(np.asarray(labels, np.uint8), mask, classes)
            self.results.append(counts)

    def _hit_vertices(self, sample: Mapping, mesh: np.ndarray) -> np.ndarray:
        """(H, W) first vertex of the face that each pixel sees, -1 where it sees nothing."""
        height, width = sample['ori_shape'][:2]
        found = as_dict(sample.get('pred_instances') or {})
        translation, K = found.get('smpl_transl_mm'), (sample.get('camera') or {}).get('K')
        if not np.isfinite(mesh).all() or translation is None or K is None:
            return np.full((height, width), -1)
        vertices = mesh + to_numpy(translation, np.float64)[0] / 1000
        columns, rows = np.meshgrid(np.arange(width, dtype=float), np.arange(height, dtype=float))
        pixels = np.stack([columns, rows, np.ones_like(rows)], axis=-1).reshape(-1, 3)
        directions = pixels @ np.linalg.inv(to_numpy(K, np.float64)).T
        face = build_tracer(vertices, self.faces).first_hits(np.zeros_like(directions), directions).face
        return np.where(face >= 0, self.faces[face, 0], -1).reshape(height, width)

    def _parts(self, hit: np.ndarray) -> np.ndarray | None:
        return None if self.vertex_parts is None else np.where(hit >= 0, self.vertex_parts[hit], 0)

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """``accuracy`` and ``F1`` of the silhouette, ``part_accuracy`` and ``part_F1``; NaN without masks."""
        table = {}
        for kind, name in dict(segmentation='', part_segmentation='part_').items():
            counts = [result[kind] for result in results if kind in result]
            scores = segmentation_scores(np.sum(counts, axis=0)) if counts else (float('nan'), float('nan'))
            table[f'{name}accuracy'], table[f'{name}F1'] = scores
        table['num_images'] = float(sum('segmentation' in result for result in results))
        if left := len(results) - int(table['num_images']):
            print_log(
                f'{left} of {len(results)} images have no mask in {self.mask_dir}: left out',
                logger='current',
                level=logging.WARNING,
            )
        return table


def _read_mask(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """(H, W) labels; None without a file."""
    if not path.exists():
        return None
    mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if mask is None or mask.shape[:2] != shape:
        found = None if mask is None else mask.shape
        raise UserError(f'it is {found}, the image {shape}', file=path, remedy='use the masks of these very images')
    return mask if mask.ndim == 2 else mask[..., 0]


def _read_parts(path: str, num_vertices: int) -> np.ndarray:
    parts = read_npy(path, 'give a .npy of part numbers', 'vertex_parts')
    if parts.shape != (num_vertices,) or parts.dtype.kind not in 'iu' or parts.min() < 1 or parts.max() > 254:
        raise UserError(
            f'it holds {parts.dtype} {parts.shape}, not {num_vertices} part numbers from 1',
            file=path,
            field='vertex_parts',
            remedy="give one number for each of the body's vertices",
        )
    return parts
