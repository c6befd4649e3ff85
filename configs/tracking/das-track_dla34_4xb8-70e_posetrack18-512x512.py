# DAS tracking on PoseTrack18: Table 9 row 4 (MLE, a displacement for every joint). Paper: AP 75.1, MOTA 63.8
_base_ = ['../_base_/models/das_tracking_dla34.py', '../_base_/datasets/posetrack18_512x512.py',
          '../_base_/schedules/adam_70e.py']
