"""Checks of what does not fit a regressor, in words."""

from __future__ import annotations

from torch import Tensor

from das_mm.errors import UserError


def check_labels(labels: Tensor, num_keypoints: int, dims: int) -> None:
    """Labels (B, K, D) of the head's K and D.

    Raises:
        UserError: Others.
    """
    if labels.shape[1:] != (num_keypoints, dims):
        raise UserError(
            f'labels of {labels.shape[1]} keypoints in {labels.shape[2]} coordinates, and the head regresses '
            f'{num_keypoints} in {dims}',
            field='model.head.num_keypoints',
            remedy='give the head the keypoints and dimensions of the data set and of its codec',
        )
