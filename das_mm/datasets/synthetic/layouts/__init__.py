"""Writers that turn synthetic scenes into the layout of a real data set (`das-mm synth --layout NAME`).

What they write stands in for archives that cannot be shipped: the converters are tested on it, and a user can look at it
to see what a converter expects.
"""

from __future__ import annotations

import importlib

from das_mm.errors import UserError

from .base import ALL_SETS, Layout, PersonTruth, SceneTruth, read_scenes

LAYOUTS = {
    'panoptic': 'panoptic:PanopticLayout',
    'muco': 'muco:MuCoLayout',
    'mupots': 'mupots:MuPoTSLayout',
    'mpi-inf-3dhp': 'mpi_inf_3dhp:MPIINF3DHPLayout',
    'h36m': 'h36m:H36MLayout',
    'coco': 'coco:CocoLayout',
    'crowdpose': 'coco:CrowdPoseLayout',
    'mpii': 'mpii:MPIILayout',
    'lsp': 'lsp:LSPLayout',
    'lspet': 'lsp:LSPETLayout',
    '3dpw': 'threedpw:ThreeDPWLayout',
    'posetrack18': 'posetrack18:PoseTrack18Layout',
}


def layout_class(name: str) -> type[Layout]:
    """The writer of a layout.

    Raises:
        UserError: There is none of that name.
    """
    if name not in LAYOUTS:
        raise UserError(
            f'{name!r} is no layout that can be written', field='--layout', remedy=f'use one of: {", ".join(LAYOUTS)}'
        )
    module, _, cls = LAYOUTS[name].partition(':')
    return getattr(importlib.import_module(f'{__name__}.{module}'), cls)


__all__ = ['ALL_SETS', 'LAYOUTS', 'Layout', 'PersonTruth', 'SceneTruth', 'layout_class', 'read_scenes']
