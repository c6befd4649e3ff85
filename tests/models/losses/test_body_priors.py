"""SMPLify's priors against the formulas, scipy, the generated body, and files that are wrong."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from das_mm.bodies import linear_blend_skinning, load_generated_body
from das_mm.bodies.pose_mixture import GENERATED_MIXTURE, PoseMixture, load_pose_mixture
from das_mm.bodies.skeleton import JOINT_INDEX
from das_mm.datasets.synthetic.pose_mixture_fit import fit_mixture, generated_poses, log_likelihood
from das_mm.errors import UserError
from das_mm.models.losses.body_priors import WRONG_BENDS, MaxMixturePrior, SMPLifyPrior, joint_angle_prior, shape_prior
from das_mm.registry import MODELS


def random_mixture(components: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    roots = 0.2 * rng.normal(size=(components, 69, 69)) / 69**0.5 + 0.1 * np.eye(69)
    return dict(
        means=rng.normal(size=(components, 69)) * 0.3,
        covars=roots @ roots.swapaxes(1, 2),
        weights=np.array([0.5, 0.3, 0.2])[:components],
    )


@pytest.fixture
def mixture_file(tmp_path):
    path = tmp_path / 'gmm_08.pkl'
    path.write_bytes(pickle.dumps(random_mixture(), protocol=2))
    return path


def test_the_mixture_is_its_largest_term(mixture_file):
    given = random_mixture()
    prior = MaxMixturePrior(mixture_file)
    poses = np.random.default_rng(1).normal(size=(20, 69)) * 0.4
    # SMPLify's w̃ is w over the density's constant at the sharpest component, so both differ by that log √|Σ| alone
    half_log_det = np.linalg.slogdet(given['covars'])[1] / 2
    expected = np.min(
        [
            -multivariate_normal(mean, cov).logpdf(poses) - np.log(weight) - half_log_det.min()
            for mean, cov, weight in zip(*given.values())
        ],
        axis=0,
    )
    got = prior(torch.tensor(poses).reshape(20, 23, 3))
    assert got.dtype == torch.float64
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-4)
    assert prior(torch.tensor(poses).to(torch.bfloat16)).dtype == torch.float32
    assert not prior.state_dict()


def test_pickle_and_npz_are_the_same(mixture_file, tmp_path):
    np.savez(tmp_path / 'gmm.npz', **random_mixture())
    one, other = load_pose_mixture(mixture_file), load_pose_mixture(tmp_path / 'gmm.npz')
    assert all((getattr(one, name) == getattr(other, name)).all() for name in ('means', 'covariances', 'weights'))


def test_the_joint_angles():
    assert joint_angle_prior(torch.zeros(2, 23, 3)).tolist() == [4, 4]
    pose = torch.zeros(1, 69)
    pose[0, [52, 55, 9, 12]] = torch.tensor([0.5, -0.5, -0.5, -0.5])  # SMPLify's numbers and signs, all wrong by 0.5
    assert joint_angle_prior(pose).item() == pytest.approx(4 * np.exp(1.0), rel=1e-6)
    assert joint_angle_prior(-pose).item() == pytest.approx(4 * np.exp(-1.0), rel=1e-6)
    edge = torch.tensor([np.pi - 1e-4, np.pi + 1e-4, 1e4], dtype=torch.float64)
    poses = torch.zeros(3, 69, dtype=torch.float64)
    poses[:, 52] = edge
    poses.requires_grad_()
    values = joint_angle_prior(poses)
    values.sum().backward()
    assert values.isfinite().all() and poses.grad.isfinite().all()
    assert poses.grad[0, 52].item() == pytest.approx(poses.grad[1, 52].item(), rel=1e-3)  # smooth, and goes on growing
    assert poses.grad[2, 52] > 0


@pytest.mark.parametrize('name', WRONG_BENDS)
def test_what_is_punished_is_an_over_stretched_limb(name):
    """Where the generated body's hand or foot goes: in front of the arm and behind the leg it may, not the other
    way.
    """
    number, sign = WRONG_BENDS[name]
    body = load_generated_body()
    end = JOINT_INDEX[name.replace('elbow', 'wrist').replace('knee', 'ankle')]
    assert number // 3 + 1 == JOINT_INDEX[name]
    places, energies = {}, {}
    for bend in ('wrong', 'none', 'right'):
        pose = np.zeros((1, 69))
        pose[0, number] = {'wrong': 0.8, 'none': 0.0, 'right': -0.8}[bend] * sign
        _, joints = linear_blend_skinning(
            body, np.zeros((1, 3)), pose.reshape(1, 23, 3), np.zeros((1, 10)), np.zeros((1, 3))
        )
        places[bend] = joints[0, end, 2]  # z points out of the chest
        energies[bend] = joint_angle_prior(torch.tensor(pose)).item()
    forward = 1 if 'elbow' in name else -1
    assert forward * (places['right'] - places['none']) > 0.1
    assert forward * (places['wrong'] - places['none']) < -0.1
    assert energies['wrong'] > energies['none'] + 3 and energies['none'] > energies['right']


def test_the_default_mixture_knows_poses():
    prior = MaxMixturePrior()
    poses = generated_poses(100, seed=9)  # not those that were fitted
    twisted = poses[:, np.random.default_rng(0).permutation(69)]
    with torch.no_grad():
        own, rest, other = (prior(torch.tensor(x)) for x in (poses, np.zeros((1, 69)), twisted))
    assert own.median() + 20 < other.median()
    assert rest.item() < other.median()  # the T-pose is no activity of theirs, but a pose
    # mirror images were fitted too
    assert abs(own[:100].mean() - own[100:].mean()) < 2
    assert GENERATED_MIXTURE.stat().st_size < 200_000
    mean = load_pose_mixture().mean_pose
    assert mean[JOINT_INDEX['left_shoulder'] - 1, 2] < -0.5  # arms hang


def test_descent_brings_a_twisted_pose_to_a_likely_one():
    prior = SMPLifyPrior(pose_weight=1.0, angle_weight=1.0, shape_weight=1.0)
    pose = (0.6 * torch.randn(2, 23, 3, generator=torch.Generator().manual_seed(0))).requires_grad_()
    betas = torch.full((2, 10), 2.0, requires_grad=True)
    before = prior(pose, betas).detach()
    optimizer = torch.optim.Adam([pose, betas], lr=0.05)
    for _ in range(100):
        optimizer.zero_grad()
        prior(pose, betas).sum().backward()
        optimizer.step()
    typical = prior(torch.tensor(generated_poses(50, 3)).reshape(-1, 23, 3), torch.zeros(100, 10)).median()
    assert (prior(pose, betas) < typical).all() and (before > typical + 100).all()
    assert betas.abs().max() < 0.1


def test_the_module_weighs_its_terms(mixture_file):
    prior = MODELS.build(
        dict(
            type='das_mm.SMPLifyPrior',
            mixture_file=str(mixture_file),
            pose_weight=2.0,
            angle_weight=3.0,
            shape_weight=5.0,
        )
    )
    pose, betas = 0.3 * torch.randn(4, 23, 3), torch.randn(4, 10)
    expected = 2 * prior.pose(pose) + 3 * joint_angle_prior(pose) + 5 * shape_prior(betas)
    torch.testing.assert_close(prior(pose, betas), expected)
    assert shape_prior(torch.tensor([[1.0, -2.0]])).item() == 5
    assert prior(pose[:0], betas[:0]).shape == (0,)
    wild = torch.tensor([0.0, 1e-30, 3.2, 1e3])[:, None, None].expand(4, 23, 3).to(torch.bfloat16).requires_grad_()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        value = prior(wild, betas.to(torch.bfloat16))
    value.sum().backward()
    assert value.dtype == torch.float32 and value.isfinite().all() and wild.grad.isfinite().all()


def test_two_clusters_are_found():
    rng = np.random.default_rng(5)
    data = np.concatenate([rng.normal(-1, 0.2, (300, 4)), rng.normal(1, 0.1, (100, 4))])
    mixture = fit_mixture(data, components=2, spread=0.01)
    order = np.argsort(mixture.means[:, 0])
    np.testing.assert_allclose(mixture.means[order], [[-1] * 4, [1] * 4], atol=0.05)
    np.testing.assert_allclose(mixture.weights[order], [0.75, 0.25], atol=1e-3)
    np.testing.assert_allclose(mixture.covariances[order], [0.04 * np.eye(4), 0.01 * np.eye(4)], atol=0.01)
    single = PoseMixture(mixture.means[:1], mixture.covariances[:1], np.ones(1))
    np.testing.assert_allclose(
        log_likelihood(data, single), multivariate_normal(single.means[0], single.covariances[0]).logpdf(data)
    )
    again = fit_mixture(data, components=2, spread=0.01)
    assert (again.means == mixture.means).all()


def broken(**changes):
    return {**random_mixture(), **changes}


@pytest.mark.parametrize(
    'content, words',
    [
        (broken(means=np.zeros((3, 63))), r'means: its shape is \(3, 63\)'),
        (broken(covars=-np.stack([np.eye(69)] * 3)), 'positive definite'),
        (broken(covars=np.full((3, 69, 69), np.nan)), 'not finite'),
        (broken(weights=np.array([1.0, 1, 1])), 'sum to 1'),
        (broken(weights='one'), 'arrays of numbers'),
        (dict(means=np.zeros((3, 69))), 'lacks covars, weights'),
        ([1, 2], 'holds a list'),
    ],
)
def test_files_that_are_no_mixture(tmp_path, content, words):
    path = tmp_path / 'gmm.pkl'
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(UserError, match=words):
        MaxMixturePrior(path)


class RunsCode:
    def __reduce__(self):
        return os.mkdir, ('hacked',)


def test_files_that_cannot_be_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'evil.pkl').write_bytes(pickle.dumps(RunsCode()))
    (tmp_path / 'cut.npz').write_bytes(GENERATED_MIXTURE.read_bytes()[:1000])
    for name in ('evil.pkl', 'cut.npz', 'absent.npz', 'absent.pkl'):
        with pytest.raises(UserError, match=name):
            load_pose_mixture(tmp_path / name)
    assert not (tmp_path / 'hacked').exists()
