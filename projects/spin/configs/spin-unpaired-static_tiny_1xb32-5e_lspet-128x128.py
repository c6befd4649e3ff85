# The baseline of the tiny SPIN on photographs: its static fits stay what they are
_base_ = './spin-unpaired_tiny_1xb32-5e_lspet-128x128.py'

model = dict(train_cfg=dict(in_the_loop=False))
