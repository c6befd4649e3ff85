# MAR Table 1: trained on MuCo-3DHP and COCO, tested on MuPoTS-3D
_base_ = ['./_base_/mar_hrnet-w32.py', './_base_/muco_coco_832x512.py', './_base_/schedule_50k.py']
custom_imports = dict(imports='projects.mar.mar')
