"""Evaluation: ``functional`` (numpy), ``metrics`` (mmengine), ``readers`` of data samples, ``files``, ``baselines``."""

from das_mm.lazy_exports import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        '.metrics': 'CoherenceMetric H36MMetric MPIINF3DHPMetric MeshMetric MuPoTSMetric MultiPerson3DMetric '
        'PanopticMetric PersonMeshMetric PersonSegmentationMetric PhotographMetric PoseTrackMetric '
        'ReprojectionMetric TrackingMetric',
        '.files.result_file': 'finite_or_none read_result_file write_result_file',
        '.baselines.mean_pose': 'mean_pose_baseline record_to_sample',
    },
)
