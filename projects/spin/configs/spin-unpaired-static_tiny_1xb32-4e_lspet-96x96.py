# The baseline of the tiny SPIN on photographs: its static fits stay what they are
_base_ = './spin-unpaired_tiny_1xb32-4e_lspet-96x96.py'

model = dict(train_cfg=dict(in_the_loop=False))
