"""Several poses of one person, of models that tell distributions (ProHMR)."""

from __future__ import annotations

from typing import Any

from das_mm.errors import UserError

#: field of a person in results, (S, K, 2) px
SAMPLES = 'sample_keypoints_px'


def draw_samples(predictor: Any, number: int) -> None:
    """Has a predictor tell so many poses of each person beside the most probable one.

    Args:
        predictor: One that can has ``draw_samples(number)``.
        number: 0: none.

    Raises:
        UserError: The number is negative, or the model has no distribution to draw from.
    """
    if number < 0:
        raise UserError(f'{number} poses cannot be drawn', field='samples', remedy='give 0 or more')
    if hasattr(predictor, 'draw_samples'):
        predictor.draw_samples(number)
    elif number:
        raise no_distribution()


def no_distribution() -> UserError:
    """What is said of a model of one pose a person."""
    return UserError(
        'this model tells one pose of each person, and no distribution',
        field='samples',
        remedy='leave --samples out, or give the weights of a model that does, such as ProHMR',
    )
