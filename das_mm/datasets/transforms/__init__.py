from .affine import DASRandomAffine
from .corner_origin import CornerOrigin
from .flip import DASRandomFlip
from .formatting import PackDASInputs
from .geometry import (
    MEAN_BGR,
    begin_geometry,
    keep_ratio_size,
    normalised_root_depths,
    turn_lens,
    update_geometry,
    warp_boxes,
    warp_image,
)
from .instance_map import AddInstanceMap
from .load_image import LoadImage
from .mesh_labels import AddMeshLabels
from .mosaic import PeopleMosaic
from .person_crop import CropAugmentation, PersonCrop
from .person_inputs import PackPersonInputs
from .previous_frame import AddPreviousFrame
from .resize import DASResize

__all__ = [
    'AddInstanceMap',
    'AddMeshLabels',
    'AddPreviousFrame',
    'CornerOrigin',
    'CropAugmentation',
    'DASRandomAffine',
    'DASRandomFlip',
    'DASResize',
    'LoadImage',
    'MEAN_BGR',
    'PackDASInputs',
    'PackPersonInputs',
    'PeopleMosaic',
    'PersonCrop',
    'begin_geometry',
    'keep_ratio_size',
    'normalised_root_depths',
    'turn_lens',
    'update_geometry',
    'warp_boxes',
    'warp_image',
]
