"""Evaluation: ``functional`` (numpy), ``metrics`` (mmengine), result files and the mean-pose baseline."""
from .baselines import mean_pose_baseline, record_to_sample
from .metrics import *  # noqa: F401,F403
from .metrics import __all__ as _metrics
from .result_file import finite_or_none, read_result_file, write_result_file

__all__ = [
    *_metrics, 'finite_or_none', 'mean_pose_baseline', 'read_result_file', 'record_to_sample', 'write_result_file',
]
