# Thesis Table 1, Mesh Regression (FC): MPJPE 200.8, Rec. 105.8
_base_ = './graphcmr_resnet50_1xb16-10e_h36m-224x224.py'

model = dict(head=dict(vertex_network=dict(_delete_=True, type='FCMesh'), parameter_network=None))
val_evaluator = dict(_delete_=True, type='PersonMeshMetric', body_model={{_base_.body}})
test_evaluator = val_evaluator
