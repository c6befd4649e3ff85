# Journal §4.2: fine-tuning on 3DPW's training set, 10 epochs at 2e-4. Give the weights of the config of the mixture:
# --cfg-options load_from=…/epoch_50.pth. Paper, Tables 4 and 8: MPJPE 76.4, PMPJPE 41.1, PVE 93.9
_base_ = ['../_base_/models/das_mesh_resnet50_fpn.py', '../_base_/datasets/3dpw_512x512.py',
          '../_base_/schedules/sgd_10e.py', '../_base_/initial_weights/mesh-mixed.py']

model = dict(head=dict(branches=dict(mesh=dict(body=dict(model_path={{_base_.smpl_path}})))))
