# Table 6 row 6: everything, with a larger backbone. The papers take MSPN; a CPU bears a ResNet-34 of the same width as
# the others' ResNet-18: its blocks begin from the packaged weights as far as these know them, the others as identities
_base_ = './pose.py'

model = dict(backbone=dict(depth=34))
