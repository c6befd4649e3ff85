# Table 6 row 4: MLE (RLE) without update
_base_ = './pose.py'

model = dict(head=dict(update=dict(_delete_=True, type='NoUpdate')))
