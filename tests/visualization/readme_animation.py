"""The moving picture of the README: overlay and viewer of a synthetic clip, side by side.

``uv run --all-extras python -m tests.visualization.readme_animation --out docs/pages/pictures/overlay_and_viewer.webp``
makes synthetic people who move, lets the packaged weights find and follow them (``das-mm infer --track --smooth``, with
the true intrinsics and nothing else of the truth), opens the run's viewer in a headless Chromium and turns about the
people while the clip plays.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from das_mm.cli import main
from das_mm.datasets.synthetic import SyntheticConfig, generate
from tests.visualization.browser import Browser

HEIGHT, SIDE, FPS = 320, 480, 15.0
TURN_DEG = 50.0  # of the eye about the people, there and back


def write_clip(folder: Path, seed: int, length: int) -> tuple[Path, str]:
    """A clip of synthetic people as a video, and its intrinsics as ``--intrinsics`` takes them."""
    config = SyntheticConfig(
        num_images=length,
        image_size=(720, 480),
        people=(3, 4),
        seed=seed,
        kind='clips',
        clip_length=length,
        fps=FPS,
        subject_share=(0.4, 0.65),
    )
    paths = generate(config, folder / 'scenes', workers=0, progress=False)
    annotations = json.loads(next(iter(paths.annotations.values())).read_text())
    names = sorted(one['file_name'] for one in annotations['images'])
    video = folder / 'clip.avi'  # motion JPEG: one frame after the other as it was
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*'MJPG'), FPS, config.image_size)
    for name in names:
        writer.write(cv2.imread(str(next((folder / 'scenes').rglob(Path(name).name)))))
    writer.release()
    (fx, _, cx), (_, fy, cy), _ = annotations['images'][0]['cam_param']['K']
    return video, f'{fx},{fy},{cx},{cy}'


def overlay_frames(video: Path) -> Iterator[np.ndarray]:
    """(H, W, 3) uint8 BGR."""
    capture = cv2.VideoCapture(str(video))
    while (read := capture.read())[0]:
        yield read[1]


def viewer_frames(page: Path, count: int, profile: Path) -> Iterator[np.ndarray]:
    """(HEIGHT, SIDE, 3) uint8 BGR of the 3D picture alone, from an eye that swings about the people."""
    with Browser(profile) as browser:
        # twice as large, then halved: thin lines stay lines
        browser.command(
            'Emulation.setDeviceMetricsOverride', width=SIDE, height=HEIGHT, deviceScaleFactor=2, mobile=False
        )
        browser.open(page)
        browser.evaluate("""document.querySelectorAll('aside, footer').forEach(one => { one.style.display = 'none'; }),
            document.body.style.display = 'block', $('plot').style.height = '100vh', stage.resize(), setView('fit'),
            window.arm = stage.camera.position.clone().sub(stage.controls.target)""")
        for number in range(count):
            angle = np.radians(TURN_DEG) * (0.5 - 0.5 * np.cos(2 * np.pi * number / count)) - np.radians(TURN_DEG) / 3
            browser.evaluate(f"""show({number}).then(() => {{
                stage.camera.position.copy(arm).applyAxisAngle(new THREE.Vector3(0, 1, 0), {angle})
                    .multiplyScalar(.62).add(stage.controls.target);
                stage.controls.update();
                stage.render();
            }})""")
            shot = browser.screenshot()
            yield cv2.resize(shot, (SIDE, HEIGHT), interpolation=cv2.INTER_AREA)


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', type=Path, required=True, help='the .webp file')
    parser.add_argument('--seed', type=int, default=24, help='of the synthetic people; default %(default)s')
    parser.add_argument('--length', type=int, default=48, help='frames; default %(default)s')
    parser.add_argument('--work', type=Path, help='keep clip and results there')
    parser.add_argument('--weights', type=Path, help='others than the packaged ones for pose')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.work or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / 'results' / 'viewer.html').is_file():
            video, intrinsics = write_clip(folder, args.seed, args.length)
            command = ['infer', str(video), '--out', str(folder / 'results'), '--track', '--smooth']
            command += ['--intrinsics', intrinsics]
            command += [] if args.weights is None else ['--weights', str(args.weights)]
            assert main(command) == 0
        overlays = list(overlay_frames(next((folder / 'results' / 'overlays').glob('clip*.mp4'))))
        profile = Path(temporary) / 'chromium'
        profile.mkdir()
        frames = []
        for overlay, scene in zip(overlays, viewer_frames(folder / 'results' / 'viewer.html', len(overlays), profile)):
            left = cv2.resize(overlay, (SIDE, HEIGHT), interpolation=cv2.INTER_AREA)
            frames.append(Image.fromarray(np.hstack([left, scene])[..., ::-1]))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    frames[0].save(
        args.out, save_all=True, append_images=frames[1:], duration=round(1000 / FPS), loop=0, quality=55, method=4
    )
    print(f'{args.out}: {len(frames)} frames, {args.out.stat().st_size / 1e6:.2f} MB')


if __name__ == '__main__':
    run()
