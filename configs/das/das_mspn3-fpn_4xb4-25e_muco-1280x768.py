# DAS on MuCo-3DHP and COCO with a 3-stage MSPN and two update layers, the authors' released setting
_base_ = ['../_base_/models/das_mspn2_fpn.py', '../_base_/datasets/muco_1280x768.py',
          '../_base_/schedules/sgd_25e.py', '../_base_/initial_weights/mspn_coco.py']

model = dict(
    backbone=dict(num_stages=3),
    head=dict(num_keypoints=21, coder=dict(root_index=14), update=dict(num_layers=2)))
