# RLE Table 1: 70.5 AP
_base_ = ['./_base_/adam_270e.py', './_base_/rle_resnet50.py', './_base_/coco_256x192.py']
