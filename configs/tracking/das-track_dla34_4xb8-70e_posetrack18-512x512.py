# DAS tracking on PoseTrack18: Table 9 row 4 (MLE, a displacement for every joint). Paper: AP 75.1, MOTA 63.8
_base_ = ['../_base_/models/das_tracking_dla34.py', '../_base_/datasets/posetrack18_512x512.py',
          '../_base_/schedules/adam_70e.py', '../_base_/initial_weights/dla34_coco.py']

# CenterNet's images, which its weights of COCO have seen: BGR, mean and deviation of COCO
model = dict(
    data_preprocessor=dict(
        mean=[104.0136, 114.0342, 119.9166], std=[73.6028, 69.8908, 71.0171], bgr_to_rgb=False))
