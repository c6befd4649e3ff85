from .das_head import DASHead
from .displacement_branch import DisplacementBranch
from .mesh_branch import MeshBranch
from .task_branch import BaseTaskBranch
from .towers import OutputBranch, Tower

__all__ = ['BaseTaskBranch', 'DASHead', 'DisplacementBranch', 'MeshBranch', 'OutputBranch', 'Tower']
