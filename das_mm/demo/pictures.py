"""Pictures of what a demo learned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.runner import Runner

from das_mm.models.heads import residuals, stage_losses
from das_mm.models.losses import error_density_grid
from das_mm.structures import KEYPOINT_SETS
from das_mm.visualization import (
    People,
    Scene,
    contact_sheet,
    plot_error_density,
    plot_offset_maps,
    save_image,
    write_viewer,
)


@torch.no_grad()
def show_people(
    runner: Runner,
    out: Path,
    num_shown: int,
    title: str,
    draw: Callable[..., np.ndarray],
    faces: np.ndarray | None = None,
    frames_per_second: float | None = None,
    body_keypoints: Callable[[People], np.ndarray | None] | None = None,
) -> list[dict]:
    """Overlays and the viewer of the first unseen scenes.

    Args:
        draw: (image, true people, found people, keypoint set, camera) -> overlay.
        faces: (F, 3) of the meshes, where the model gives vertices.
        frames_per_second: The scenes are frames of one clip.
        body_keypoints: Found people -> the keypoints (N, K, 3) of their bodies, camera frame, mm.

    Returns:
        The shown items of the dataset.
    """
    model: Any = runner.model.eval()
    dataset: Any = runner.val_dataloader.dataset
    keypoint_set = KEYPOINT_SETS[dataset.metainfo['keypoint_set']]
    shown = [dataset[i] for i in range(min(num_shown, len(dataset)))]
    samples = [model.test_step(dict(inputs=[one['inputs']], data_samples=[one['data_samples']]))[0] for one in shown]
    scenes, overlays = [], []
    for index, sample in enumerate(samples):
        image = cv2.imread(sample.img_path)
        truth, found = People.from_instances(sample.gt_instances), People.from_instances(sample.pred_instances)
        camera, size = sample.metainfo['camera'], (image.shape[1], image.shape[0])
        overlays.append(draw(image, truth, found, keypoint_set, camera))
        save_image(out / 'overlays' / f'{index:03d}.jpg', overlays[-1])
        scenes.append(
            Scene(
                f'unseen scene {index}',
                found,
                size,
                np.asarray(camera['K']),
                camera['source'],
                image,
                truth,
                body_keypoints_cam_mm=None if body_keypoints is None else body_keypoints(found),
            )
        )
    titles = [scene.title for scene in scenes]
    save_image(out / 'overlays.png', contact_sheet(overlays, 3, titles))
    write_viewer(out / 'viewer.html', scenes, title, keypoint_set, faces=faces, frames_per_second=frames_per_second)
    return shown


@torch.no_grad()
def show_density(model, dataloader, names: list[str], out: Path) -> None:
    """Learned error density per keypoint before and after the recursive update (journal Fig. 8)."""
    found = []
    for batch in dataloader:
        data = model.data_preprocessor(batch, training=False)
        found.append(residuals(model.head, model.extract_feat(data['inputs']), data['data_samples']))
    sigmas = torch.cat([one.sigmas for one in found]).numpy()
    valid = torch.cat([one.valid for one in found])
    steps = dict(initial=0, updated=-1)
    for stage, loss in stage_losses(model.head).items():
        fitted, step = loss.fitted_density(), steps[stage]
        errors = torch.cat([one.errors[step] for one in found]).numpy()
        plot_error_density(
            error_density_grid(fitted, dims=(0, 1)),
            error_density_grid(fitted, dims=(2,)),
            errors,
            sigmas,
            valid.all(-1).numpy(),
            names,
            out / f'error_density_{stage}.png',
            title=f'Learned density of keypoint errors, {stage} offsets',
        )


@torch.no_grad()
def show_offsets(model: Any, shown: list[dict], names: list[str], root: int | None, out: Path) -> None:
    """Offset maps of the scene with the most people, on the level that holds most of them (journal Fig. 4)."""
    chosen = max(shown, key=lambda one: len(one['data_samples'].gt_instance_labels))
    data = model.data_preprocessor(
        dict(inputs=[chosen['inputs']], data_samples=[chosen['data_samples']]), training=False
    )
    feats = model.extract_feat(data['inputs'])
    _, targets = model.head.assign_targets(feats, data['data_samples'])
    level = int(np.argmax([len(target.person) for target in targets]))
    maps = [
        one[0].reshape(len(names), model.head.dims, *one.shape[-2:]).numpy() for one in model.head(feats).pose[level]
    ]
    labels = chosen['data_samples'].gt_instance_labels
    truth = np.where(labels.keypoints_weights[..., None] > 0, labels.keypoints, np.nan)
    wanted = [names.index(name) for name in ('left wrist', 'right ankle', 'nose') if name in names]
    plot_offset_maps(
        chosen['inputs'].permute(1, 2, 0).numpy(),
        maps[0],
        model.head.strides[level],
        names,
        out / 'offset_maps.png',
        keypoints=wanted,
        refined=maps[-1] if len(maps) > 1 else None,
        truth_px=truth,
        root=root,
    )
