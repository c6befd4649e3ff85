"""`das-mm infer`: find people in photographs and videos."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from das_mm.command import add_allow_argument, add_config_argument, completed_by, run_script
from das_mm.deploy.motion.exporters import MOTION_EXPORTERS
from das_mm.engine.precision import PRECISIONS
from das_mm.errors import UserError
from das_mm.inference.mesh_exporters import EXPORTERS
from das_mm.tools.support.fit_options import add_fit_arguments, add_fit_option, with_fits
from das_mm.tools.support.video_options import add_video_arguments

if TYPE_CHECKING:
    from das_mm.engine.ranks import Rank
    from das_mm.inference.output_folders import OutputFolders
    from das_mm.inference.overlays import OverlayOptions
    from das_mm.inference.predictor import Predictor

HELP = 'find every person in images, videos or a webcam, in 3D'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'inputs',
        nargs='+',
        metavar='INPUT',
        help="image, folder, 'glob', video, address of a file (http), list of these (.txt, one a line), webcam:N or N "
        '(a camera of this machine)',
    )
    parser.add_argument(
        '--out',
        type=Path,
        metavar='DIR',
        help='predictions/, overlays/, viewer.html, report.json and, where they apply, tracks/ and meshes/ are written '
        'there; only --live may do without',
    )
    model = parser.add_argument_group('model')
    model.add_argument(
        '--task',
        choices=('pose', 'mesh', 'tracking'),
        help="use the package's small model for this; with --weights: insist that they do it",
    )
    model.add_argument(
        '--weights',
        metavar='FILE',
        help='checkpoint (.pth, .safetensors), .onnx of das-mm export, folder of das-mm package or a name on the hub '
        '(owner/model); default: the small one of the package',
    )
    add_config_argument(
        model, '--config', metavar='NAME', help='path or name of its config; default: the one in the checkpoint'
    )
    add_allow_argument(model)
    model.add_argument('--device', default='auto', help='cpu, cuda, cuda:1, …; default: a GPU where there is one')
    model.add_argument(
        '--runtime',
        choices=('auto', 'torch', 'onnx'),
        default='auto',
        help="what runs the network; default: for the package's models onnxruntime on a CPU and torch on a GPU, for "
        'others what their file is for',
    )
    model.add_argument(
        '--precision',
        choices=PRECISIONS,
        default='fp32',
        help='of torch on a CPU: bf16 is quicker on a processor that has it, which auto finds out; default fp32',
    )
    completed_by(
        model.add_argument(
            '--boxes',
            metavar='das|image|FILE',
            help='where the people are: a model that reads crops (of rle, graphcmr, spin, prohmr) takes them there, '
            'any other tells the people in the boxes alone, even below its threshold. Found by the model of the '
            'package (das, the default) or by that of FILE (.pth, .onnx); one person fills each image (image); or '
            'FILE.json: results of '
            'das-mm infer, COCO detections, or {"photo.jpg": [[x1, y1, x2, y2, score]]}',
        ),
        lambda **_: ['das', 'image'],
    )
    model.add_argument(
        '--points',
        action='append',
        metavar='x,y|FILE',
        help='px on a person who is wanted, in place of boxes: that person is told even below the threshold, and '
        'nobody else; may be repeated. Or FILE.json: {"photo.jpg": [[x, y]]}',
    )
    model.add_argument('--batch-size', type=int, default=1, metavar='N', help='images at once; default 1')
    model.add_argument('--score-thr', type=float, metavar='X', help='leave out people of a lower score')
    model.add_argument(
        '--sigma',
        action=argparse.BooleanOptionalAction,
        default=None,
        help='expected error of every keypoint; default: where the model has learnt it',
    )
    model.add_argument(
        '--samples',
        type=int,
        default=0,
        metavar='N',
        help='also draw N poses of every person from the distribution of a model that has one (prohmr): '
        'sample_keypoints_px, _cam_mm and sample_log_probs in the results, thin skeletons in the overlays',
    )
    camera = parser.add_argument_group('camera', 'in this order: --intrinsics, EXIF, --fov, an assumed field of view')
    camera.add_argument(
        '--intrinsics',
        metavar='FILE|fx,fy,cx,cy',
        help='px; a json or yaml file may hold K, dist and the image size, or one entry for each image',
    )
    camera.add_argument('--fov', type=float, metavar='DEG', help='field of view along the longer image side')
    add_video_arguments(parser)
    output = parser.add_argument_group('output')
    output.add_argument('--no-overlays', action='store_true', help='no annotated images and videos')
    output.add_argument('--no-viewer', action='store_true', help='no 3D viewer')
    _add_picture_arguments(parser)
    add_fit_arguments(parser)
    export = output.add_argument(
        '--export',
        action='append',
        metavar='FORMAT',
        default=[],
        help=f'write surfaces or motion to files. Surfaces of every image, of a video of every frame, to meshes/: '
        f'{", ".join(EXPORTERS.names())}, or what a module of the config adds. The motion of every image or video, as '
        f'das-mm export-motion does, to motion/: {", ".join(MOTION_EXPORTERS.names())} (people are then followed; glb '
        'means both, motion of videos with --track only). May be repeated',
    )
    completed_by(export, lambda **_: list(dict.fromkeys([*EXPORTERS.names(), *MOTION_EXPORTERS.names()])))
    add_fit_option(output)
    output.add_argument(
        '--viewer-frames',
        type=int,
        default=600,
        metavar='N',
        help='at most so many images of a run or frames of a video in a viewer; default %(default)s',
    )


def _add_picture_arguments(parser: argparse.ArgumentParser) -> None:
    pictures = parser.add_argument_group('pictures')
    pictures.add_argument('--no-meshes', action='store_true', help='draw skeletons in place of body surfaces')
    pictures.add_argument('--draw-bbox', action='store_true', help='draw the box of every person')
    pictures.add_argument(
        '--kpt-thr', type=float, default=0.0, metavar='X', help='leave out keypoints of a lower score; default 0'
    )
    pictures.add_argument('--radius', type=float, metavar='PX', help='of joints; default: it grows with the person')
    pictures.add_argument('--thickness', type=float, metavar='PX', help='of limbs; default: it grows with the person')
    pictures.add_argument(
        '--show',
        action='store_true',
        help='open a window too; any key goes on to the next image, q or Esc ends the run',
    )


def run(args: argparse.Namespace) -> int:
    """Infer, and say what was found, what was skipped and where everything lies."""
    from contextlib import closing

    from das_mm.checkpoints.packaged import learnt_from
    from das_mm.engine.ranks import Rank
    from das_mm.inference.inferencer import Inferencer
    from das_mm.inference.inputs import open_inputs
    from das_mm.inference.intrinsics import CameraFinder
    from das_mm.inference.live import FrameRate, live_inputs
    from das_mm.inference.overlay_window import check_display, show_overlays
    from das_mm.inference.run_options import RunOptions
    from das_mm.inference.run_report import SharedReport
    from das_mm.tools.support.inference_words import Tally, finish_run
    from das_mm.tools.support.motion_output import MotionOutput
    from das_mm.tools.support.report import Report

    report, tally, rank = Report(), Tally(), Rank.of_process(args.launcher)
    # before a model is loaded, what is quick to check
    motion = MotionOutput(args.export, args.track or args.static_camera)
    options = RunOptions(
        batch_size=args.batch_size,
        score_thr=args.score_thr,
        with_sigma=args.sigma,
        track=motion.needs_tracks,
        smooth=args.smooth,
        static_camera=args.static_camera,
        birth_thr=args.track_thr,
        resume=args.resume,
        on_skip=tally.skip,
        show_progress=rank.number == 0,
        rank=rank,
    )
    camera, drawing = CameraFinder(args.intrinsics, args.fov), _drawing(args)
    shown = args.show or args.live
    if shown:
        check_display()
    if args.out is None and not args.live:
        raise UserError('nobody says where results go', field='out', remedy='give --out DIR, or --live to look only')
    shared = None if args.out is None else SharedReport(args.out, rank)
    if shared is not None:
        shared.begin()
    predictor = _open_predictor(args, rank)
    if rank.number == 0 and (words := predictor.provenance.get('boxes')) is not None:
        report.say(f'boxes of people: {words}')
    if rank.number == 0 and args.weights is None and args.config is None:
        report.say(f'weights of the package, learnt from {learnt_from(args.task or "pose")}')
    motion.check_body(predictor.body)
    folders = _folders(args, motion.mesh_formats)
    opened = open_inputs(args.inputs, rank)
    if args.live:
        opened = live_inputs(opened)
    found = Inferencer(predictor, camera)(opened, options, folders, drawing, with_overlays=shown)
    if shown:
        found = show_overlays(found, rate=FrameRate() if args.live else None)
    with closing(found) as results:
        try:
            for one in results:
                tally.add(one.result)
        except KeyboardInterrupt:
            results.close()  # everything that was found is on the disk after this
            report.say('interrupted; what was found so far is kept (--resume goes on from there)')
            raise
        finally:
            if rank.count == 1:
                tally.print(report, args.out)
    if rank.count == 1 and args.resume and not tally.frames:
        report.say(f'there was nothing left to do; results are in {args.out}')
    if shared is not None:
        names = tally.inputs if not args.resume else {source.name for source in opened.sources}
        motion.write(shared.folder, predictor.body, names, report)
        finish_run(shared, opened, folders, predictor, tally, report)
    return 0


def _open_predictor(args: argparse.Namespace, rank: Rank) -> Predictor:
    from das_mm.inference.pose_samples import draw_samples
    from das_mm.inference.predictor_choice import open_predictor

    device = args.device
    if rank.count > 1 and device in ('auto', 'cuda'):
        import torch

        if (count := torch.cuda.device_count()) > 0:
            device = f'cuda:{rank.local % count}'
    predictor = open_predictor(
        args.weights, args.config, device, args.task, args.runtime, args.precision, args.allow, args.boxes, args.points
    )
    draw_samples(predictor, args.samples)
    if args.fit:
        predictor = with_fits(predictor, args)
    return predictor


def _drawing(args: argparse.Namespace) -> OverlayOptions:
    from das_mm.inference.overlays import OverlayOptions

    return OverlayOptions(
        draw_bbox=args.draw_bbox,
        draw_meshes=not args.no_meshes,
        kpt_thr=args.kpt_thr,
        thickness=args.thickness,
        radius=args.radius,
    )


def _folders(args: argparse.Namespace, mesh_formats: list[str]) -> OutputFolders:
    from das_mm.inference.output_folders import OutputFolders

    if args.out is None:
        return OutputFolders()
    return OutputFolders(
        predictions=args.out / 'predictions',
        overlays=None if args.no_overlays else args.out / 'overlays',
        viewer=None if args.no_viewer else args.out,
        viewer_frames=args.viewer_frames,
        viewer_meshes=not args.no_meshes,
        meshes=args.out / 'meshes',
        mesh_formats=mesh_formats,
        tracks=args.out / 'tracks',
    )


if __name__ == '__main__':
    run_script(sys.modules[__name__])
