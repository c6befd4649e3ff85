"""The training stages of the small weights that come with the package, each from the weights of the stage before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .config_variant import ConfigVariant

_SHORT_MESH = 'mesh/das-mesh_tiny-l2_1xb8-12e_synthetic-448x256.py'
_LONG_MESH = 'mesh/das-mesh_tiny-l2_1xb8-20e_synthetic-448x256.py'
_TRACKING = 'tracking/das-track_tiny_1xb8-10e_synthetic-448x256.py'


def _tracking_stage(
    loss_weight: float, max_norm: int, epochs: int, schedule_epochs: int | None = None, lr: float | None = None
) -> ConfigVariant:
    """A stage of tracking.

    Args:
        loss_weight: Of the displacements beside the poses.
        max_norm: Largest norm of the gradients.
        epochs: Of the stage.
        schedule_epochs: Epochs after which the cosine of the learning rate ends; default ``epochs``.
        lr: Learning rate; default the config's.
    """
    end = schedule_epochs or epochs
    optimizer: Mapping[str, Any] = {} if lr is None else dict(optimizer=dict(lr=lr))
    return ConfigVariant(
        _TRACKING,
        (
            dict(
                model=dict(head=dict(branches=dict(displacement=dict(loss=dict(loss_weight=loss_weight))))),
                optim_wrapper=dict(clip_grad=dict(max_norm=max_norm), **optimizer),
                train_dataloader=dict(dataset=dict(num_images=1920)),
                train_cfg=dict(max_epochs=epochs),
                param_scheduler=[
                    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=30),
                    dict(
                        type='CosineAnnealingLR',
                        eta_min=2e-5,
                        by_epoch=True,
                        begin=0,
                        end=end,
                        T_max=end,
                        convert_to_iter_based=True,
                    ),
                ],
            ),
        ),
    )


#: name of a stage -> its config
STAGES: dict[str, ConfigVariant] = dict(
    # poses and meshes on few scenes, from random numbers
    mesh_1=ConfigVariant(_SHORT_MESH),
    # on four times as many; its end is what comes with the package for poses and meshes
    mesh_2=ConfigVariant(_LONG_MESH),
    # the same as far as tracking needs it: the first 6 epochs of 20
    tracking_1=ConfigVariant(_LONG_MESH, (dict(train_cfg=dict(max_epochs=6)),)),
    # displacements learn slowly beside likelihoods: they are loud here, in the first 2 epochs of 12
    tracking_2=_tracking_stage(60.0, max_norm=60, epochs=2, schedule_epochs=12),
    # displacements almost alone: the first 4 epochs of 9
    tracking_3=_tracking_stage(500.0, max_norm=100, epochs=4, schedule_epochs=9),
    # the poses come back
    tracking_4=_tracking_stage(40.0, max_norm=40, epochs=7, lr=1.5e-3),
    # the poses catch up; its end is what comes with the package for tracking
    tracking_5=_tracking_stage(8.0, max_norm=40, epochs=15, lr=1.5e-3),
)

_POSES_AND_MESHES = ('mesh_1', 'mesh_2')  # poses learn more beside meshes; the pose model leaves the branch out
#: task of the packaged weights -> names of its stages, in their order
TASK_STAGES: dict[str, tuple[str, ...]] = dict(
    pose=_POSES_AND_MESHES,
    mesh=_POSES_AND_MESHES,
    tracking=('mesh_1', 'tracking_1', 'tracking_2', 'tracking_3', 'tracking_4', 'tracking_5'),
)
