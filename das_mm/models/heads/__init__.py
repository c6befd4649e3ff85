from .das_head import DASHead
from .task_branch import BaseTaskBranch
from .towers import OutputBranch, Tower

__all__ = ['BaseTaskBranch', 'DASHead', 'OutputBranch', 'Tower']
