"""From the original archives of a data set to the package's one annotation format (`das-mm convert`)."""

from __future__ import annotations

import importlib

from das_mm.errors import UserError

from .base import Converter, Job, Part, camera_entry, flags_in_image, image_size, person_entry

# word on the command line -> module:class; imported when asked for, since some need packages of their own
CONVERTERS = {
    'panoptic': 'panoptic:PanopticConverter',
    'muco': 'muco:MuCoConverter',
    'mupots': 'mupots:MuPoTSConverter',
    'mpi-inf-3dhp': 'mpi_inf_3dhp:MPIINF3DHPConverter',
    'h36m': 'h36m:H36MConverter',
    'coco': 'coco:CocoConverter',
    'crowdpose': 'crowdpose:CrowdPoseConverter',
    'mpii': 'mpii:MPIIConverter',
    'lsp': 'lsp:LSPConverter',
    'lspet': 'lsp:LSPETConverter',
    '3dpw': 'threedpw:ThreeDPWConverter',
    'posetrack18': 'posetrack18:PoseTrack18Converter',
}


def converter_class(name: str) -> type[Converter]:
    """The converter of a data set.

    Raises:
        UserError: There is none of that name.
    """
    if name not in CONVERTERS:
        raise UserError(
            f'{name!r} is no data set that can be converted',
            field='NAME',
            remedy=f'use one of: {", ".join(CONVERTERS)}',
        )
    module, _, cls = CONVERTERS[name].partition(':')
    return getattr(importlib.import_module(f'{__name__}.{module}'), cls)


__all__ = [
    'CONVERTERS',
    'Converter',
    'Job',
    'Part',
    'camera_entry',
    'converter_class',
    'flags_in_image',
    'image_size',
    'person_entry',
]
