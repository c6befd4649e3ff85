# Where the fine-tuning on 3DPW begins (journal §4.2); see resnet50-fpn_coco.py
initial_weights = dict(
    paper='the training on the mixture of Table 3',
    get='the same row of Table 8 trained on the mixture (work_dirs/…_mixed…/epoch_50.pth)',
    freeze=dict(frozen_stages=1, norm_eval=True))
