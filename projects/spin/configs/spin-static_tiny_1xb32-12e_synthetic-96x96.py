# The baseline of the tiny SPIN: its static fits stay what they are
_base_ = './spin_tiny_1xb32-12e_synthetic-96x96.py'

model = dict(train_cfg=dict(in_the_loop=False))
