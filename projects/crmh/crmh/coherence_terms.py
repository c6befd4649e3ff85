"""The two losses between the people of one image: nobody stands in another, and who is seen in front is in front.

They see, of each image, the best proposal of each person (thesis §5.3.3). Letters: P proposals of a batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmpose.utils.typing import OptConfigType
from torch import Tensor, nn
from torch.nn import functional as F

from das_mm.models.losses.depth_order_loss import NOBODY, SOMEBODY_ELSE
from das_mm.registry import MODELS

from .scene_camera import has_place
from .scene_labels import SceneLabels
from .scene_roi_head import PositiveRegions, best_of_each
from .smpl_branch_loss import PlacedBodies


class CoherenceTerms(nn.Module):
    """Sums and means over images as the released code has them.

    Args:
        interpenetration: Config of an ``InterpenetrationLoss`` (weight 1/100); its values of the images are summed.
        depth_order: Config of a ``DepthOrderLoss`` (weight 100); averaged over the images with proposals, those without
            masks among them. None leaves a term out.
    """

    def __init__(self, interpenetration: OptConfigType = None, depth_order: OptConfigType = None) -> None:
        super().__init__()
        build = lambda config: None if config is None else MODELS.build({'_scope_': 'das_mm', **config})
        self.interpenetration, self.depth_order = build(interpenetration), build(depth_order)

    def forward(
        self,
        bodies: PlacedBodies,
        regions: PositiveRegions,
        labels: Sequence[SceneLabels],
        cameras: Tensor,
        faces: Tensor,
        size: tuple[int, int],
    ) -> dict[str, Tensor]:
        """
        Args:
            bodies, regions: Of the P proposals that count.
            labels: Of the images.
            cameras: (B, 3, 3) of the inputs.
            faces: (F, 3) of the body.
            size: (width, height) of the input.

        Returns:
            ``loss_interpenetration`` and ``loss_depth_order`` where they are asked for, and ``people_out_of_sight``:
            how many of the best proposals have no place before the camera and are left out.
        """
        zero = bodies.vertices.sum() * 0 + bodies.translation.sum() * 0
        placed = has_place(bodies.translation) & bodies.vertices.flatten(1).isfinite().all(1)
        images = best_of_each(regions, torch.ones_like(placed))
        collisions, orders = [], []
        for image, rows in images:
            rows = rows[placed[rows]]
            if len(rows) < 2:
                continue
            vertices = bodies.vertices[rows] + bodies.translation[rows, None]
            if self.interpenetration is not None:
                collisions.append(self.interpenetration(vertices, faces))
            if self.depth_order is not None:
                shown = shown_rows(labels[image], regions.person[rows], size)
                orders.append(self.depth_order(vertices, faces, shown, cameras[image]))
        best = torch.cat([rows for _, rows in images]) if images else regions.person[:0]
        terms = dict(people_out_of_sight=(~placed[best]).sum().float())
        finite = torch.nan_to_num(zero, 0.0)
        if self.interpenetration is not None:
            terms['loss_interpenetration'] = sum(collisions, finite)
        if self.depth_order is not None:
            terms['loss_depth_order'] = sum(orders, finite) / max(len(images), 1)
        return terms


def shown_rows(labels: SceneLabels, people: Tensor, size: tuple[int, int]) -> Tensor | None:
    """(H, W) which of the chosen people the image shows at every pixel of the padded input; None without masks.

    Args:
        labels: Of the image.
        people: (n,) their rows in the labels, one a person.
        size: (width, height) of the padded input.

    Returns:
        Numbers below n, :data:`.NOBODY`, or :data:`.SOMEBODY_ELSE` for people without a proposal.
    """
    seen = labels.instance_map
    if seen is None or not seen.any():
        return None
    numbers = labels.people.map_number[people]
    table = torch.full((256,), SOMEBODY_ELSE, dtype=torch.long, device=seen.device)
    table[0] = NOBODY
    table[numbers] = torch.arange(len(numbers), device=seen.device)
    missing = size[0] - seen.shape[1], size[1] - seen.shape[0]
    return F.pad(table[seen.long()], (0, missing[0], 0, missing[1]), value=NOBODY)
