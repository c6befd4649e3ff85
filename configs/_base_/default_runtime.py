# Hooks, environment and logging of every config. What differs from mmpose's: checkpoints that survive a kill, a
# resume that repeats the run, and a fixed seed.
_base_ = 'mmpose::_base_/default_runtime.py'
default_scope = 'das_mm'
data_mode = 'bottomup'  # mmpose's inferencers ask: all people of an image at once

default_hooks = dict(
    logger=dict(type='LoggerHook', interval=20),
    checkpoint=dict(type='das_mm.AtomicCheckpointHook', interval=1, max_keep_ckpts=2))

# EpochSeedHook needs persistent_workers=False in the train dataloader; LabelBodyHook looks at meshes alone
custom_hooks = [
    dict(type='das_mm.EpochSeedHook'),
    dict(type='SyncBuffersHook'),
    dict(type='das_mm.LabelBodyHook'),
]

randomness = dict(seed=0)

visualizer = dict(type='das_mm.DASVisualizer')
