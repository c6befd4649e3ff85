"""A data set whose conversion kills its process; light, for a worker imports it."""

from __future__ import annotations

import os
import signal

from das_mm.datasets.converters import Converter, Job, Part


class Deadly(Converter):
    """Two jobs, of which one kills."""

    name, title, keypoint_set = 'deadly', 'Deadly', 'coco17'

    def jobs(self):
        return [Job('harmless'), Job('deadly')]

    def convert(self, job):
        if job.name == 'deadly':
            os.kill(os.getpid(), signal.SIGKILL)
        return Part()
