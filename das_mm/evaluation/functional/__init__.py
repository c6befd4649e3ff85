"""Pure functions behind the metrics: numpy and scipy only, usable without any mm package."""
from .alignment import ALIGNMENTS, align_procrustes, align_root, root_position, similarity_align
from .errors import joint_errors, mean_over_joints, mpjpe, mrpe, pa_mpjpe
from .matching import MATCHING_RULES, Nearest, OneToOne, OneToOne3D, PredictedPeople, TruePeople, build_matching, \
    covered_by_ignored
from .mean_pose import MeanPose, fit_mean_pose, mean_pose_predictions, mean_root_relative_pose
from .pck import AUC_THRESHOLDS_MM, auc, pck, pck_curve, pck_per_joint
from .summary import PoseErrors, per_joint_table, pose_errors, ratio, summarise_detection, summarise_pose

__all__ = [
    'ALIGNMENTS', 'AUC_THRESHOLDS_MM', 'MATCHING_RULES', 'MeanPose', 'Nearest', 'OneToOne', 'OneToOne3D', 'PoseErrors',
    'PredictedPeople', 'TruePeople', 'align_procrustes', 'align_root', 'auc', 'build_matching', 'covered_by_ignored',
    'fit_mean_pose', 'joint_errors', 'mean_over_joints', 'mean_pose_predictions', 'mean_root_relative_pose', 'mpjpe',
    'mrpe', 'pa_mpjpe', 'pck', 'pck_curve', 'pck_per_joint', 'per_joint_table', 'pose_errors', 'ratio',
    'root_position', 'similarity_align', 'summarise_detection', 'summarise_pose',
]
