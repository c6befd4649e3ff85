# Table 8 row 1: no SMPL branch and no MLE, fine-tuned on 3DPW. Begins with table8-1_no-smpl-branch_mixed.py's weights:
# --cfg-options load_from=…/epoch_50.pth. Paper: 79.1 / 43.7 mm; the errors of the pose head
_base_ = ['../../_base_/models/das_mesh-no-branch_resnet50_fpn.py', '../../_base_/datasets/3dpw_512x512.py',
          '../../_base_/schedules/sgd_10e.py', '../../_base_/initial_weights/mesh-mixed.py']

smpl_path = None  # nothing is posed
val_evaluator = [dict(type='MultiPerson3DMetric')]
test_evaluator = val_evaluator
