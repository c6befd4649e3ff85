"""From the original archives of a data set to the package's one annotation format (`das-mm convert`)."""

from __future__ import annotations

from das_mm.plugin_registry import PluginRegistry

from .base import Converter, Job, Part, camera_entry, flags_in_image, image_size, person_entry

#: word on the command line -> :class:`Converter`; imported when asked for, since some need packages of their own
CONVERTERS: PluginRegistry[type[Converter]] = PluginRegistry(
    'converter',
    {
        'panoptic': 'das_mm.datasets.converters.panoptic:PanopticConverter',
        'muco': 'das_mm.datasets.converters.muco:MuCoConverter',
        'mupots': 'das_mm.datasets.converters.mupots:MuPoTSConverter',
        'mpi-inf-3dhp': 'das_mm.datasets.converters.mpi_inf_3dhp:MPIINF3DHPConverter',
        'h36m': 'das_mm.datasets.converters.h36m:H36MConverter',
        'coco': 'das_mm.datasets.converters.coco:CocoConverter',
        'crowdpose': 'das_mm.datasets.converters.crowdpose:CrowdPoseConverter',
        'mpii': 'das_mm.datasets.converters.mpii:MPIIConverter',
        'lsp': 'das_mm.datasets.converters.lsp:LSPConverter',
        'lspet': 'das_mm.datasets.converters.lsp:LSPETConverter',
        '3dpw': 'das_mm.datasets.converters.threedpw:ThreeDPWConverter',
        'up-3d': 'das_mm.datasets.converters.up3d:UP3DConverter',
        'posetrack18': 'das_mm.datasets.converters.posetrack18:PoseTrack18Converter',
    },
    field='NAME',
)

__all__ = ['CONVERTERS', 'Converter', 'Job', 'Part', 'camera_entry', 'flags_in_image', 'image_size', 'person_entry']
