# GraphCMR on synthetic people: graph network and SMPL regressor, trained together, the gradient stopped between them
_base_ = './_base_/graphcmr_tiny.py'
