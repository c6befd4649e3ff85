"""Options of `das-mm infer` for videos, and for runs that several processes share."""

from __future__ import annotations

import argparse

from das_mm.engine.ranks import LAUNCHERS


def add_video_arguments(parser: argparse.ArgumentParser) -> None:
    """The groups "video" and "several processes"."""
    video = parser.add_argument_group('video')
    video.add_argument(
        '--track',
        action='store_true',
        help='follow people through videos: identities, trails and tracks/; tracking models always do',
    )
    video.add_argument(
        '--track-thr',
        type=float,
        metavar='X',
        help="score from which a person who is followed gets an identity; default: the tracker's own, 0.3",
    )
    video.add_argument('--smooth', action='store_true', help='smooth people over time')
    video.add_argument(
        '--static-camera',
        action='store_true',
        help='the camera stands still: the floor is found under the feet, and results tell places in metres over it, '
        'y up; viewer and a picture of the paths from above show it',
    )
    video.add_argument(
        '--resume',
        action='store_true',
        help='go on where an earlier run into the same --out was interrupted; the network runs for new '
        'frames only, annotated videos and viewers are made anew in one piece',
    )
    video.add_argument(
        '--live',
        action='store_true',
        help='show a webcam, or a video at its own speed, in a window with frames a second; q or Esc ends it',
    )
    ranks = parser.add_argument_group('several processes', 'they share the inputs, and end in one report')
    ranks.add_argument(
        '--launcher', choices=LAUNCHERS, help='what started them; default: pytorch under torchrun, else none'
    )
    ranks.add_argument('--local-rank', '--local_rank', type=int, default=0, help=argparse.SUPPRESS)
