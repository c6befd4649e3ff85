from das_mm.engine.image_files import image_fault, looks_complete

from ..annotations.annotation_file import AnnotationFile, read_annotation_file
from ..annotations.people import PersonColumns
from .das_dataset import DASDataset
from .frame_pairs import DASPoseTrack18Dataset, DASVideoDataset
from .mocap_bodies import MoCapBodies
from .openpose_detections import DetectionFile, ImitatedDetections
from .openpose_folder import OpenPoseFolder
from .person_boxes import PersonBoxes
from .person_view import PersonViewDataset
from .real_2d import DASCocoDataset, DASCrowdPoseDataset, DASLSPDataset, DASLSPETDataset, DASMPIIDataset, DASUP3DDataset
from .real_3d import (
    DAS3DPWDataset,
    DASH36MDataset,
    DASMPIINF3DHPDataset,
    DASMuCoDataset,
    DASMuPoTSDataset,
    DASPanopticDataset,
)
from .record_table import Records, RecordTable
from .records import make_table
from .synthetic_people import SyntheticClips, SyntheticPeople

__all__ = [
    'AnnotationFile',
    'DAS3DPWDataset',
    'DASCocoDataset',
    'DASCrowdPoseDataset',
    'DASDataset',
    'DASH36MDataset',
    'DASLSPDataset',
    'DASLSPETDataset',
    'DASMPIIDataset',
    'DASMPIINF3DHPDataset',
    'DASMuCoDataset',
    'DASMuPoTSDataset',
    'DASPanopticDataset',
    'DASPoseTrack18Dataset',
    'DASUP3DDataset',
    'DASVideoDataset',
    'DetectionFile',
    'ImitatedDetections',
    'MoCapBodies',
    'OpenPoseFolder',
    'PersonBoxes',
    'PersonColumns',
    'PersonViewDataset',
    'RecordTable',
    'Records',
    'SyntheticClips',
    'SyntheticPeople',
    'image_fault',
    'looks_complete',
    'make_table',
    'read_annotation_file',
]
