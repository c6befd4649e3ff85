"""The hooks in runs of the toy, in this process."""

from __future__ import annotations

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from das_mm.engine.hooks import EpochSeedHook
from tests.toy_run import write_config


def build_runner(folder, **changes) -> Runner:
    folder.mkdir(exist_ok=True)
    cfg = Config.fromfile(write_config(folder, num_workers=0))
    cfg.merge_from_dict(changes)
    cfg.experiment_name = f'{folder.parent.name}-{folder.name}'
    return Runner.from_cfg(cfg)


def test_the_oldest_checkpoint_goes_after_the_newest_stands(tmp_path, monkeypatch):
    runner = build_runner(tmp_path / 'a', **{'default_hooks.checkpoint.max_keep_ckpts': 1})
    seen = []
    save = runner.save_checkpoint

    def watched_save(*args, **kwargs):
        save(*args, **kwargs)
        seen.append(sorted(path.name for path in (tmp_path / 'a' / 'work').glob('*.pth')))

    monkeypatch.setattr(runner, 'save_checkpoint', watched_save)
    runner.train()
    assert seen == [['epoch_1.pth'], ['epoch_1.pth', 'epoch_2.pth'], ['epoch_2.pth', 'epoch_3.pth']]
    assert [path.name for path in (tmp_path / 'a' / 'work').glob('*.pth')] == ['epoch_3.pth']


def test_the_runner_alone_resumes_from_the_newest_whole_one(tmp_path):
    """As with mmpose's own train.py or `resume=True` in a config: mmengine's pointer is not believed."""
    runner = build_runner(tmp_path / 'a', **{'train_cfg.max_epochs': 2})
    runner.train()
    work = tmp_path / 'a' / 'work'
    (work / 'epoch_2.pth').write_bytes(b'PK broken')
    assert (work / 'last_checkpoint').read_text().endswith('epoch_2.pth')
    runner = build_runner(tmp_path / 'a', resume=True)
    runner.call_hook('before_run')
    assert runner._load_from == str(work / 'epoch_1.pth')

    (work / 'epoch_1.pth').unlink()
    runner = build_runner(tmp_path / 'a', resume=True)
    runner.call_hook('before_run')
    assert runner._load_from is None and runner._resume is False


@pytest.mark.parametrize('num_workers', [0, 2])
def test_an_epoch_depends_on_seed_and_number_only(tmp_path, num_workers):
    """The draws of epoch 1 come again in epoch 1 whatever was drawn before, and differ from those of epoch 0."""
    runner = build_runner(tmp_path / 'a', **{'train_dataloader.num_workers': num_workers})
    loop = runner.build_train_loop(runner._train_loop)
    runner._train_loop = loop

    def inputs_of(epoch):
        loop._epoch = epoch
        torch.rand(epoch + 3)
        runner.call_hook('before_train_epoch')
        return {
            sample.index: point.tolist()
            for batch in loop.dataloader
            for sample, point in zip(batch['data_samples'], batch['inputs'])
        }

    first, second = inputs_of(0), inputs_of(1)
    assert inputs_of(1) == second and inputs_of(0) == first
    assert all(first[index] != second[index] for index in first)
    assert list(first) != list(second)  # and the order


def test_persistent_workers_are_warned_of(tmp_path, capfd):
    runner = build_runner(
        tmp_path / 'a', **{'train_dataloader.num_workers': 1, 'train_dataloader.persistent_workers': True}
    )
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    capfd.readouterr()
    EpochSeedHook().before_train(runner)
    assert 'persistent_workers=True' in ''.join(capfd.readouterr())
