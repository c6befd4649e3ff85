# DAS on CMU Panoptic with a 2-stage MSPN and one update layer, the authors' released setting. Paper, Table 1: 53.8 mm
_base_ = ['../_base_/models/das_mspn2_fpn.py', '../_base_/datasets/panoptic_1333x640.py',
          '../_base_/schedules/sgd_25e.py', '../_base_/initial_weights/mspn_coco.py']

model = dict(head=dict(update=dict(num_layers=1)))
