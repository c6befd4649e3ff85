# Table 8 row 1, first stage: no SMPL branch and no MLE, on the mixture of Table 3
_base_ = ['../../_base_/models/das_mesh-no-branch_resnet50_fpn.py', '../../_base_/datasets/mesh-mixed_512x512.py',
          '../../_base_/schedules/sgd_50e.py', '../../_base_/initial_weights/resnet50-fpn_coco.py']

smpl_path = None  # nothing is posed
val_evaluator = [dict(type='MultiPerson3DMetric')]
test_evaluator = val_evaluator
