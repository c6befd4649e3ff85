"""Pure functions behind the metrics: numpy and scipy only, usable without any mm package."""
from .alignment import ALIGNMENTS, align_procrustes, align_rigid, align_root, root_position, similarity_align
from .errors import joint_errors, mean_over_joints, mpjpe, mrpe, pa_mpjpe
from .matching import (
    MATCHING_RULES,
    Nearest,
    OneToOne,
    OneToOne3D,
    PredictedPeople,
    TruePeople,
    build_matching,
    covered_by_ignored,
)
from .mean_pose import MeanPose, fit_mean_pose, mean_pose_predictions, mean_root_relative_pose
from .mesh import (
    LSP14,
    MESH_ERRORS,
    BodyParameters,
    NearestRoot,
    PosedBodies,
    mean_body,
    mean_body_baseline,
    mesh_errors,
    pve,
)
from .mupots import (
    MuPoTSErrors,
    image_errors,
    match_greedily,
    mupots_table,
    ordinal_depth,
    rescale_bones,
    sequence_table,
)
from .mupots_port import port_image_errors
from .nearest_pose import (
    NearestErrors,
    PosedImage,
    literature_mpjpe,
    mean_pose_of,
    nearest_pose_errors,
    released_code_mpjpe,
)
from .pck import AUC_THRESHOLDS_MM, auc, pck, pck_curve, pck_per_joint
from .posetrack import (
    JOINT_GROUPS,
    JointPrecision,
    PoseTrackFrame,
    assign_poses,
    average_precision,
    by_group,
    count_joints,
    head_sizes,
    without_ignored,
)
from .sequences import H36MCapture, group_rows, h36m_capture, panoptic_activity, ts_sequence
from .single_person import CHOICE_RULES, SinglePersonPoses, error_table, pck_and_auc
from .summary import PoseErrors, per_joint_table, pose_errors, ratio, summarise_detection, summarise_pose
from .tracking import (
    TRACKING_DISTANCES,
    KeypointDistance,
    OKSDistance,
    RootDistance3D,
    TrackingCounts,
    TrackingFrame,
    build_tracking_distance,
    count_tracking,
    inside_polygons,
    oks_distance,
)

__all__ = [
    'ALIGNMENTS', 'AUC_THRESHOLDS_MM', 'BodyParameters', 'CHOICE_RULES', 'H36MCapture', 'JOINT_GROUPS',
    'JointPrecision', 'KeypointDistance', 'LSP14', 'MATCHING_RULES', 'MESH_ERRORS', 'MeanPose', 'MuPoTSErrors',
    'Nearest', 'NearestErrors', 'NearestRoot', 'OKSDistance', 'OneToOne', 'OneToOne3D', 'PoseErrors', 'PoseTrackFrame',
    'PosedBodies', 'PosedImage', 'PredictedPeople', 'RootDistance3D', 'SinglePersonPoses', 'TRACKING_DISTANCES',
    'TrackingCounts', 'TrackingFrame', 'TruePeople', 'align_procrustes', 'align_rigid', 'align_root', 'assign_poses',
    'auc', 'average_precision', 'build_matching', 'build_tracking_distance', 'by_group', 'count_joints',
    'count_tracking', 'covered_by_ignored', 'error_table', 'fit_mean_pose', 'group_rows', 'h36m_capture', 'head_sizes',
    'image_errors', 'inside_polygons', 'joint_errors', 'literature_mpjpe', 'match_greedily', 'mean_body',
    'mean_body_baseline', 'mean_over_joints', 'mean_pose_of', 'mean_pose_predictions', 'mean_root_relative_pose',
    'mesh_errors', 'mpjpe', 'mrpe', 'mupots_table', 'nearest_pose_errors', 'oks_distance', 'ordinal_depth', 'pa_mpjpe',
    'panoptic_activity', 'pck', 'pck_and_auc', 'pck_curve', 'pck_per_joint', 'per_joint_table', 'port_image_errors',
    'pose_errors', 'pve', 'ratio', 'released_code_mpjpe', 'rescale_bones', 'root_position', 'sequence_table',
    'similarity_align', 'summarise_detection', 'summarise_pose', 'ts_sequence', 'without_ignored',
]
