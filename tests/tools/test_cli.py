"""The command line: quick help, lazy verbs, and errors in words."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from das_mm import __version__, list_configs, tools
from das_mm.cli import main, verbs
from das_mm.errors import UserError
from tests.toy_run import write_config

CLI = [sys.executable, '-m', 'das_mm.cli']


def help_text():
    return subprocess.run([*CLI, '--help'], capture_output=True, text=True, check=True).stdout


def test_help_lists_every_verb():
    listed = {line.split()[0] for line in help_text().splitlines() if line.startswith('    ') and line.strip()}
    assert set(verbs()) <= listed
    assert {'train', 'test', 'doctor'} <= set(verbs()) and not {'support', 'diagnosis'} & set(verbs())


@pytest.mark.timing
def test_help_is_quick():
    seconds = []
    for _ in range(3):  # the machine may be busy with something else
        start = time.perf_counter()
        help_text()
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1.0


def test_help_imports_nothing_heavy():
    code = (
        'import sys; from das_mm.cli import main\ntry: main(["--help"])\nexcept SystemExit: pass\n'
        'print(sorted({"torch", "mmengine", "mmpose", "numpy", "cv2"} & set(sys.modules)), file=sys.stderr)'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == '[]'


def test_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(['--version'])
    assert caught.value.code == 0 and capsys.readouterr().out == f'das-mm {__version__}\n'


def test_an_unknown_config_gives_near_names(capsys):
    known = next(name for name in list_configs() if name.startswith('das/das_'))
    wrong = known.removeprefix('das/').removesuffix('.py') + 'x'
    assert main(['train', wrong]) == 2
    said = capsys.readouterr().err
    assert f"no config of das_mm called '{wrong}'" in said and f'did you mean {known}' in said
    assert 'Traceback' not in said


@pytest.fixture
def verb(tmp_path, monkeypatch):
    """Writes a verb `toy` whose `run` has the given body."""
    monkeypatch.setattr(tools, '__path__', [*tools.__path__, str(tmp_path)])

    def write(body):
        (tmp_path / 'toy_verb.py').write_text(
            f'HELP = "toy"\ndef add_arguments(parser): parser.add_argument("--x")\ndef run(args):\n    {body}\n'
        )

    yield write
    sys.modules.pop('das_mm.tools.toy_verb', None)


@pytest.mark.parametrize(
    'body, status, said',
    [
        ('return 1 if args.x == "a" else 5', 1, ''),
        ('return None', 0, ''),
        (
            'from das_mm.errors import UserError; raise UserError("wrong", file="f", remedy="mend it")',
            2,
            'das-mm toy-verb: f: wrong\n  remedy: mend it\n',
        ),
        ('raise KeyboardInterrupt', 130, 'interrupted\n'),
    ],
)
def test_exit_status(verb, capsys, body, status, said):
    verb(body)
    assert main(['toy-verb', '--x', 'a']) == status
    assert capsys.readouterr().err == said


def test_a_bug_is_not_dressed_up(verb):
    verb('return 1 / 0')
    with pytest.raises(ZeroDivisionError):
        main(['toy-verb'])


def test_the_error_of_a_data_worker_in_its_own_words(verb, capsys):
    class Broken:
        def __getitem__(self, index):
            raise UserError('joint 3 is NaN', file='people.json', field='keypoints', remedy='mend it')

        def __len__(self):
            return 1

    from torch.utils.data import DataLoader

    tools.loader = DataLoader(Broken(), num_workers=1)
    verb('from das_mm import tools; list(tools.loader)')
    try:
        assert main(['toy-verb']) == 2
    finally:
        del tools.loader
    assert capsys.readouterr().err == 'das-mm toy-verb: people.json: keypoints: joint 3 is NaN\n  remedy: mend it\n'


def test_train_then_test(tmp_path, capsys):
    """Both verbs in this process; the metrics in the file are those of the log of the last epoch."""
    config = write_config(tmp_path, num_workers=0)
    assert (
        main(
            [
                'train',
                str(config),
                '--work-dir',
                str(tmp_path / 'w'),
                '--seed',
                '3',
                '--cfg-options',
                'train_cfg.max_epochs=1',
                'custom_hooks.0.type=EpochSeedHook',
            ]
        )
        == 0
    )
    checkpoint = tmp_path / 'w' / 'epoch_1.pth'
    assert (
        main(
            [
                'test',
                str(config),
                str(checkpoint),
                '--work-dir',
                str(tmp_path / 't'),
                '--out',
                str(tmp_path / 'metrics.json'),
                '--dump',
                str(tmp_path / 'all.pkl'),
            ]
        )
        == 0
    )
    metrics = json.loads((tmp_path / 'metrics.json').read_text())
    log = next((tmp_path / 'w').glob('*/vis_data/scalars.json')).read_text().splitlines()
    assert metrics == {key: value for key, value in json.loads(log[-1]).items() if key.startswith('toy/')}
    assert metrics['toy/samples'] == 23 and (tmp_path / 'all.pkl').stat().st_size > 0


@pytest.mark.parametrize(
    'words, said',
    [
        (
            ['train', '{config}', '--work-dir', '/proc/nowhere'],
            '/proc/nowhere: --work-dir: nothing can be written there',
        ),
        (['train', '{config}', '--cfg-options', 'train_cfg'], "--cfg-options: 'train_cfg' is not KEY=VALUE"),
        (['train', '{config}', '--launcher', 'pytorch'], '--launcher: this process has no rank'),
        (['train', '{config}', '--gpus', '2'], 'one process uses one GPU, not 2'),
        (['train', '{config}', '--resume', '{folder}/no.pth'], 'no.pth: there is no such checkpoint'),
        (['train', '{config}', '--auto-scale-lr'], 'auto_scale_lr.base_batch_size: it is not given'),
        (['train', '{folder}/bad.py'], 'bad.py: config: the config cannot be read: ZeroDivisionError'),
        (['train', '{folder}/open.py'], "open.py: config: not python: '(' was never closed, line 2"),
        (['train', '{folder}/orphan.py'], "there is no file and no config of das_mm called 'das_mm::das/none.py'"),
        (['train', '{folder}/empty.py'], 'empty.py: model: a training config needs it'),
        (
            ['train', '{config}', '--cfg-options', 'train_dataloader.dataset.type=Nowhere'],
            "toy.py: type: there is no dataset called 'Nowhere'",
        ),
        (
            ['train', '{config}', '--resume', '{folder}/other.pth'],
            'it holds weights but not the state of a training run',
        ),
        (['test', '{config}', '{folder}/no.pth'], 'no.pth: there is no such checkpoint'),
        (['test', '{config}', '{folder}/other.pth'], '4 missing: layers.0.bias, layers.0.weight'),
        (['test', '{config}', '{folder}/other.pth', '--dump', 'a.json'], "'a.json' must end with .pkl"),
    ],
)
def test_wrong_input_is_told_in_words(tmp_path, capsys, words, said):
    import torch

    config = write_config(tmp_path, num_workers=0)
    (tmp_path / 'bad.py').write_text('x = 1 / 0\n')
    (tmp_path / 'open.py').write_text('y = 1\nx = (\n')
    (tmp_path / 'orphan.py').write_text('_base_ = "das_mm::das/none.py"\n')
    (tmp_path / 'empty.py').write_text(f'work_dir = {str(tmp_path / "w")!r}\n')
    torch.save(dict(state_dict=dict(other=torch.ones(1))), tmp_path / 'other.pth')
    assert main([word.format(config=config, folder=tmp_path) for word in words]) == 2
    error = capsys.readouterr().err
    assert said in error and 'remedy: ' in error and 'Traceback' not in error


@pytest.mark.parametrize('text', ['448', '448x', '16x448', '448*256'])
def test_no_size(text, capsys):
    with pytest.raises(SystemExit):
        main(['export', 'onnx', 'config', 'weights', '--size', text])
    assert 'is no size: write WIDTHxHEIGHT, as 448x256, at least 32x32' in capsys.readouterr().err


@pytest.mark.parametrize(
    'word, said',
    [
        ('infr', "there is no verb 'infr'\n  remedy: did you mean infer?"),
        ('convert_checkpoint', 'did you mean convert-checkpoint'),
        ('zzz', 'remedy: use one of: demo, infer, fit, fit-views, lift, train'),
        ('bench', "'bench' is called 'speed' now\n  remedy: das-mm speed"),
        ('benchmark', "'benchmark' is called 'ablation' now\n  remedy: das-mm ablation"),
    ],
)
def test_an_unknown_verb_is_answered_with_the_nearest(word, said, capsys):
    assert main([word, '--x']) == 2
    assert said in capsys.readouterr().err


def test_completion(tmp_path):
    """Verbs, options of each verb, and configs; by argcomplete as a shell calls it, and nothing heavy is loaded."""
    lines = [
        'das-mm ',
        'das-mm inf',
        'das-mm train das/das_ti',
        'das-mm train das_ti',
        f'das-mm train {tmp_path}/my',
        'das-mm export onnx das/das_ti',
        'das-mm infer --config das/das_ti',
        'das-mm infer --task ',
        'das-mm infer --export ',
        'das-mm synth --layout mu',
        *(f'das-mm {verb} --' for verb in verbs()),
    ]
    (tmp_path / 'my_config.py').touch()
    code = f"""
import io, json, os, sys
from das_mm import cli
answers = {{}}
for line in {lines!r}:
    os.environ.update(_ARGCOMPLETE='1', _ARGCOMPLETE_IFS='|', COMP_LINE=line, COMP_POINT=str(len(line)))
    written = io.TextIOWrapper(io.BytesIO(), newline='')
    cli.complete(lambda status: None, written)
    answers[line] = written.buffer.getvalue().decode().split('|')
heavy = sorted({{'torch', 'mmengine', 'mmcv', 'mmdet', 'mmpose'}} & set(sys.modules))
print(json.dumps([answers, heavy]))
"""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answers, heavy = json.loads(done.stdout)
    found = {line: {word.strip() for word in words} for line, words in answers.items()}
    assert set(verbs()) <= found['das-mm '] and found['das-mm inf'] == {'infer'}
    tiny = {name for name in list_configs() if name.startswith('das/das_ti')}
    assert tiny and found['das-mm train das/das_ti'] == tiny == found['das-mm infer --config das/das_ti']
    assert found['das-mm export onnx das/das_ti'] == tiny
    names = {name.rpartition('/')[-1] for name in list_configs() if '_base_' not in name.split('/')}
    assert found['das-mm train das_ti'] == {name for name in names if name.startswith('das_ti')}
    assert found[f'das-mm train {tmp_path}/my'] == {f'{tmp_path}/my_config.py'}
    assert found['das-mm infer --task '] >= {'pose', 'mesh', 'tracking'}
    assert {'obj', 'ply', 'glb'} <= found['das-mm infer --export ']
    assert found['das-mm synth --layout mu'] == {'muco', 'mupots'}
    assert {'--resume', '--amp', '--work-dir'} <= found['das-mm train --']
    assert '--out' in found['das-mm infer --'] and '--sheet' not in found['das-mm infer --']
    assert heavy == []
