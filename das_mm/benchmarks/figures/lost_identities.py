"""Whom the centre map of the next frame shows: everybody who lives, or only who was just seen.

The tracker keeps an identity for some frames after it was lost and, by default, shows the network where it was; the
code of CenterTrack shows those just seen alone. The same weights, both ways.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from das_mm.errors import UserError

from .checkpoint_runner import checkpoint_runner, evaluate

CLIPS = dict(people=(3, 6))
_NUMBERS = ('mota', 'idf1', 'num_switches', 'recall', 'precision')


def measure_lost_identities(
    config: str, checkpoint: str | Path, out: str | Path, num_images: int = 320, clips: dict | None = None
) -> dict[str, dict[str, float]]:
    """Tracking with lost identities in the centre map and without.

    Args:
        config, checkpoint: A model that looks at the previous frame, with a synthetic test set.
        out: Folder for logs.
        num_images: Frames.
        clips: Settings of the clips, by default :data:`CLIPS`.

    Returns:
        ``'shown while they live'`` and ``'only just seen'`` -> MOTA, IDF1, switches, recall, precision.

    Raises:
        UserError: The model sees one image at a time.
    """
    dataset = dict(clips or CLIPS, num_images=num_images)
    runner = checkpoint_runner(config, checkpoint, out, dataset, [dict(type='TrackingMetric')])
    model: Any = runner.model
    if not model.sees_previous_frame:
        raise UserError(
            'it sees one image at a time, so there is no centre map',
            file=checkpoint,
            field='model.backbone',
            remedy='give a model of the tracking task',
        )
    kept, found = model.tracker.shown_missed, {}
    for name, shown in (('shown while they live', None), ('only just seen', 0)):
        model.tracker.shown_missed = shown
        metrics = evaluate(runner)
        found[name] = {number: metrics[f'tracking/{number}'] for number in _NUMBERS}
    model.tracker.shown_missed = kept
    return found


def lost_lines(found: dict[str, dict[str, float]]) -> list[str]:
    """A table for people."""
    lines = [f'{"lost identities":22s}' + ''.join(f'{name:>14s}' for name in _NUMBERS)]
    return lines + [
        f'{name:22s}' + ''.join(f'{numbers[number]:14.1f}' for number in _NUMBERS) for name, numbers in found.items()
    ]
