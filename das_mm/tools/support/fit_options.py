"""The options of verbs that fit bodies to people, and the fitter they ask for."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from das_mm.inference.body_fitting import BodyFitter


def add_fit_arguments(parser: argparse.ArgumentParser) -> None:
    fit = parser.add_argument_group('bodies')
    fit.add_argument('--body', metavar='FILE', help='licensed SMPL file or folder; default: the generated body')
    fit.add_argument('--gender', choices=('neutral', 'male', 'female'), default='neutral', help='default %(default)s')
    fit.add_argument('--prior', metavar='FILE', help="SMPLify's gmm_08.pkl; default: the mixture of generated poses")
    fit.add_argument(
        '--fit-sigma', metavar='PX[,MM]', help='scales of all joints where no sigma is told: px, and mm of depth'
    )


def open_fitter(args: argparse.Namespace, keypoint_set: str) -> BodyFitter:
    """The fitter for a keypoint set.

    Raises:
        UserError: The body or the prior cannot be read, or has not the keypoints of the set.
    """
    from das_mm.inference.body_fitting import BodyFitter
    from das_mm.models.body_models import SMPLBody

    body = SMPLBody(args.body, args.gender)
    return BodyFitter(body if args.device in ('auto', 'cpu') else body.to(args.device), keypoint_set, args.prior)
