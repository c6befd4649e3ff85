from .branches.displacement_branch import DisplacementBranch
from .branches.mesh_branch import MeshBranch
from .branches.task_branch import BaseTaskBranch
from .das_head import DASHead
from .towers import OutputBranch, Tower

__all__ = ['BaseTaskBranch', 'DASHead', 'DisplacementBranch', 'MeshBranch', 'OutputBranch', 'Tower']
