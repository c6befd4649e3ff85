"""Data: classes that a config names, transforms, samplers, converters, checks, and the synthetic world."""

from das_mm.lazy_exports import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        '.datasets': 'AnnotationFile DAS3DPWDataset DASCocoDataset DASCrowdPoseDataset DASDataset DASH36MDataset '
        'DASLSPDataset DASLSPETDataset DASMPIIDataset DASMPIINF3DHPDataset DASMuCoDataset DASMuPoTSDataset '
        'DASPanopticDataset People RecordTable Records image_fault looks_complete make_table '
        'read_annotation_file',
        '.datasets.frame_pairs': 'DASPoseTrack18Dataset DASVideoDataset SyntheticClips',
        '.samplers': 'MixedSourceSampler SequenceSampler',
        '.synthetic.dataset': 'SyntheticPeople',
        '.transforms': 'AddMeshLabels AddPreviousFrame CornerOrigin DASRandomAffine DASRandomFlip DASResize PackDASInputs',
    },
)
