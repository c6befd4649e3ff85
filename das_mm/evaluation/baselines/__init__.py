"""What a model must beat: the mean pose and the mean body of the training set, judged by the same metrics."""

from .mean_body import fit_mean_body_to_samples, mean_body_scores
from .mean_pose import mean_pose_baseline, record_to_sample

__all__ = ['fit_mean_body_to_samples', 'mean_body_scores', 'mean_pose_baseline', 'record_to_sample']
