# Table 1, Mesh Regression (FC): fully connected layers in the place of the graph network; nothing else differs
_base_ = './_base_/graphcmr_tiny.py'

model = dict(head=dict(
    vertex_network=dict(_delete_=True, type='FCMesh', feature_channels={{_base_.feature_channels}},
                        hidden_channels=256),
    parameter_network=None))
val_evaluator = dict(_delete_=True, type='PersonMeshMetric', truth='mesh')
test_evaluator = val_evaluator
