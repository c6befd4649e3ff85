# Where a training of MSPN begins (journal §4.2: pretrained on COCO); see resnet50-fpn_coco.py. The released configs
# freeze its stem
initial_weights = dict(
    paper='MSPN, pretrained on COCO',
    get="das-mm convert-checkpoint of mmpose's top-down MSPN of as many stages (2xmspn50, 3xmspn50 on COCO)",
    freeze=dict(frozen_stages=1))
