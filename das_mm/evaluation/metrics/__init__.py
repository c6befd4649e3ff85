from .coherence_metric import CoherenceMetric
from .h36m_metric import H36MMetric
from .mesh_metric import MeshMetric
from .mpi_inf_3dhp_metric import MPIINF3DHPMetric
from .multi_person_3d_metric import MultiPerson3DMetric
from .mupots_metric import MuPoTSMetric
from .panoptic_metric import PanopticMetric
from .person_mesh_metric import PersonMeshMetric
from .person_segmentation_metric import PersonSegmentationMetric
from .photograph_metric import PhotographMetric
from .posetrack_metric import PoseTrackMetric
from .reprojection_metric import ReprojectionMetric
from .tracking_metric import TrackingMetric

__all__ = [
    'CoherenceMetric',
    'H36MMetric',
    'MPIINF3DHPMetric',
    'MeshMetric',
    'MultiPerson3DMetric',
    'MuPoTSMetric',
    'PanopticMetric',
    'PersonMeshMetric',
    'PersonSegmentationMetric',
    'PhotographMetric',
    'PoseTrackMetric',
    'ReprojectionMetric',
    'TrackingMetric',
]
