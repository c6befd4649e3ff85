# DAS on MuCo-3DHP and COCO with ResNet-50, evaluated on MuPoTS-3D
_base_ = ['../_base_/models/das_resnet50_fpn.py', '../_base_/datasets/muco_1280x768.py',
          '../_base_/schedules/sgd_25e.py', '../_base_/initial_weights/resnet50-fpn_coco.py']

model = dict(head=dict(num_keypoints=21, coder=dict(root_index=14), update=dict(num_layers=2)))
