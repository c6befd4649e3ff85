# Table 8 row 2: the SMPL branch without MLE, fine-tuned on 3DPW. Begins with table8-2_no-mle_mixed.py's weights:
# --cfg-options load_from=…/epoch_50.pth. Paper: 85.5 / 47.5 / 105.9 mm
_base_ = ['../../_base_/models/das_mesh-no-mle_resnet50_fpn.py', '../../_base_/datasets/3dpw_512x512.py',
          '../../_base_/schedules/sgd_10e.py', '../../_base_/initial_weights/mesh-mixed.py']

model = dict(head=dict(branches=dict(mesh=dict(body=dict(model_path={{_base_.smpl_path}})))))
