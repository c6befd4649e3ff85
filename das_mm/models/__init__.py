"""Networks, losses and what stands between them; everything is registered and reached by its name in a config."""

from das_mm.lazy_exports import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        '.backbones': 'DLA34 MSPNPyramid TemporalResNet TemporalStems',
        '.body_models': 'BodyModelProtocol BodyOutput SMPLBody',
        '.data_preprocessors': 'TemporalDataPreprocessor',
        '.discriminators': 'BodyPoseDiscriminator',
        '.flows': 'ConditionalGlow RealNVP',
        '.heads': 'BaseTaskBranch DASHead DisplacementBranch KeypointHeatmapHead MeshBranch OutputBranch Tower',
        '.layers': 'LazyRows ModulatedDeformConv2d MultiSourceUpdate NoUpdate PlainUpdate PointIndex RecursiveUpdate',
        '.losses': 'DLELoss DensityGrid GaussianNLLLoss GaussianPrior KeypointRLELoss L1PoseLoss L2ParameterLoss '
        'LaplaceNLLLoss LaplacePrior LikelihoodLoss MaxMixturePrior MeshKeypoint2DLoss MeshKeypoint3DLoss '
        'OfficialRLELoss PoseLoss RLELoss ReleasedLaplacePrior RotationDistanceLoss RotationL2Loss SMPLifyPrior '
        'SigmoidFocalLoss error_density_grid joint_angle_prior keypoint_confidence log_partition positive_scale '
        'residual_spread shape_prior',
        '.necks': 'DLAUp',
        '.pose_estimators': 'DAS TrackingDAS',
        '.task_modules': 'DASPoseCoder DASTargetAssigner GreedyTracker GreedyTracker3D KeypointRootCoder LevelTargets '
        'NearestPoseTracker OKSNMS PersonLabels',
    },
)
