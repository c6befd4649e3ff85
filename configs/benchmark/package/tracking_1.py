# The second lesson as far as tracking took it: its first 6 epochs of 20
_base_ = './mesh_2.py'

train_cfg = dict(max_epochs=6)
