"""Hand-made labels of a batch."""

import torch

from das_mm.models.task_modules import PersonLabels


def make_labels(roots, sizes, images=None, num_keypoints=3, root_index=2):
    """Persons whose farthest keypoint (the first) is ``size`` px right of the root."""
    n = len(roots)
    root_px = torch.tensor(roots, dtype=torch.float32).reshape(n, 2)
    keypoints = root_px[:, None].repeat(1, num_keypoints, 1)
    keypoints[:, 0, 0] += torch.tensor(sizes, dtype=torch.float32)
    ones = torch.ones(n, num_keypoints)
    size = torch.tensor(sizes, dtype=torch.float32).reshape(n, 1)
    depths = torch.arange(n * num_keypoints, dtype=torch.float32).reshape(n, num_keypoints) * 10
    depths[:, root_index] = 0
    return PersonLabels(
        image=torch.tensor(images if images is not None else [0] * n, dtype=torch.long),
        fields=dict(
            bboxes=torch.cat([root_px - size, root_px + size], 1),
            keypoints=keypoints,
            keypoints_weights=ones,
            relative_depths_mm=depths,
            relative_depths_weights=ones.clone(),
            root_px=root_px,
            root_depths_norm=torch.full((n,), 4.0),
            root_depths_weights=torch.ones(n),
            center_valid=torch.ones(n, dtype=torch.bool),
        ),
    )
