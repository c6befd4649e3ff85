"""`das-mm assets`: make again, offline, what the package has stored of its generated body (for its developers)."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = 'make again what is stored of the generated body (for developers)'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    kinds = parser.add_subparsers(dest='asset', metavar='ASSET', required=True)
    template = kinds.add_parser('template', help='the surface of the generated body, its weights, labels and texture')
    mixture = kinds.add_parser('mixture', help='the pose prior: a mixture of Gaussians on generated poses')
    regressors = kinds.add_parser('regressors', help='stand-ins for the joint regressors that come with SMPL')
    for one in (template, mixture, regressors):
        one.add_argument('--out', type=Path, metavar='FILE', help='npz to write; default: the one in the package')
    mixture.add_argument(
        '--poses', type=int, default=20000, help='generated poses, each used with its mirror image; default %(default)s'
    )
    mixture.add_argument('--components', type=int, default=8, help='Gaussians; default %(default)s')


def run(args: argparse.Namespace) -> int:
    """Make the file; 0 where it is written."""
    from das_mm.tools.support.report import Report

    told = Report()
    if args.asset == 'template':
        from das_mm.bodies.generated_body import TEMPLATE_FILE
        from das_mm.bodies.template.template_maker import write_template

        out = args.out or TEMPLATE_FILE
        write_template(out)
    elif args.asset == 'regressors':
        from das_mm.bodies.joint_regressors import STAND_IN_FILE
        from das_mm.bodies.template.regressor_maker import write_regressors

        out = args.out or STAND_IN_FILE
        write_regressors(out)
    else:
        from das_mm.bodies.pose_mixture import GENERATED_MIXTURE
        from das_mm.datasets.synthetic.pose_mixture_fit import write_mixture

        out = args.out or GENERATED_MIXTURE
        for line in write_mixture(out, args.poses, args.components):
            told.say(line)
    told.wrote(f'{out}: {out.stat().st_size / 1024:.0f} KiB')
    return 0
