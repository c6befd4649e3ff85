from .branches.displacement_branch import DisplacementBranch
from .branches.mesh_branch import MeshBranch
from .branches.task_branch import BaseTaskBranch
from .das_decoder import DASDecoder
from .das_diagnosis import PointResiduals, error_spread, residuals, stage_losses
from .das_head import DASHead
from .das_network import DASNetwork, LevelScales, TowerSettings
from .keypoint_heatmap_head import KeypointHeatmapHead
from .point_outputs import DenseMaps, PointOutputs
from .towers import OutputBranch, Tower

__all__ = [
    'BaseTaskBranch',
    'DASDecoder',
    'DASHead',
    'DASNetwork',
    'DenseMaps',
    'DisplacementBranch',
    'KeypointHeatmapHead',
    'LevelScales',
    'MeshBranch',
    'OutputBranch',
    'PointOutputs',
    'PointResiduals',
    'Tower',
    'TowerSettings',
    'error_spread',
    'residuals',
    'stage_losses',
]
