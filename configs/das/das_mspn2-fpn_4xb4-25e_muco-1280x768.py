# DAS on MuCo-3DHP and COCO with the 2-stage MSPN of which the CVPR paper tells run time and accuracy (its Table 4:
# 75 ms on a V100, PCK_rel 81.0 on MuPoTS-3D). It does not say how many update layers: two, as the released MuCo model
_base_ = ['../_base_/models/das_mspn2_fpn.py', '../_base_/datasets/muco_1280x768.py',
          '../_base_/schedules/sgd_25e.py', '../_base_/initial_weights/mspn_coco.py']

model = dict(head=dict(num_keypoints=21, coder=dict(root_index=14), update=dict(num_layers=2)))
