# Training beside a discriminator: RAdam for both sides, and the warm-up of the released schedules. What the
# discriminator is stands in model.train_cfg.adversarial
side = dict(
    type='OptimWrapper',
    optimizer=dict(type='RAdam', lr=1e-5, weight_decay=1e-4, decoupled_weight_decay=True),
    clip_grad=dict(max_norm=35, norm_type=2))
optim_wrapper = dict(constructor='AdversarialOptimizers', generator=side, discriminator=side)
model_wrapper_cfg = dict(type='das_mm.AdversarialDataParallel')
param_scheduler = [dict(type='LinearLR', start_factor=1 / 3, by_epoch=False, begin=0, end=500)]
