"""The penalty on people rendered in front of those whom the image shows there (Kolotouros 2022, §5.3.4; CRMH).

With y(p) the person whom a mask names at pixel p, ŷ(p) the one whose mesh is in front there, and D_i the depth of
person i drawn alone, in metres:

    L_D = Σ_{p ∈ S} log(1 + exp(D_y(p) − D_ŷ(p))),   S = {p : y(p) and ŷ(p) are people, and not the same}

Both meshes feel it, the hidden one too. p counts only where the mesh of y(p) covers it.
"""

from __future__ import annotations

import torch
from mmengine.model import BaseModule
from torch import Tensor
from torch.nn import functional

from das_mm.errors import UserError
from das_mm.registry import MODELS
from das_mm.rendering.z_buffer import Raster, rasterize

from .people_meshes import connected_zero, finite_people, tell_left_out

NOBODY, SOMEBODY_ELSE = -1, -2
_LINEAR_BEYOND = 10.0  # of the released code's softplus, m


@MODELS.register_module()
class DepthOrderLoss(BaseModule):
    """Eq. 5.4, divided by people × pixels as the released code does, so that its weight of 100 keeps its meaning.

    People without a pixel in the masks, or whose vertices are not finite, are left out; the log counts the latter.

    Args:
        stride: Every so many pixels along each side are judged. The camera follows exactly, and the mean stays one.
        near, far: Depths that are drawn, m.
        loss_weight: Factor on the result.
        released: As the released code computes it, to compare with: only pixels that all meshes cover; there everybody
            but y(p) is pushed behind y(p), also who is behind already; and where the mask names somebody without an
            entry (:data:`SOMEBODY_ELSE`), D_y is 0.
    """

    def __init__(
        self, stride: int = 1, near: float = 0.1, far: float = 100.0, loss_weight: float = 1.0, released: bool = False
    ):
        super().__init__()
        if stride < 1 or not 0 < near < far:
            raise UserError(
                f'stride {stride} and depths {near} to {far} cannot be',
                field='stride, near, far',
                remedy='give a stride of at least 1 and 0 < near < far',
            )
        self.stride, self.near, self.far = int(stride), near, far
        self.loss_weight, self.released = loss_weight, released

    def forward(
        self,
        vertices: Tensor,
        faces: Tensor,
        person_masks: Tensor | None,
        camera_matrix: Tensor | None,
        image_size: tuple[int, int] | None = None,
    ) -> Tensor:
        """
        Args:
            vertices: (P, V, 3) of the people of one image in the camera frame, one entry a person, m.
            faces: (F, 3) of their body.
            person_masks: (P, H, W) bool, what the image shows of each person (pixels that several claim are nobody's),
                or (H, W) whole numbers: the person's row, :data:`NOBODY`, or :data:`SOMEBODY_ELSE` for people without
                an entry. None where the image has no masks.
            camera_matrix: (3, 3) of the image that the masks are of; None where it is not known.
            image_size: (height, width) that the masks must have; None: what they have.

        Returns:
            Scalar; a zero connected to the vertices where no two people can be compared.

        Raises:
            UserError: Masks or a camera of another shape, masks that name people who are not there, or faces of another
                mesh.
        """
        zero = connected_zero(vertices.float())
        if person_masks is None or camera_matrix is None or len(vertices) < 2:
            return zero
        shown = shown_people(person_masks, len(vertices)).to(vertices.device)
        if image_size is not None and tuple(shown.shape) != tuple(image_size):
            raise UserError(
                f'the masks have {shown.shape[1]}x{shown.shape[0]} pixels, the image {image_size[1]}x{image_size[0]}',
                field='person_masks',
                remedy='resize and mirror the masks as the image was (AddInstanceMap behind the geometric transforms)',
            )
        if camera_matrix.shape != (3, 3):
            raise UserError(
                f'{tuple(camera_matrix.shape)} is no camera', field='camera_matrix', remedy='give one (3, 3) matrix'
            )
        with torch.autocast(vertices.device.type, enabled=False):
            begin = (self.stride - 1) // 2
            shown = shown[begin :: self.stride, begin :: self.stride]
            finite, seen = finite_people(vertices), _has_pixels(shown, len(vertices))
            tell_left_out(int((~finite).sum()), len(vertices), type(self).__name__, 'their vertices are not finite')
            judged = torch.nonzero(finite & seen).squeeze(1)
            if len(judged) < (1 if self.released else 2):
                return zero
            raster = rasterize(
                vertices[judged].float(),
                faces,
                strided_camera(camera_matrix.to(vertices.device), self.stride, begin),
                *shown.shape,
                near=self.near,
                far=self.far,
            )
            shown = _renumbered(shown, judged, len(vertices))
            total = _released_sum(raster, shown) if self.released else _pairwise_sum(raster, shown)
            return zero + self.loss_weight * total / raster.depth.numel()


def shown_people(person_masks: Tensor, people: int) -> Tensor:
    """(H, W) int64 row of the person whom each pixel shows, of the masks that :class:`DepthOrderLoss` takes."""
    if person_masks.ndim == 3 and len(person_masks) == people:
        masks = person_masks.bool()
        alone = masks.sum(0) == 1
        return torch.where(alone, masks.int().argmax(0), NOBODY)
    if person_masks.ndim == 2 and not person_masks.is_floating_point():
        shown = person_masks.long()
        if shown.numel() and (int(shown.max()) >= people or int(shown.min()) < SOMEBODY_ELSE):
            raise UserError(
                f'the masks name the rows {int(shown.min())} to {int(shown.max())} of {people} people',
                field='person_masks',
                remedy='number the people from 0 in the order of their vertices, -1 for nobody',
            )
        return shown
    raise UserError(
        f'masks of shape {tuple(person_masks.shape)} ({person_masks.dtype}) do not fit {people} people',
        field='person_masks',
        remedy='give (people, height, width) masks of the network input, or one (height, width) map of rows',
    )


def strided_camera(camera_matrix: Tensor, stride: int, begin: int) -> Tensor:
    """The camera of an image of which each ``stride``-th row and column is kept, from ``begin`` on."""
    scaled = camera_matrix.clone()
    scaled[:2] = scaled[:2] / stride
    scaled[:2, 2] = (camera_matrix[:2, 2] - begin) / stride
    return scaled


def _has_pixels(shown: Tensor, people: int) -> Tensor:
    """(P,) bool."""
    return torch.bincount(shown[shown >= 0], minlength=people) > 0


def _renumbered(shown: Tensor, judged: Tensor, people: int) -> Tensor:
    """Rows of people to rows of ``judged``; who is not judged becomes somebody else."""
    rows = shown.new_full((people,), SOMEBODY_ELSE)
    rows[judged] = torch.arange(len(judged), device=shown.device)
    return torch.where(shown >= 0, rows[shown.clamp(min=0)], shown)


def _pairwise_sum(raster: Raster, shown: Tensor) -> Tensor:
    """Eq. 5.4: the pair of each pixel that shows one person and has another in front."""
    front, named = raster.person_ids, shown.clamp(min=0)
    covered = raster.silhouettes.gather(0, named[None])[0]
    y, x = torch.nonzero((shown >= 0) & (front >= 0) & (front != shown) & covered, as_tuple=True)
    behind, before = raster.depth[shown[y, x], y, x], raster.depth[front[y, x], y, x]
    return functional.softplus(behind - before).sum()


def _released_sum(raster: Raster, shown: Tensor) -> Tensor:
    """All pairs of the shown person with another, at the pixels that all meshes cover."""
    y, x = torch.nonzero((shown != NOBODY) & raster.silhouettes.all(0), as_tuple=True)
    depth, named = raster.depth[:, y, x], shown[y, x]  # (P, n), (n,)
    own = torch.where(named >= 0, depth.gather(0, named.clamp(min=0)[None])[0], 0)
    others = torch.arange(len(depth), device=depth.device)[:, None] != named
    return (functional.softplus(own - depth, threshold=_LINEAR_BEYOND) * others).sum()
