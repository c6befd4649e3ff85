"""Data: classes that a config names, transforms, samplers, converters, checks, and the synthetic world."""

from das_mm.lazy_exports import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        '.datasets': 'AnnotationFile DAS3DPWDataset DASCocoDataset DASCrowdPoseDataset DASDataset DASH36MDataset '
        'DASLSPDataset DASLSPETDataset DASMPIIDataset DASMPIINF3DHPDataset DASMuCoDataset DASMuPoTSDataset '
        'DASPanopticDataset DASPoseTrack18Dataset DASUP3DDataset DASVideoDataset MoCapBodies PersonColumns '
        'PersonViewDataset RecordTable Records SyntheticClips SyntheticPeople image_fault looks_complete make_table '
        'read_annotation_file',
        '.samplers': 'MixedSourceSampler SequenceSampler',
        '.transforms': 'AddMeshLabels AddPreviousFrame CornerOrigin DASRandomAffine DASRandomFlip DASResize '
        'PackDASInputs PackPersonInputs PersonCrop',
    },
)
