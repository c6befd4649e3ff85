# The second of the thesis' two steps: load_from names the network trained before, which stays as it is; the SMPL
# regressor alone learns. (The first step is any config with parameter_network=None, or one trained together.)
_base_ = './graphcmr_resnet50_1xb16-25e_h36m-up3d-224x224.py'

model = dict(backbone=dict(frozen_stages=4, norm_eval=True), head=dict(freeze_vertex_network=True))
initial_weights = dict(
    paper='the graph network trained before, with its ResNet-50',
    get='das-mm train of graphcmr_resnet50_1xb16-25e_h36m-up3d-224x224')
