# DAS with meshes on the mixture of Table 3; Table 8 row 3 after the fine-tuning on 3DPW (the config beside this one)
_base_ = ['../_base_/models/das_mesh_resnet50_fpn.py', '../_base_/datasets/mesh-mixed_512x512.py',
          '../_base_/schedules/sgd_50e.py', '../_base_/initial_weights/resnet50-fpn_coco.py']

model = dict(head=dict(branches=dict(mesh=dict(body=dict(model_path={{_base_.smpl_path}})))))
