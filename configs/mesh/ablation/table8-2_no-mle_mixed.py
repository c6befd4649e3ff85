# Table 8 row 2, first stage: the SMPL branch without MLE on the mixture of Table 3
_base_ = ['../../_base_/models/das_mesh-no-mle_resnet50_fpn.py', '../../_base_/datasets/mesh-mixed_512x512.py',
          '../../_base_/schedules/sgd_50e.py', '../../_base_/initial_weights/resnet50-fpn_coco.py']

model = dict(head=dict(branches=dict(mesh=dict(body=dict(model_path={{_base_.smpl_path}})))))
