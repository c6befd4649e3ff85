"""Plug-in task branches of DAS: meshes, displacements, or a user's own."""

from .displacement_branch import DisplacementBranch
from .mesh_branch import MeshBranch
from .task_branch import BaseTaskBranch, build_branches

__all__ = ['BaseTaskBranch', 'DisplacementBranch', 'MeshBranch', 'build_branches']
