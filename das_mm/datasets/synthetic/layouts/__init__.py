"""Writers that turn synthetic scenes into the layout of a real data set (`das-mm synth --layout NAME`).

What they write stands in for archives that cannot be shipped: the converters are tested on it, and a user can look at
it to see what a converter expects.
"""

from __future__ import annotations

from das_mm.plugin_registry import PluginRegistry

from .base import ALL_SETS, Layout, PersonGroundTruth, SceneGroundTruth, read_scenes

#: word on the command line -> :class:`Layout`
LAYOUTS: PluginRegistry[type[Layout]] = PluginRegistry(
    'layout',
    {
        'panoptic': 'das_mm.datasets.synthetic.layouts.panoptic:PanopticLayout',
        'muco': 'das_mm.datasets.synthetic.layouts.muco:MuCoLayout',
        'mupots': 'das_mm.datasets.synthetic.layouts.mupots:MuPoTSLayout',
        'mpi-inf-3dhp': 'das_mm.datasets.synthetic.layouts.mpi_inf_3dhp:MPIINF3DHPLayout',
        'h36m': 'das_mm.datasets.synthetic.layouts.h36m:H36MLayout',
        'coco': 'das_mm.datasets.synthetic.layouts.coco:CocoLayout',
        'crowdpose': 'das_mm.datasets.synthetic.layouts.coco:CrowdPoseLayout',
        'mpii': 'das_mm.datasets.synthetic.layouts.mpii:MPIILayout',
        'lsp': 'das_mm.datasets.synthetic.layouts.lsp:LSPLayout',
        'lspet': 'das_mm.datasets.synthetic.layouts.lsp:LSPETLayout',
        '3dpw': 'das_mm.datasets.synthetic.layouts.threedpw:ThreeDPWLayout',
        'up-3d': 'das_mm.datasets.synthetic.layouts.up3d:UP3DLayout',
        'posetrack18': 'das_mm.datasets.synthetic.layouts.posetrack18:PoseTrack18Layout',
    },
    field='--layout',
)

__all__ = ['ALL_SETS', 'LAYOUTS', 'Layout', 'PersonGroundTruth', 'SceneGroundTruth', 'read_scenes']
