"""The options of verbs that fit bodies to people, and the fitter they ask for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from das_mm.errors import UserError

if TYPE_CHECKING:
    from das_mm.inference.body_fitting import BodyFitter
    from das_mm.inference.predictor import Predictor

_KEYPOINT_FILES = ('.json', '.jsonl')


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


def add_fit_option(output: Any) -> None:
    """``--fit`` and what belongs to it, of a verb that infers."""
    output.add_argument(
        '--fit',
        nargs='?',
        const=True,
        default=False,
        type=_keypoint_file,
        metavar='KEYPOINTS.json',
        help='fit SMPL bodies to the people found, as das-mm fit does to results; of a model with a distribution of '
        'bodies (prohmr) its bodies, to the keypoints of DAS, or of any detector in KEYPOINTS.json (see das-mm lift), '
        'whose people are then those that are inferred',
    )
    output.add_argument(
        '--fit-frame',
        choices=('image', 'crop'),
        default='image',
        help='of such a model: fit in the whole image under its camera (default), or in the crop',
    )
    output.add_argument('--fit-hips', action='store_true', help='of such a model: fit hips too; for true keypoints')
    output.add_argument(
        '--fit-steps', type=int, default=10, metavar='N', help='of such a model: restarts of L-BFGS at most; default 10'
    )
    output.add_argument('--keypoint-set', metavar='NAME', help='of a KEYPOINTS.json that does not say which it has')


def with_fits(predictor: Predictor, args: argparse.Namespace) -> Predictor:
    """A predictor whose people get bodies, or better ones.

    Raises:
        UserError: The model tells no scales and none are assumed; or it cannot fit to the keypoints of a file, or
            nobody knows keypoints.
    """
    crops = getattr(predictor, 'crops', None)
    if 'fit' in getattr(getattr(crops, 'estimator', None), 'refinements', ()):
        return _with_own_fits(predictor, args)
    if args.fit is not True:
        raise UserError(
            'this model has no distribution of bodies that could be fitted to the keypoints of a file',
            file=args.fit,
            field='fit',
            remedy='give the weights of one (prohmr), leave the file out, or fit bodies to results: das-mm fit',
        )
    from das_mm.inference.fitted_predictor import FittedPredictor
    from das_mm.inference.fitted_results import AssumedSigma

    assumed = None if args.fit_sigma is None else AssumedSigma.parse(args.fit_sigma)
    return FittedPredictor(predictor, open_fitter(args, predictor.keypoint_set), assumed)


def _with_own_fits(predictor: Any, args: argparse.Namespace) -> Predictor:
    from das_mm.inference.keypoint_boxes import KeypointBoxes

    estimator = predictor.crops.estimator
    options = dict(frame=args.fit_frame, hips=args.fit_hips, outer_steps=args.fit_steps)
    estimator.test_cfg = {**estimator.test_cfg, 'fit': options}
    if args.fit is not True:
        if args.boxes is not None:
            raise UserError(
                'the file of keypoints says where the people are',
                file=args.fit,
                field='boxes',
                remedy='leave --boxes out',
            )
        return predictor.with_boxes(KeypointBoxes(args.fit, args.keypoint_set))
    if not hasattr(predictor.boxes, 'telling_keypoints'):
        raise UserError(
            f'boxes {predictor.boxes.words} bring no keypoints to fit bodies to',
            field='fit',
            remedy='name a file of keypoints, --fit KEYPOINTS.json, or let DAS find the people (no --boxes)',
        )
    return predictor.with_boxes(predictor.boxes.telling_keypoints())


def _keypoint_file(text: str) -> Path:
    if Path(text).suffix.lower() not in _KEYPOINT_FILES:
        raise argparse.ArgumentTypeError(f"'{text}' is no file of keypoints (.json, .jsonl): name images before --fit")
    return Path(text)
