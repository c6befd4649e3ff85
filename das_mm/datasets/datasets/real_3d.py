"""The data sets with people in camera space, in the package's annotation format.

Each names the keypoints of its own files and learns them unless told otherwise; what is particular to one is written in
its class. The files are made by ``das-mm convert``.
"""

from __future__ import annotations

from das_mm.registry import DATASETS

from .das_dataset import DASDataset


@DATASETS.register_module()
class DASPanopticDataset(DASDataset):
    """CMU Panoptic.

    Args:
        mask_nose: Treat the nose as not labelled, in training and as truth of an evaluation. Older sequences have the
            head top in its place, so the protocol of the papers goes without it.
        **kwargs: What :class:`DASDataset` takes.
    """

    NATIVE_SET = 'panoptic15'

    def __init__(self, *args, mask_nose: bool = True, **kwargs):
        self.mask_nose = mask_nose
        super().__init__(*args, **kwargs)

    def adapt(self, record: dict) -> None:
        super().adapt(record)
        if self.mask_nose and 'nose' in self.keypoint_set.keypoints:
            nose = self.keypoint_set.index('nose')
            for name in ('keypoints', 'keypoints_flags', 'keypoints_3d', 'keypoints_3d_valid'):
                record[name][:, nose] = 0


@DATASETS.register_module()
class DASMuCoDataset(DASDataset):
    """MuCo-3DHP: composited people, often beyond the image's border."""

    NATIVE_SET = 'muco21'


@DATASETS.register_module()
class DASMuPoTSDataset(DASDataset):
    """MuPoTS-3D, a test set: in test mode unless told otherwise. People of frames that are not valid are no truth."""

    NATIVE_SET = 'mupots17'

    def __init__(self, *args, test_mode: bool = True, **kwargs):
        super().__init__(*args, test_mode=test_mode, **kwargs)


@DATASETS.register_module()
class DASMPIINF3DHPDataset(DASDataset):
    """MPI-INF-3DHP."""

    NATIVE_SET = 'mupots17'


@DATASETS.register_module()
class DASH36MDataset(DASDataset):
    """Human3.6M, right leg first."""

    NATIVE_SET = 'h36m17'


@DATASETS.register_module()
class DAS3DPWDataset(DASDataset):
    """3DPW: SMPL's own joints, parameters and meshes. Frames whose camera is not sound are no truth."""

    NATIVE_SET = 'smpl24'
