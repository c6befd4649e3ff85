"""The store of best fits: whose they are, in which frame, and that ranks and resumed runs agree on them."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
import torch

from das_mm.errors import UserError
from das_mm.structures.rotations import MIRROR_JOINTS, axis_angle_to_matrix
from projects.spin.spin.augmented_pose import into_crop, out_of_crop
from projects.spin.spin.fits_store import FitsStore, SampleKeys, SampleSet


def _poses(count, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 0.8, (count, 72))).float()


def _matrices(pose):
    return axis_angle_to_matrix(pose.double().numpy().reshape(len(pose), 24, 3))


def _keys(names, indices, rotation, flip):
    return SampleKeys(names, indices, torch.tensor(rotation), torch.tensor(flip))


def _store():
    return FitsStore([SampleSet('lsp', 5, 'a'), SampleSet('coco', 3, 'b')])


@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('rotation', [0.0, 30.0, -57.3])
def test_a_pose_in_the_crop_is_turned_first_and_mirrored_after(rotation, flip):
    pose = _poses(1)
    found = _matrices(into_crop(pose, torch.tensor([rotation]), torch.tensor([flip])))[0]
    angle = -np.deg2rad(rotation)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    expected = _matrices(pose)[0]
    expected[0] = turn @ expected[0]
    if flip:
        mirror = np.diag([-1.0, 1, 1])
        expected = mirror @ expected[list(MIRROR_JOINTS)] @ mirror
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_what_is_written_from_any_crop_is_read_back_in_any_crop():
    """As matrices: axis-angle has several numbers for one rotation. The same fit comes from four crops."""
    poses = _poses(4)
    store = _store()
    turns, flips = torch.tensor([0.0, 41.0, -60.0, 13.0]), torch.tensor([False, True, True, False])
    keys = SampleKeys(['lsp', 'coco', 'lsp', 'coco'], [4, 0, 2, 2], turns, flips)
    store.write(keys, into_crop(poses, turns, flips), torch.ones(4, 10), torch.zeros(4), torch.ones(4).bool())
    rows = torch.stack([store.fits['lsp'][4], store.fits['coco'][0], store.fits['lsp'][2], store.fits['coco'][2]])
    np.testing.assert_allclose(_matrices(rows[:, :72]), _matrices(poses), atol=1e-5)
    assert store.fits['lsp'][[0, 1, 3]].isnan().all()  # nobody else's row was touched
    other_turns, other_flips = torch.tensor([-20.0, 5.0, 0.0, 55.0]), torch.tensor([True, False, True, True])
    pose, betas = store.read(keys._replace(rotation_deg=other_turns, flip=other_flips))
    np.testing.assert_allclose(_matrices(pose), _matrices(into_crop(poses, other_turns, other_flips)), atol=1e-5)
    assert (betas == 1).all()
    back = out_of_crop(pose, other_turns, other_flips)
    np.testing.assert_allclose(_matrices(back), _matrices(poses), atol=1e-5)


def test_only_winners_are_written_and_never_what_is_not_finite():
    store = _store()
    poses = _poses(4)
    poses[1, 7] = torch.nan
    keys = _keys(['lsp'] * 4, [0, 1, 2, 3], [0.0] * 4, [False] * 4)
    quality = torch.tensor([1.0, 1.0, 1.0, torch.inf])
    better = torch.tensor([False, True, True, True])
    assert store.write(keys, poses, torch.zeros(4, 10), quality, better) == 2
    assert store.fits['lsp'].isfinite().all(1).tolist() == [False, False, True, False, False]


def test_static_fits_fill_the_rows_that_they_have():
    store = _store()
    fits = torch.rand(3, 82)
    fits[1, 3] = torch.inf
    store.fill('coco', fits)
    assert store.fits['coco'].isfinite().all(1).tolist() == [True, False, True]
    with pytest.raises(UserError, match=r'3 samples of coco(.|\n)*give \(3, 82\) numbers'):
        store.fill('coco', fits[:2])
    with pytest.raises(UserError, match=r'mpii(.|\n)*use one of: coco, lsp'):
        store.fill('mpii', fits)


def test_a_store_comes_back_and_another_data_sets_is_refused():
    store = _store()
    store.fill('lsp', torch.rand(5, 82))
    state = store.state_dict()
    store.fits['lsp'].zero_()  # a state is a copy
    again = _store()
    again.load_state_dict(state)
    assert torch.equal(again.fits['lsp'], state['lsp']['fits']) and again.fits['lsp'].any()
    for sets in ([SampleSet('lsp', 5, 'a')], [SampleSet('lsp', 5, 'a'), SampleSet('mpii', 3, 'b')]):
        with pytest.raises(UserError, match=r'its fits are of coco, lsp(.|\n)*remedy: resume with'):
            FitsStore(sets).load_state_dict(state, 'epoch_3.pth')
    for changed in (SampleSet('coco', 4, 'b'), SampleSet('coco', 3, 'other people')):
        with pytest.raises(UserError, match=r'epoch_3.pth: fits_store.coco: (.|\n)*other samples'):
            FitsStore([SampleSet('lsp', 5, 'a'), changed]).load_state_dict(state, 'epoch_3.pth')


def test_the_digest_of_a_data_set_knows_its_samples():
    one, same, other = (SampleSet.of_samples('x', ids) for ids in ([('a.jpg', 0)], [('a.jpg', 0)], [('a.jpg', 1)]))
    assert one == same and one.digest != other.digest and one.num_samples == 1


def _rank(rank, folder):
    os.chdir(folder)
    torch.distributed.init_process_group('gloo', f'file://{folder}/meeting', world_size=2, rank=rank)
    store = _store()
    turns, flips = torch.tensor([10.0, -30.0]), torch.tensor([rank == 0, rank == 1])
    # both bring a fit of lsp 1, rank 0's is the better one; beside it rank 0 lost with lsp 0 and rank 1 won with coco 2
    names, indices = [('lsp', 'lsp'), ('lsp', 'coco')][rank], [(0, 1), (1, 2)][rank]
    quality, better = torch.tensor([[9.0, 1.0], [4.0, 9.0]])[rank], torch.tensor([rank == 1, True])
    store.write(SampleKeys(names, indices, turns, flips), _poses(2), torch.full((2, 10), rank + 1.0), quality, better)
    nobody = torch.zeros(2).bool()
    store.write(SampleKeys(names, indices, turns, flips), _poses(2), torch.zeros(2, 10), torch.zeros(2), nobody)
    torch.distributed.destroy_process_group()
    return {name: fits.numpy() for name, fits in store.fits.items()}


def test_all_ranks_hold_the_same_store(tmp_path):
    # forked: nothing is imported anew, and the children use no threads of torch
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context('fork')) as pool:
        first, second = (run.result(60) for run in [pool.submit(_rank, rank, tmp_path) for rank in range(2)])
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
    known = {name: np.isfinite(fits).all(1).nonzero()[0].tolist() for name, fits in first.items()}
    assert known == {'lsp': [1], 'coco': [2]}
    assert (first['lsp'][1, 72:] == 1).all()  # rank 0's
