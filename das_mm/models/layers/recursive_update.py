"""Recursive update of joint offsets (DAS journal paper §3.3, Eq. 6–7), its evaluations, and the plain form.

A pixel p of an offset map predicts where each keypoint of a person at p is: p + U_k[p]. One layer asks the map again
at that place, where the image shows the keypoint itself, and adds the answer:

    U_k^{n+1}[p] = U_k^n[p] + B(U_k^local[p + U_k^n[p]]),      B: bilinear reading, zero outside the map

Losses and results need the updated offsets at a handful of pixels only. ``dense`` evaluates every pixel and is the
readable reference; ``sparse`` gives the same numbers and gradients at given points and evaluates a layer only where
the next one reads it; ``recordable`` gives the last ones at given points in operations that an exported graph can hold.

B images, K keypoints, D = 2 (x, y in strides) or 3 (and z in units of the relative depth scale), H × W pixels, P
points. Offset maps (B, K*D, H, W) are keypoint-major with x, y[, z] minor. Everything here is computed in float32 at
least, also under autocast.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import torch
from mmengine.model import BaseModule
from torch import Tensor

from das_mm.errors import UserError
from das_mm.registry import MODELS

from .lazy_rows import LazyRows
from .map_sampling import MapFrame, find_corners, full_precision, pixel_positions, read_maps
from .point_index import PointIndex
from .point_places import PointPlaces


class UpdateStep(ABC):
    """One layer, ready to be applied to the offsets of one batch of maps."""

    def __init__(self, frame: MapFrame):
        self.frame = frame

    @abstractmethod
    def dense(self, offsets: Tensor) -> Tensor:
        """Update all offsets (B, K*D, H, W)."""

    @abstractmethod
    def updater(self, offsets: LazyRows) -> Callable[[Tensor], Tensor]:
        """A function that updates single values: their numbers (Q,) to (Q, D)."""

    def at_places(self, offsets: Tensor, places: PointPlaces) -> Tensor:
        """(Q, D) updated values of offsets (B, K*D, H, W); by default all are updated, and then read."""
        return places.read(self.dense(offsets))

    def lazy(self, offsets: LazyRows) -> LazyRows:
        """Updated values, numbered as :class:`MapFrame` does, that are computed when they are read.

        Args:
            offsets: The values (rows (D,)) before the update.
        """
        frame = self.frame
        return LazyRows(
            frame.num_values,
            self.updater(offsets),
            offsets.device,
            compute_all=lambda: frame.to_values(self.dense(frame.to_maps(offsets.all()))),
        )


class RecursiveUpdate(BaseModule):
    """What all forms of the update share: checking, and the walk through the layers.

    Args:
        num_keypoints: K.
        in_channels: C of the feature map that comes with the offsets.
        dims: D, 2 or 3.
        num_layers: How often the update is applied.
        init_cfg: As in mmengine.

    Raises:
        UserError: If an argument is out of its range.
    """

    def __init__(
        self,
        num_keypoints: int,
        in_channels: int,
        dims: int = 3,
        num_layers: int = 1,
        init_cfg: dict | list[dict] | None = None,
    ):
        super().__init__(init_cfg)
        if dims not in (2, 3):
            raise UserError(f'joint offsets have 2 or 3 dimensions, not {dims!r}', field='dims', remedy='use 2 or 3')
        self.num_keypoints, self.in_channels, self.dims, self.num_layers = num_keypoints, in_channels, dims, num_layers

    @abstractmethod
    def steps(self, feat: Tensor, frame: MapFrame) -> Iterator[UpdateStep]:
        """The layers, one after the other, for the maps of ``feat`` (B, C, H, W)."""

    def dense(self, feat: Tensor, offsets: Tensor) -> list[Tensor]:
        """Offsets after each layer at every pixel: the reference.

        Args:
            feat: (B, C, H, W) pose feature.
            offsets: (B, K*D, H, W) initial offsets.

        Returns:
            One (B, K*D, H, W) for each layer.
        """
        frame = self._frame(feat, offsets)
        current, updated = full_precision(offsets), []
        for step in self.steps(feat, frame):
            with torch.autocast(feat.device.type, enabled=False):
                current = step.dense(current)
            updated.append(current)
        return updated

    def sparse(self, feat: Tensor, offsets: Tensor, points: PointIndex) -> list[Tensor]:
        """Offsets after each layer at the points: ``dense`` gathered there, but computed only where needed.

        Args:
            feat: (B, C, H, W) pose feature.
            offsets: (B, K*D, H, W) initial offsets.
            points: P pixels. With P = 0 the empty result is still part of the graph while gradients are recorded, so
                all parameters get (zero) gradients on a rank without people.

        Returns:
            One (P, K, D) for each layer.

        Raises:
            IndexError: If a point lies outside the maps.
        """
        frame = self._frame(feat, offsets)
        wanted = frame.number(points)
        shape = (len(points.x), self.num_keypoints, self.dims)
        if not len(wanted) and not torch.is_grad_enabled():
            return [full_precision(offsets).new_zeros(shape) for _ in range(self.num_layers)]
        current, updated = self._initial(offsets, frame), []
        for step in self.steps(feat, frame):
            with torch.autocast(feat.device.type, enabled=False):
                current = step.lazy(current)
                updated.append(current(wanted).view(shape))
        return updated

    def recordable(self, feat: Tensor, offsets: Tensor, points: PointIndex) -> Tensor:
        """Offsets (P, K, D) after the last layer, ``sparse(…)[-1]``, or the given ones where there is no layer.

        Nothing here depends on what the tensors hold, so it can be recorded as a graph: layers before the last are
        evaluated everywhere, the last one at the points alone. Arguments as of :meth:`sparse`.
        """
        frame = self._frame(feat, offsets)
        current, last = full_precision(offsets), None
        for step in self.steps(feat, frame):
            if last is not None:
                current = last.dense(current)
            last = step
        places = PointPlaces(frame, points)
        values = places.read(current) if last is None else last.at_places(current, places)
        return values.view(-1, self.num_keypoints, self.dims)

    def _initial(self, offsets: Tensor, frame: MapFrame) -> LazyRows:
        """The network's own offsets as rows."""
        offsets = full_precision(offsets)
        per_keypoint = offsets.reshape(-1, self.dims, frame.area)  # (B*K, D, H*W)
        return LazyRows(
            frame.num_values,
            lambda rows: per_keypoint[rows // frame.area, :, rows % frame.area],
            offsets.device,
            compute_all=lambda: frame.to_values(offsets),
        )

    def _frame(self, feat: Tensor, offsets: Tensor) -> MapFrame:
        batch, _, height, width = offsets.shape
        for name, tensor, channels in (
            ('feat', feat, self.in_channels),
            ('offsets', offsets, self.num_keypoints * self.dims),
        ):
            if tensor.shape != (batch, channels, height, width):
                raise ValueError(f'{name} is {tuple(tensor.shape)}, expected {(batch, channels, height, width)}')
        return MapFrame(batch, self.num_keypoints, height, width)


@MODELS.register_module()
class NoUpdate(RecursiveUpdate):
    """Offsets stay what the network says (DAS journal paper, Table 7, first row): zero layers, empty lists."""

    def __init__(self, num_keypoints: int, in_channels: int, dims: int = 3, init_cfg: dict | list[dict] | None = None):
        super().__init__(num_keypoints, in_channels, dims, num_layers=0, init_cfg=init_cfg)

    def steps(self, feat: Tensor, frame: MapFrame) -> Iterator[UpdateStep]:
        return iter(())


@MODELS.register_module()
class PlainUpdate(RecursiveUpdate):
    """The update whose local prediction is the offset map itself, U^local = U^n (Eq. 7). It has no parameters.

    Args:
        num_layers: 1 to 3 are published (Table 7).
        num_keypoints, in_channels, dims, init_cfg: As in :class:`RecursiveUpdate`.

    Example:
        >>> update = PlainUpdate(num_keypoints=1, in_channels=4, dims=2)
        >>> offsets = torch.zeros(1, 2, 3, 3)
        >>> offsets[0, 0] = 1  # every pixel points at its right neighbour
        >>> update.dense(torch.zeros(1, 4, 3, 3), offsets)[0][0, 0, 1].tolist()
        [2.0, 2.0, 1.0]
    """

    def __init__(
        self,
        num_keypoints: int,
        in_channels: int,
        dims: int = 3,
        num_layers: int = 1,
        init_cfg: dict | list[dict] | None = None,
    ):
        check_num_layers(num_layers)
        super().__init__(num_keypoints, in_channels, dims, num_layers, init_cfg)

    def steps(self, feat: Tensor, frame: MapFrame) -> Iterator[UpdateStep]:
        return (_PlainStep(frame) for _ in range(self.num_layers))


class _PlainStep(UpdateStep):
    def dense(self, offsets: Tensor) -> Tensor:
        frame = self.frame
        maps = offsets.reshape(frame.batch * frame.keypoints, -1, frame.height, frame.width)  # (B*K, D, H, W)
        target = pixel_positions(frame.height, frame.width, maps) + maps[:, :2].permute(0, 2, 3, 1)
        return (maps + read_maps(maps, target[:, None]).squeeze(1)).view_as(offsets)

    def updater(self, offsets: LazyRows) -> Callable[[Tensor], Tensor]:
        frame = self.frame

        def update(rows: Tensor) -> Tensor:
            place = frame.locate(rows)
            here = offsets(rows)  # (Q, D)
            corners = find_corners(place.xy + here[:, :2], frame.height, frame.width)
            return here + offsets.blend(corners.numbers(place.first_value, frame.num_values), corners.weight)

        return update

    def at_places(self, offsets: Tensor, places: PointPlaces) -> Tensor:
        here = places.read(offsets)
        return here + places.read_around(offsets, places.xy + here[:, :2])


def check_num_layers(num_layers: int) -> None:
    """Refuse an update without layers."""
    if num_layers < 1:
        raise UserError(
            f'an update needs at least one layer, got {num_layers!r}',
            field='num_layers',
            remedy='use 1, 2 or 3, or type="NoUpdate" for none',
        )
