# Where a training of DLA-34 begins (journal §4.2: as CenterTrack, which begins with CenterNet's detector of COCO); see
# resnet50-fpn_coco.py. Nothing is frozen
initial_weights = dict(
    paper='DLA-34, pretrained on COCO',
    get="das-mm convert-checkpoint of CenterNet's ctdet_coco_dla_2x.pth or CenterTrack's coco_tracking.pth",
    freeze=dict())
