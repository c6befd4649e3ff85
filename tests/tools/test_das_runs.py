"""DAS itself, not a toy in its place: `kill -9` and `--resume`, and two processes of which one sees nobody."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import cv2
import pytest
import torch

from das_mm.cli import main
from tests.toy_das import KILL_AT_ITER, write_toy_config
from tests.toy_model import write_toy_checkpoint
from tests.toy_run import run_module


def weights(folder: Path, epoch: int) -> dict:
    return torch.load(folder / 'work' / f'epoch_{epoch}.pth', weights_only=True)['state_dict']


def test_killed_das_resumes_to_the_same_weights(tmp_path):
    """Augmentation, shuffling and a data worker included: bit by bit, on one processor and with one thread."""
    whole, cut = tmp_path / 'whole', tmp_path / 'cut'
    assert main(['train', write_toy_config(whole, epochs=2, num_workers=1)]) == 0
    config = write_toy_config(cut, epochs=2, num_workers=1)
    killed = run_module('das_mm.tools.train', config, **{KILL_AT_ITER: '4'})  # two steps an epoch
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    assert [path.name for path in (cut / 'work').glob('*.pth')] == ['epoch_1.pth']
    assert main(['train', config, '--resume']) == 0
    resumed = weights(cut, 2)
    for name, value in weights(whole, 2).items():
        assert torch.equal(resumed[name], value), name


def without_people_in_every_second_image(config: str) -> None:
    """Two unshuffled ranks take turns: the second one never sees anybody."""
    ann_file = Path(config).parent / 'data' / 'annotations.json'
    content = json.loads(ann_file.read_text())
    empty = {image['id'] for image in content['images'][1::2]}
    content['annotations'] = [one for one in content['annotations'] if one['image_id'] not in empty]
    ann_file.write_text(json.dumps(content))
    path = Path(config)
    path.write_text(path.read_text().replace('shuffle=True', 'shuffle=False'))


def test_two_ranks_one_without_people(tmp_path):
    config = write_toy_config(tmp_path, epochs=1, num_images=9, batch_size=2)
    without_people_in_every_second_image(config)
    checkpoint, metrics = tmp_path / 'work' / 'epoch_1.pth', tmp_path / 'two.json'
    options = ['--cfg-options', 'model.test_cfg.score_thr=0.0', 'test_evaluator.0.type=MultiPerson3DMetric']
    done = run_module(
        'tests.tools.verbs', 'train', config, '+', 'test', config, checkpoint, '--out', metrics, *options, ranks=2
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert main(['test', config, str(checkpoint), '--out', str(tmp_path / 'one.json'), *options]) == 0
    one, two = (json.loads((tmp_path / name).read_text()) for name in ('one.json', 'two.json'))
    assert one['pose3d/num_images'] == 9 and one['pose3d/num_pred'] > 0
    assert two == pytest.approx(one, rel=1e-4, nan_ok=True)


def test_mixed_precision_and_scaled_learning_rate(tmp_path):
    """In bfloat16 on a CPU: another first loss than in float32, near it; and the rate is scaled to the batch."""
    for name, options in (('plain', []), ('amp', ['--amp', '--auto-scale-lr'])):
        config = write_toy_config(tmp_path / name, epochs=1)
        settings = ['default_hooks.logger.interval=1', 'auto_scale_lr.base_batch_size=24']
        words = ['train', config, '--no-validate', *options, '--device', 'cpu', '--cfg-options', *settings]
        assert main(words) == 0
        assert all(torch.isfinite(value).all() for value in weights(tmp_path / name, 1).values())
    (log,) = tmp_path.glob('*/work/*/vis_data/scalars.json')  # both runs: mmengine has one visualizer in a process
    plain, _, amp, _ = map(json.loads, log.read_text().splitlines())
    assert amp['loss'] == pytest.approx(plain['loss'], rel=0.03) and amp['loss'] != plain['loss']
    assert amp['lr'] == pytest.approx(plain['lr'] * 4 / 24)


def test_mmposes_hook_draws_what_a_test_finds(tmp_path):
    config = write_toy_config(tmp_path, num_images=2)
    checkpoint = write_toy_checkpoint(tmp_path / 'model')
    hook = 'default_hooks.visualization'
    settings = [f'{hook}.enable=True', f'{hook}.interval=1', f'{hook}.out_dir=drawn', f'{hook}.kpt_thr=0.0']
    words = ['test', config, str(checkpoint), '--device', 'cpu', '--work-dir', str(tmp_path / 'w')]
    assert main([*words, '--cfg-options', *settings, 'model.test_cfg.score_thr=0.0']) == 0
    drawn = sorted(tmp_path.glob('w/*/drawn/*'))
    assert len(drawn) == 2
    for picture in drawn:
        image = cv2.imread(str(picture))
        assert image.shape[:2] == (128, 160)
        colors = {tuple(color) for color in image.reshape(-1, 3)}
        assert len(colors) > 500
