# Where a training of ResNet-50 + FPN begins (journal §4.2: pretrained on COCO). load_from names the file; without it
# nothing is frozen and a warning says what the paper had. `paper`, `get` are for that warning; `freeze` are settings of
# the backbone that count once there is a file
initial_weights = dict(
    paper='ResNet-50 + FPN, pretrained on COCO',
    get="das-mm convert-checkpoint of mmdet's Faster R-CNN or RetinaNet (R-50-FPN, style pytorch)",
    freeze=dict(frozen_stages=1, norm_eval=True))
