"""From the maps of one image to people: peaks, groups, structured pose, two depths, their fusion (MAR §3).

Arrays of numpy come in and go out, so that an exported graph uses it too. Letters: K keypoints, M limbs, h, w of the
maps, n people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from das_mm.errors import UserError
from das_mm.structures import check_intrinsics

from .heatmap_peaks import Peaks, find_peaks
from .limb_skeleton import LimbSkeleton
from .person_grouper import DepthAwareGrouper
from .root_depths import DEPTH_SOURCES, LEAST_DEPTH_NORM, InputCamera, RegressedDepths, choose_depths, torso_depths

POSE_SOURCES = ('adaptive', 'heatmap', 'offset')
#: least value of a peak; the value from which on a keypoint is taken from its heat map (Eq. 3); where the pose is from:
#: 'adaptive' is the paper's; which root depth is told: 'fused' is the paper's
DECODING = dict(score_thr=0.05, peak_thr=0.2, switch_thr=0.2, pose_source='adaptive', depth_source='fused')


@dataclass(frozen=True)
class _RootReadings:
    """What the maps say at the n peaks of the root.

    Attributes:
        roots_px: (n, 2).
        moved_px: (n, K, 2) keypoints by their offsets.
        relative_mm: (n, K), 0 at the root.
        scores: (n,).
        depths: Regressed.
    """

    roots_px: np.ndarray
    moved_px: np.ndarray
    relative_mm: np.ndarray
    scores: np.ndarray
    depths: RegressedDepths

    def select(self, rows: np.ndarray) -> _RootReadings:
        arrays = (self.roots_px, self.moved_px, self.relative_mm, self.scores)
        return _RootReadings(*(one[rows] for one in arrays), self.depths.select(rows))


@dataclass(frozen=True)
class MARDecoder:
    """Maps to people, without a network.

    Attributes:
        keypoint_set: Name of the set.
        stride: Px of the network input between cells.
        depth_scale: Factor that depths over focal length were learnt with.
        torso_mm: Ω.
    """

    keypoint_set: str
    stride: float
    depth_scale: float
    torso_mm: float

    def decode(
        self,
        heatmaps: np.ndarray,
        fields: np.ndarray,
        offsets: np.ndarray,
        depth: np.ndarray,
        camera: InputCamera,
        test_cfg: Mapping[str, Any] | None = None,
    ) -> dict[str, np.ndarray]:
        """People in the frame of the network input, best first, float32.

        Args:
            heatmaps, fields, offsets, depth: (channels, h, w), as :class:`.MARMaps` says.
            camera: Of the network input.
            test_cfg: Over :data:`DECODING`.

        Returns:
            ``scores`` (n,) peaks of the roots, ``roots_px`` (n, 2), ``root_depths_norm`` (n,) mm/px, ``keypoints_px``
            (n, K, 2), ``relative_depths_mm`` (n, K), ``keypoint_scores`` (n, K), ``keypoint_from_heatmap`` (n, K) 0/1;
            of both depths ``depth_regression_norm``, ``depth_regression_sigma_norm``, ``depth_geometry_norm`` and
            ``depth_geometry_sigma_norm`` (n,) mm/px, and ``depth_geometry_valid`` (n,) 0/1. Where the geometry has no
            answer its depth is NaN and its σ infinite.

        Raises:
            UserError: A singular K, maps of foreign size, depths that are not finite, or an unknown source.
        """
        options = {**DECODING, **(test_cfg or {})}
        grouper = DepthAwareGrouper(self.keypoint_set, self.stride)
        skeleton = grouper.skeleton
        _check_options(options)
        _check_maps(dict(heatmaps=heatmaps, fields=fields, offsets=offsets, depth=depth), skeleton)
        check_intrinsics(camera.K, field='camera.K')
        peaks = find_peaks(heatmaps, options['peak_thr'])
        at_peaks = self._read_roots(peaks, offsets, depth, skeleton)
        people = self._people(peaks, fields, at_peaks, grouper, camera, options)

        roots = at_peaks.select(people[:, skeleton.root] - peaks.of(skeleton.root).start)  # rows go near to far
        keypoints_px, keypoint_scores, seen = self._structured(peaks, people, roots, options)
        neck = skeleton.neck
        geometric, valid = self._torso_depths(roots, keypoints_px[:, neck], neck, camera)
        if options['pose_source'] == 'heatmap':
            valid &= seen[:, neck]
        result = dict(
            scores=roots.scores,
            roots_px=roots.roots_px,
            root_depths_norm=choose_depths(roots.depths, geometric, valid, options['depth_source']),
            keypoints_px=keypoints_px,
            relative_depths_mm=roots.relative_mm,
            keypoint_scores=keypoint_scores,
            keypoint_from_heatmap=seen,
            depth_regression_norm=roots.depths.depths_norm,
            depth_regression_sigma_norm=np.exp(roots.depths.log_sigma) / self.depth_scale,
            depth_geometry_norm=np.where(valid, geometric, np.nan),
            depth_geometry_sigma_norm=np.where(
                valid, np.exp(roots.depths.log_sigma_geometric) / self.depth_scale, np.inf
            ),
            depth_geometry_valid=valid,
        )
        best = np.argsort(-roots.scores, kind='stable')
        best = best[roots.scores[best] > options['score_thr']]
        return {name: np.ascontiguousarray(value[best], dtype=np.float32) for name, value in result.items()}

    def _to_px(self, cells: np.ndarray) -> np.ndarray:
        return (cells + 0.5) * self.stride - 0.5

    def _read_roots(
        self, peaks: Peaks, offsets: np.ndarray, depth: np.ndarray, skeleton: LimbSkeleton
    ) -> _RootReadings:
        rows, others = peaks.of(skeleton.root), list(skeleton.others)
        x, y = np.rint(peaks.places[rows]).astype(np.int64).T
        codes = offsets[:, y, x].T.reshape(-1, len(others), 3).astype(np.float64)
        regressed, log_sigma, log_sigma_geometric = depth[:, y, x].astype(np.float64)
        if not all(np.isfinite(one).all() for one in (codes, regressed, log_sigma, log_sigma_geometric)):
            raise UserError(
                'the network gives offsets or depths that are not finite',
                field='offsets, depth',
                remedy='look for NaN in the training, or use another checkpoint',
            )
        roots_px = self._to_px(peaks.places[rows])
        moved_px = np.repeat(roots_px[:, None], skeleton.num_keypoints, axis=1)
        moved_px[:, others] += codes[..., :2] * self.stride
        relative_mm = np.zeros(moved_px.shape[:2])
        relative_mm[:, others] = codes[..., 2] * self.torso_mm
        depths_norm = np.maximum(regressed / self.depth_scale, LEAST_DEPTH_NORM)
        depths = RegressedDepths(depths_norm, log_sigma, log_sigma_geometric)
        return _RootReadings(roots_px, moved_px, relative_mm, peaks.scores[rows], depths)

    def _torso_depths(
        self, roots: _RootReadings, necks_px: np.ndarray, neck: int, camera: InputCamera
    ) -> tuple[np.ndarray, np.ndarray]:
        return torso_depths(roots.roots_px, necks_px, roots.relative_mm[:, neck], self.torso_mm, camera)

    def _people(
        self,
        peaks: Peaks,
        fields: np.ndarray,
        roots: _RootReadings,
        grouper: DepthAwareGrouper,
        camera: InputCamera,
        options: Mapping[str, Any],
    ) -> np.ndarray:
        """(n, K) rows of ``peaks``, -1 where there is none, near people first."""
        skeleton, depths_norm = grouper.skeleton, roots.depths.depths_norm
        if options['depth_source'] == 'geometry':  # nothing regressed is used then; the pose of before is the offsets'
            geometric, valid = self._torso_depths(roots, roots.moved_px[:, skeleton.neck], skeleton.neck, camera)
            depths_norm = choose_depths(roots.depths, geometric, valid, 'geometry')
        if options['pose_source'] != 'offset':
            return grouper.group(peaks, fields.reshape(-1, 2, *fields.shape[1:]), depths_norm)
        people = np.full((len(depths_norm), skeleton.num_keypoints), -1, np.int64)
        people[:, skeleton.root] = peaks.of(skeleton.root).start + np.argsort(depths_norm, kind='stable')
        return people

    def _structured(
        self, peaks: Peaks, people: np.ndarray, roots: _RootReadings, options: Mapping[str, Any]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Eq. 3: (n, K, 2) places, (n, K) scores, and (n, K) bool which are from the heat maps.

        A keypoint that is displaced has the score of its root, where its offset was read. Without offsets a keypoint
        that was not found is put at the root.
        """
        place = np.append(self._to_px(peaks.places), [[0.0, 0.0]], axis=0)[people]
        value = np.append(peaks.scores, 0)[people]
        seen = (people >= 0) & (value >= options['switch_thr'])
        other = roots.roots_px[:, None] if options['pose_source'] == 'heatmap' else roots.moved_px
        return np.where(seen[..., None], place, other), np.where(seen, value, roots.scores[:, None]), seen


def _check_options(options: Mapping[str, Any]) -> None:
    for name, known in (('pose_source', POSE_SOURCES), ('depth_source', DEPTH_SOURCES)):
        if options[name] not in known:
            raise UserError(
                f'{options[name]!r} is none', field=f'test_cfg.{name}', remedy=f'use one of: {", ".join(known)}'
            )


def _check_maps(maps: Mapping[str, np.ndarray], skeleton: LimbSkeleton) -> None:
    channels = dict(
        heatmaps=skeleton.num_keypoints, fields=2 * len(skeleton.limbs), offsets=3 * len(skeleton.others), depth=3
    )
    size = maps['heatmaps'].shape[1:]
    for name, number in channels.items():
        if maps[name].shape != (number, *size):
            raise UserError(
                f'the maps have shape {maps[name].shape}, not {(number, *size)}',
                field=name,
                remedy=f'give maps of one image and of one size, with the channels of {skeleton.keypoint_set.name}',
            )
