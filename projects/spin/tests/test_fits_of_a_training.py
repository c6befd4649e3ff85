"""Fits before, during and after an interruption of a training."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from das_mm.errors import UserError
from das_mm.fitting import LBFGSOptions
from das_mm.models.body_models import SMPLBody
from projects.spin.spin.fit_dataset import fit_view
from projects.spin.spin.fits_store import NUM_FIT, SampleSet
from projects.spin.spin.offline_fitters import AdamFitter, NetworkFitter, StagedFitter
from projects.spin.spin.sample_sets import sample_set
from projects.spin.spin.score_fits import score
from projects.spin.spin.static_fits import StaticFits, read_fits, write_fits

from .conftest import AUGMENTATION, make_model, make_view, model_config, view_config


class _Kill(Hook):
    """Ends the process as a power cut does, in the second epoch."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.epoch == 1 and batch_idx == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def _train(people, work_dir: Path, hooks=(), **options) -> Runner:
    runner = Runner(
        model=model_config(),
        work_dir=str(work_dir),
        train_dataloader=dict(
            batch_size=3, sampler=dict(type='DefaultSampler', shuffle=True), dataset=view_config(people, AUGMENTATION)
        ),
        train_cfg=dict(by_epoch=True, max_epochs=2),
        optim_wrapper=dict(optimizer=dict(type='Adam', lr=1e-4)),
        default_hooks=dict(checkpoint=dict(type='das_mm.AtomicCheckpointHook', interval=1)),
        custom_hooks=[dict(type='das_mm.EpochSeedHook'), dict(type='FitsStoreHook'), *hooks],
        randomness=dict(seed=0),
        default_scope='das_mm',
        experiment_name=f'spin_{work_dir.name}_{len(hooks)}_{len(options)}',
        log_level='ERROR',
        **options,
    )
    runner.train()
    return runner


def _fits(work_dir: Path, epoch: int) -> torch.Tensor:
    return torch.load(work_dir / f'epoch_{epoch}.pth', weights_only=False)['fits_store']['toy']['fits']


def test_a_training_that_was_killed_goes_on_with_its_fits(people, tmp_path):
    _train(people, tmp_path / 'whole')
    # forked: a process of its own without the imports
    victim = multiprocessing.get_context('fork').Process(target=_train, args=(people, tmp_path / 'cut', (_Kill(),)))
    victim.start()
    victim.join(120)
    assert victim.exitcode == -signal.SIGKILL and not (tmp_path / 'cut' / 'epoch_2.pth').exists()
    runner = _train(people, tmp_path / 'cut', resume=True)
    assert torch.equal(_fits(tmp_path / 'cut', 1), _fits(tmp_path / 'whole', 1))
    assert not torch.equal(_fits(tmp_path / 'cut', 1), _fits(tmp_path / 'cut', 2))
    assert torch.equal(_fits(tmp_path / 'cut', 2), _fits(tmp_path / 'whole', 2))
    assert torch.equal(runner.model.fits_store.fits['toy'], _fits(tmp_path / 'whole', 2))
    checkpoint = torch.load(tmp_path / 'cut' / 'epoch_2.pth', weights_only=False)
    checkpoint['fits_store']['toy']['digest'] = 'other people'
    torch.save(checkpoint, tmp_path / 'other.pth')
    with pytest.raises(UserError, match=r'other.pth: fits_store.toy: (.|\n)*other samples'):
        _train(people, tmp_path / 'other', load_from=str(tmp_path / 'other.pth'), resume=True)
    del checkpoint['fits_store']
    torch.save(checkpoint, tmp_path / 'other.pth')
    with pytest.raises(UserError, match='no fits to go on with'):
        _train(people, tmp_path / 'other', load_from=str(tmp_path / 'other.pth'), resume=True)


def test_a_data_set_is_fitted_before_a_training_and_gone_on_with(people, tmp_path):
    view, out = make_view(people), tmp_path / 'toy.npz'
    fitter = AdamFitter(model_config(), steps=4)
    steps = fit_view(view, fitter, out, batch_size=2)
    assert next(steps) == (2, 5)
    first = read_fits(out)
    assert first.tried.tolist() == [True, True, False, False, False]
    assert np.isfinite(first.fits).all(1).tolist() == first.tried.tolist()
    assert list(fit_view(view, fitter, out, batch_size=2)) == [(4, 5), (5, 5)]
    whole = read_fits(out)
    np.testing.assert_array_equal(whole.fits[:2], first.fits[:2])
    assert np.isfinite(whole.fits).all() and list(fit_view(view, fitter, out)) == []
    other = tmp_path / 'other.npz'
    write_fits(other, StaticFits(whole.fits, whole.tried, SampleSet('coco', 5, 'others')))
    with pytest.raises(UserError, match=r'other.npz: fits: (.|\n)*of coco, not of the 5 people of toy'):
        next(fit_view(view, fitter, other))


def test_the_fits_of_all_fitters_are_of_plain_crops(people):
    view = make_view(people)
    for fitter in (
        AdamFitter(model_config(), steps=1),
        NetworkFitter(make_model().eval(), steps=1),
        StagedFitter(model_config(), LBFGSOptions(outer_steps=1, inner_steps=1)),
    ):
        fitted = fitter(view, [1, 4])
        assert fitted.pose.shape == (2, 72) and fitted.valid.all()


def test_files_of_fits_are_checked(tmp_path, people):
    of = sample_set(make_view(people))
    np.save(tmp_path / 'bare.npy', np.zeros((5, NUM_FIT)))
    read_fits(tmp_path / 'bare.npy').check_of(of, 'bare.npy')  # SPIN's own files do not say whose they are
    np.save(tmp_path / 'few.npy', np.zeros((4, NUM_FIT)))
    with pytest.raises(UserError, match='its 4 fits are of an unnamed data set'):
        read_fits(tmp_path / 'few.npy').check_of(of, 'few.npy')
    np.save(tmp_path / 'wide.npy', np.zeros((5, 85)))
    (tmp_path / 'torn.npz').write_bytes(b'PK')
    for name in ('wide.npy', 'torn.npz', 'absent.npy'):
        with pytest.raises(UserError, match=name):
            read_fits(tmp_path / name)


def test_fits_are_scored_on_plain_crops_and_against_the_truth(people):
    view = make_view(people)
    records = [view.get_data_info(index) for index in range(5)]
    fits = torch.tensor(np.stack([np.append(one['smpl_pose'], one['smpl_betas']) for one in records])).float()
    fits[4] = torch.nan
    told = score(view, fits, SMPLBody())
    assert told['people'] == 5 and told['fitted'] == 0.8 == told['valid'] and told['PA-MPJPE'] < 0.1
    fits[:4, 3:72] += 0.5
    bent = score(view, fits, SMPLBody())
    assert bent['energy'] > told['energy'] and bent['PA-MPJPE'] > 20
