"""Rays against triangles in numpy alone, for machines without Embree.

Triangles are sorted along a Morton curve and put, a few each, into the leaves of a full binary tree of boxes; node i
has the children 2i + 1 and 2i + 2. All rays walk down together, each with its own stack; those that are done drop out.
"""

from __future__ import annotations

import numpy as np

_LEAF = 4  # triangles in a leaf
_CHUNK = 1 << 16  # rays that walk together; keeps the work space near 50 MB


def _morton_order(points: np.ndarray) -> np.ndarray:
    """Order (F,) of (F, 3) points along a Morton curve with 1024 steps a side."""
    low, high = points.min(0), points.max(0)
    cells = np.minimum(1023 * (points - low) / np.maximum(high - low, 1e-9), 1023).astype(np.int64)
    code = np.zeros(len(points), np.int64)
    for bit in range(10):
        for axis in range(3):
            code |= ((cells[:, axis] >> bit) & 1) << (3 * bit + axis)
    return np.argsort(code, kind='stable')


class NumpyTracer:
    """Finds first hits and obstacles; vertices (V, 3) m, faces (F, 3)."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray):
        corners = np.asarray(vertices, np.float32)[faces]  # (F, 3, 3)
        order = _morton_order(corners.mean(1))
        self._leaves = 1 << max(0, int(np.ceil(np.log2(len(faces) / _LEAF))))
        places = self._leaves * _LEAF
        # some triangles stand twice, so that every leaf is full
        self._face = order[np.arange(places) * len(faces) // places].astype(np.int32).reshape(self._leaves, _LEAF)
        corners = corners[self._face]  # (L, leaf, 3, 3)
        self._first = corners[:, :, 0]
        self._side_u, self._side_v = corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0]
        low, high = corners.min((1, 2)), corners.max((1, 2))
        lows, highs = [low], [high]
        while len(low) > 1:
            low, high = low.reshape(-1, 2, 3).min(1), high.reshape(-1, 2, 3).max(1)
            lows.insert(0, low)
            highs.insert(0, high)
        self._low, self._high = np.concatenate(lows), np.concatenate(highs)

    def trace(
        self, origins: np.ndarray, directions: np.ndarray, limits: np.ndarray, any_hit: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Walk the tree.

        Args:
            origins, directions (N, 3): The rays.
            limits (N,): Nothing farther counts, in units of the direction.
            any_hit: Stop at any triangle instead of the nearest.

        Returns:
            face (N,) int32 or -1, t (N,) float32 (the limit where nothing is hit), bary (N, 2) float32.
        """
        rays = [np.asarray(a, np.float32) for a in (origins, directions, limits)]
        parts = [
            self._walk(*(a[start : start + _CHUNK] for a in rays), any_hit=any_hit)
            for start in range(0, len(origins), _CHUNK)
        ]
        if not parts:
            return np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros((0, 2), np.float32)
        face, t, bary = (np.concatenate(column) for column in zip(*parts))
        return face, t, bary

    def _walk(self, origins, directions, best, any_hit):
        count, best = len(origins), best.copy()
        face, bary = np.full(count, -1, np.int32), np.zeros((count, 2), np.float32)
        inverse = 1 / np.where(np.abs(directions) < 1e-12, np.float32(1e-12), directions)
        stack = np.zeros((count, self._leaves.bit_length() + 1), np.int32)  # begins with the root
        depth = np.ones(count, np.int32)
        active = np.arange(count)
        while len(active):
            depth[active] -= 1
            node = stack[active, depth[active]]
            a, b = ((box[node] - origins[active]) * inverse[active] for box in (self._low, self._high))
            enter, leave = np.minimum(a, b).max(1), np.maximum(a, b).min(1)
            met = (enter <= leave) & (leave > 0) & (enter < best[active])
            rays, node = active[met], node[met]
            leaf = node >= self._leaves - 1
            self._test(rays[leaf], node[leaf] - (self._leaves - 1), origins, directions, best, face, bary)
            if any_hit:
                depth[rays[leaf]] *= face[rays[leaf]] < 0
            self._push(rays[~leaf], node[~leaf], directions, stack, depth)
            active = active[depth[active] > 0]
        return face, best, bary

    def _push(self, rays, node, directions, stack, depth):
        """Put both children on the stacks, the nearer one on top."""
        left, right = 2 * node + 1, 2 * node + 2
        between = self._low[left] + self._high[left] - self._low[right] - self._high[right]
        right_first = np.einsum('nc,nc->n', between, directions[rays]) > 0
        stack[rays, depth[rays]] = np.where(right_first, left, right)
        stack[rays, depth[rays] + 1] = np.where(right_first, right, left)
        depth[rays] += 2

    def _test(self, rays, leaf, origins, directions, best, face, bary):
        """Möller and Trumbore's test of each ray with the triangles of its leaf; keeps the nearest hit, in place."""
        if not len(rays):
            return
        direction = directions[rays][:, None]
        side_u, side_v = self._side_u[leaf], self._side_v[leaf]
        p = np.cross(direction, side_v)
        determinant = (side_u * p).sum(-1)
        with np.errstate(divide='ignore', invalid='ignore'):  # rays along a triangle give inf or nan: no hit
            offset = origins[rays][:, None] - self._first[leaf]
            u = (offset * p).sum(-1) / determinant
            q = np.cross(offset, side_u)
            v = (direction * q).sum(-1) / determinant
            t = (side_v * q).sum(-1) / determinant
            hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0)
        t = np.where(hit, t, np.float32(np.inf))
        nearest = t.argmin(1)
        row = np.arange(len(rays))
        closer = t[row, nearest] < best[rays]
        rays, row, nearest = rays[closer], row[closer], nearest[closer]
        best[rays] = t[row, nearest]
        face[rays] = self._face[leaf[closer], nearest]
        bary[rays, 0], bary[rays, 1] = u[row, nearest], v[row, nearest]
