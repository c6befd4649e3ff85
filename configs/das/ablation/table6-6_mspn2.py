# Table 6 row 6: everything, with the larger backbone. Paper: 54.4 mm
_base_ = ['../../_base_/models/das_mspn2_fpn.py', '../../_base_/datasets/panoptic_1333x640.py',
          '../../_base_/schedules/sgd_25e.py', '../../_base_/initial_weights/mspn_coco.py']
