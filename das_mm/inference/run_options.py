"""What may be asked of one run of inference."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from das_mm.engine.ranks import Rank
from das_mm.errors import UserError

OnSkip = Callable[[UserError], None]


def warn(error: UserError) -> None:
    """Log what cannot be read."""
    logging.getLogger('das_mm').warning(str(error))


@dataclass(frozen=True)
class RunOptions:
    """
    Attributes:
        batch_size: Images that go through the network together; their results do not depend on it.
        score_thr: People of a lower score are left out; None for the model's threshold.
        with_sigma: Give scales of the errors; None: where the model has them.
        track: Follow people through videos with any model; a tracking model does so in any case.
        smooth: Smooth people over time.
        static_camera: The camera of every video stands still: its people are followed, and the results that are written
            tell the floor, metres over it and up (see :mod:`.world_estimation`). That is known at the end of a video:
            results that are given on the way do not tell it.
        birth_thr: Score from which a person who is followed gets an identity; None for the tracker's own.
        resume: Go on after the last whole line of an earlier run into the same folder (see :mod:`.resume`), whose
            results are not given again.
        on_skip: Is told the error of every input, or part of a video, that cannot be read.
        show_progress: Draw a progress bar.
        rank: Which of several processes this is, of a run that is shared among them: each takes its share of the
            inputs, and none makes the viewer of all images.

    Raises:
        UserError: No image makes a batch, or a threshold is none.
    """

    batch_size: int = 1
    score_thr: float | None = None
    with_sigma: bool | None = None
    track: bool = False
    smooth: bool = False
    static_camera: bool = False
    birth_thr: float | None = None
    resume: bool = False
    on_skip: OnSkip = warn
    show_progress: bool = True
    rank: Rank = Rank()

    @property
    def follows(self) -> bool:
        """People of videos are followed, whatever the model."""
        return self.track or self.static_camera

    def __post_init__(self) -> None:
        if self.birth_thr is not None and not 0 <= self.birth_thr <= 1:
            problem = f'{self.birth_thr} is no score: these lie between 0 and 1'
            raise UserError(problem, field='track_thr', remedy='give a number from 0 to 1, or leave it out')
        if self.batch_size < 1:
            raise UserError(f'{self.batch_size} images make no batch', field='batch_size', remedy='give 1 or more')
