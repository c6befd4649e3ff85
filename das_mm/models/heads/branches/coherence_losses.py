"""What meshes of people of one image say of each other: that none stands in another, and who is in front.

The losses of Kolotouros 2022, chapter 5 (CRMH), for the mesh branch of a single-stage model.
"""

from __future__ import annotations

import torch
from mmengine.model import BaseModule
from mmpose.utils.typing import OptConfigType
from torch import Tensor

from das_mm.models.losses import connected_zero
from das_mm.models.losses.depth_order_loss import NOBODY, SOMEBODY_ELSE
from das_mm.registry import MODELS

from ..scene_people import ScenePeople


class CoherenceLosses(BaseModule):
    """Either loss, both or none, each a mean over the images of a batch.

    Args:
        interpenetration: Config of an :class:`InterpenetrationLoss`, or None.
        depth_order: Config of a :class:`DepthOrderLoss`, or None. Images without masks give it nothing to judge.
    """

    def __init__(self, interpenetration: OptConfigType = None, depth_order: OptConfigType = None):
        super().__init__()
        self.interpenetration = None if interpenetration is None else MODELS.build(interpenetration)
        self.depth_order = None if depth_order is None else MODELS.build(depth_order)

    @property
    def active(self) -> bool:
        return self.interpenetration is not None or self.depth_order is not None

    def forward(self, vertices: Tensor, faces: Tensor, scene: ScenePeople) -> dict[str, Tensor]:
        """``loss_mesh_interpenetration`` and ``loss_mesh_depth_order``, those that are asked for.

        Args:
            vertices: (n, V, 3) of the people of a batch in the cameras of their network inputs, m.
            faces: (F, 3) of the body.
            scene: The same people.
        """
        losses, images = {}, len(scene.cameras)
        names = dict(loss_mesh_interpenetration=self.interpenetration, loss_mesh_depth_order=self.depth_order)
        for name, loss in names.items():
            if loss is not None:
                losses[name] = connected_zero(vertices)
        for image in scene.outputs.image.unique().tolist():
            rows = torch.nonzero(scene.outputs.image == image).squeeze(1)
            people = vertices[rows]
            if self.interpenetration is not None:
                term = self.interpenetration(people, faces) / images
                losses['loss_mesh_interpenetration'] = losses['loss_mesh_interpenetration'] + term
            if self.depth_order is not None and scene.instance_maps[image] is not None:
                shown = shown_rows(scene.instance_maps[image], scene.row[rows])
                term = self.depth_order(people, faces, shown, scene.cameras[image].K) / images
                losses['loss_mesh_depth_order'] = losses['loss_mesh_depth_order'] + term
        return losses


def shown_rows(instance_map: Tensor, row: Tensor) -> Tensor:
    """(h, w) number of the person seen at each pixel, as :class:`DepthOrderLoss` takes it.

    Args:
        instance_map: (h, w), m + 1 where row m of the labels is seen, 0 for nobody.
        row: (n,) of the people among the labels; rows that are not among them become somebody else.
    """
    numbers = instance_map.new_full((int(instance_map.max()) + 1 if instance_map.numel() else 1,), SOMEBODY_ELSE)
    numbers[0] = NOBODY
    known = row + 1 < len(numbers)
    numbers[row[known] + 1] = torch.nonzero(known).squeeze(1)
    return numbers[instance_map]
