"""The bodies by which metrics of meshes pose predictions and truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from das_mm.errors import UserError
from das_mm.registry import MODELS


def build_bodies(
    body_model: Mapping | None, true_bodies: Mapping[str, Mapping] | None = None, device: str = 'cpu'
) -> tuple[Any, dict[str, Any]]:
    """The body of predictions, the generated one by default, and those of true people by gender.

    Raises:
        UserError: They are of different topology.
    """
    # our names must be found from a config of another scope (mmpose's) as well
    body, *true = (
        MODELS.build({'_scope_': 'das_mm', **config}).to(device).eval()
        for config in (body_model or dict(type='SMPLBody'), *(true_bodies or {}).values())
    )
    of_gender = dict(zip(true_bodies or {}, true))
    for gender, other in of_gender.items():
        if other.num_vertices != body.num_vertices:
            raise UserError(
                f'it has {other.num_vertices} vertices, `body_model` has {body.num_vertices}',
                field=f'true_bodies.{gender}',
                remedy='use bodies of one topology',
            )
    return body, of_gender
