# The released code's mix "all": Human3.6M .3, LSP .1, COCO .2, MPII .2, UP-3D .2. Thesis Table 6: MPJPE 73.3, Rec. 51.3
# (Human3.6M, P1); UP-3D 99.8 mm
_base_ = './_base_/graphcmr_resnet50.py'
