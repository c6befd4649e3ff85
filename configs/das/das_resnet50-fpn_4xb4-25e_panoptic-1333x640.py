# DAS on CMU Panoptic with ResNet-50: Table 6 row 5 (root centre, three update layers, RLE). Paper: 56.3 mm MPJPE
_base_ = ['../_base_/models/das_resnet50_fpn.py', '../_base_/datasets/panoptic_1333x640.py',
          '../_base_/schedules/sgd_25e.py', '../_base_/initial_weights/resnet50-fpn_coco.py']
