"""`das-mm synth`: make a synthetic set as files, in the package's annotation format."""

from __future__ import annotations

import argparse
from pathlib import Path

from das_mm.command import completed_by, size_argument

HELP = 'make synthetic people: images, annotations, depth, SMPL parameters'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument('--out', required=True, metavar='DIR', help='folder of the set; an unfinished one is finished')
    parser.add_argument(
        '--num',
        type=int,
        default=200,
        metavar='N',
        help='make so many images (of clips: frames in all); default %(default)s',
    )
    parser.add_argument(
        '--size',
        type=size_argument('832x512'),
        default=(832, 512),
        metavar='WxH',
        help='size of the images, px; default 832x512',
    )
    parser.add_argument(
        '--seed', type=int, default=0, metavar='N', help='the seed and the settings fix the set; default %(default)s'
    )
    parser.add_argument(
        '--split', default='train', metavar='NAME', help='name of the files; splits share no scene; default %(default)s'
    )
    parser.add_argument(
        '--kind',
        choices=('scenes', 'clips'),
        default='scenes',
        help='single images or moving people; default %(default)s',
    )
    parser.add_argument(
        '--clip-length', type=int, default=24, metavar='N', help='frames of a clip, 16 to 64; default %(default)s'
    )
    parser.add_argument(
        '--people',
        type=int,
        nargs=2,
        default=(1, 8),
        metavar=('MIN', 'MAX'),
        help='least and most people in a scene; default 1 8',
    )
    parser.add_argument(
        '--workers', type=int, metavar='N', help='number of processes; default: one for each core; 0: this one alone'
    )
    parser.add_argument(
        '--save-vertices', action='store_true', help='keep all mesh vertices in the SMPL file (41 kB a person)'
    )
    layout = parser.add_argument(
        '--layout',
        metavar='NAME',
        help='write the scenes as the archives of a real data set would lie: panoptic, muco, mupots, …',
    )
    completed_by(layout, _layout_names)
    parser.add_argument(
        '--preview', action='store_true', help='also draw DIR/preview_SPLIT.png: images with their truth drawn in'
    )


def _layout_names(**_: object) -> list[str]:
    from das_mm.datasets.synthetic.layouts import LAYOUTS

    return LAYOUTS.names()


def run(args: argparse.Namespace) -> int:
    """Make the set; 0 where it is whole."""
    from das_mm.datasets.synthetic import SyntheticConfig, generate, write_contact_sheet
    from das_mm.tools.support.report import Report

    if args.layout is not None:
        return _write_layout(args)
    config = SyntheticConfig(
        num_images=args.num,
        image_size=args.size,
        people=tuple(args.people),
        seed=args.seed,
        split=args.split,
        kind=args.kind,
        clip_length=args.clip_length,
        save_vertices=args.save_vertices,
    )
    paths = generate(config, args.out, workers=args.workers)
    told = Report()
    for path in (*paths.annotations.values(), paths.smpl):
        told.wrote(path)
    if args.preview:
        sheet = write_contact_sheet(
            next(iter(paths.annotations.values())), paths.root, Path(args.out) / f'preview_{args.split}.png'
        )
        told.wrote(sheet)
    return 0


def _write_layout(args: argparse.Namespace) -> int:
    """Scenes as some data set's archives; the scenes themselves are kept in a hidden folder and used again."""
    from das_mm.datasets.synthetic import SyntheticConfig, generate
    from das_mm.datasets.synthetic.layouts import ALL_SETS, LAYOUTS, read_scenes
    from das_mm.tools.support.report import Report

    layout = LAYOUTS.get(args.layout)()
    layout.check_split(args.split)
    config = SyntheticConfig(
        num_images=args.num,
        image_size=args.size,
        people=tuple(args.people),
        seed=args.seed,
        split=args.split,
        kind=layout.kind,
        clip_length=args.clip_length,
        joint_sets=ALL_SETS,
    )
    root = Path(args.out)
    paths = generate(config, root / '.scenes', workers=args.workers)
    layout.write(read_scenes(paths), root, args.split)
    Report().wrote(
        f'{root}; next: das-mm convert {layout.name} --root {root} --split {args.split} '
        f'--out {layout.name}_{args.split}.json'
    )
    return 0
