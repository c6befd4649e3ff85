"""The report from states that were made up: means, spreads, verdicts, and where they are written."""

from __future__ import annotations

import json
from dataclasses import asdict

import cv2
import numpy as np
import pytest

from das_mm.benchmarks.ablation import TABLES, Outcome, Run, RunState, plan_runs, write_state
from das_mm.benchmarks.ablation.report import make_report, read_results, write_report
from das_mm.benchmarks.ablation.report_text import markdown
from das_mm.benchmarks.ablation.row_comparison import Spread, compare_rows, pooled_std
from das_mm.benchmarks.ablation.tables import Metric
from das_mm.cli import main
from das_mm.errors import UserError
from das_mm.evaluation.functional.calibration import calibrate, plain_density

MPJPE = Metric('MPJPE', 'pose3d/mpjpe_mm')
RNG = np.random.default_rng(0)


def verdicts(table: int, metric: Metric, numbers: dict[int, list[float]]) -> dict[tuple[int, int], str]:
    found = {row: Spread.of(values) for row, values in numbers.items()}
    return {
        (row, one.against): one.verdict
        for row, several in compare_rows(TABLES[table], metric, found).items()
        for one in several
    }


# ---------------------------------------------------------------- numbers


def test_spread():
    assert Spread.of([1.0, 3.0]) == Spread(2.0, 2**0.5, 2)
    assert Spread.of([4.0]) == Spread(4.0, None, 1) and Spread.of([]) is None


def test_spread_is_pooled_over_the_rows():
    assert pooled_std([Spread(0, 1.0, 3), Spread(9, 7.0, 2), Spread(5, None, 1)]) == (pytest.approx(17**0.5), 3)
    assert pooled_std([Spread(1, None, 1)]) is None


def test_verdicts():
    """As in the paper, the other way, and too close to tell."""
    found = verdicts(
        6, MPJPE, {1: [99, 101, 100], 2: [80, 81, 79], 3: [79.5, 81, 80], 4: [90, 91, 92], 5: [70, 71, 72]}
    )
    assert found == {(2, 1): 'yes', (3, 2): 'within noise', (4, 2): 'no', (5, 3): 'yes', (5, 4): 'yes'}


def test_higher_is_better_is_read_from_the_papers_numbers():
    ap = TABLES[9].metrics[0]
    assert verdicts(9, ap, {1: [70, 70.2], 2: [60, 60.2], 3: [55, 55.2]}) == {(2, 1): 'yes', (3, 2): 'no'}


def test_one_seed_tells_no_noise():
    assert verdicts(6, MPJPE, {1: [100], 2: [80]}) == {(2, 1): 'one seed'}
    # the noise of one row is taken for that of the others
    assert verdicts(6, MPJPE, {1: [100], 2: [80, 81, 80.5]}) == {(2, 1): 'yes'}


def test_how_often_noise_is_taken_for_an_effect():
    """The interval holds in 95 % of the tables of pure noise."""
    wrong = [
        verdicts(7, MPJPE, {row: list(RNG.normal(60, 3, 3)) for row in (1, 2, 3)})[2, 1] != 'within noise'
        for _ in range(400)
    ]
    assert 0.02 < np.mean(wrong) < 0.09


# ---------------------------------------------------------------- files


def stored(metrics: dict, calibrated: bool = False, seconds: float = 100.0) -> RunState:
    sigma = RNG.uniform(10, 60, (300, 3))
    found = calibrate(RNG.normal(size=sigma.shape) * sigma, sigma, {'learned': plain_density('gaussian', 3)})
    return RunState(
        'print',
        dict(train_images=1200, test_images=500, image_size=[256, 256], epochs=5, batch_size=8, steps=750),
        'package',
        5,
        seconds,
        Outcome(
            metrics,
            {axis: asdict(one) for axis, one in found.items()} if calibrated else None,
            dict(cpu='a cpu', commit='abc', torch='2'),
            20.0,
            '2026-01-02T03:04:05+00:00',
        ),
    )


@pytest.fixture
def out(tmp_path):
    """Two seeds of the first two rows of Table 6 and of the last but one, which has σ; another is not finished."""
    for seed in (0, 1):
        for training, mm in (('pose_bbox', 120), ('pose_root', 110), ('pose', 90)):
            metrics = {'pose3d/mpjpe_mm': mm + seed, 'pose3d/recall': 95.0, 'pose3d/pck_rel': None}
            write_state(Run('cpu', training, seed).folder(tmp_path), stored(metrics, training == 'pose'))
    write_state(Run('cpu', 'pose_mle', 0).folder(tmp_path), stored({'pose3d/mpjpe_mm': 1.0}).but(outcome=None))
    return tmp_path


def test_report(out):
    files = write_report(read_results('cpu', plan_runs('cpu', (0, 1)), out), out, [6, 7, 8, 9])
    assert [path.name for path in files] == ['results.json', 'results.md', 'results.png', 'calibration_pose.png']
    report = json.loads(files[0].read_text())
    rows = report['tables'][0]['rows']
    assert rows[1]['ours']['MPJPE'] == dict(mean=110.5, std=0.5**0.5, num=2) and rows[1]['paper'] == {'MPJPE': 62.5}
    (comparison,) = rows[1]['comparisons']['MPJPE']
    assert comparison['ours'] == -10 and comparison['paper'] == pytest.approx(-2.8) and comparison['verdict'] == 'yes'
    assert 'MPJPE' not in rows[3]['ours'] and 'PCK_rel' not in rows[1]['ours']
    assert report['tables'][1]['rows'][0]['ours']['MPJPE'] == rows[1]['ours']['MPJPE']  # trained once, in both tables
    assert report['machines'] == [
        dict(cpu='a cpu', gpu=None, cores=None, threads=None, torch='2', das_mm=None, commit='abc')
    ]
    assert report['trainings']['pose'] == dict(
        seeds=[0, 1],
        start='package',
        seconds=[100.0, 100.0],
        finished_at='2026-01-02T03:04:05+00:00',
        settings=stored({}).settings,
    )
    assert report['calibration']['pose']['x']['factor'] == pytest.approx(1, abs=0.1)
    sigma = report['calibration']['pose']['x']['sigma_mm']
    assert sigma == pytest.approx((4300 / 3) ** 0.5, rel=0.06)  # of numbers drawn evenly from 10 to 60
    assert f' x | {sigma:.1f} | ' in files[1].read_text()
    for path in files[2:]:
        assert cv2.imread(str(path)).std() > 5


def test_markdown(out):
    text = markdown(make_report(read_results('cpu', plan_runs('cpu', (0, 1)), out), [6]))
    assert '| 2 root centre | 62.5 | 110.5 ± 0.7 | ✓ -10.0 ± ' in text and 'to row 1 (paper -2.8)' in text
    assert '| 4 root, MLE | 58.8 | – |' in text and 'commit abc' in text and '256×256' in text
    tables = [line for line in text.splitlines() if line.startswith('|')]
    assert all(line.count('|') == tables[0].count('|') for line in tables[:8])


def test_a_machine_is_told_once_with_all_its_commits(out):
    report = make_report(read_results('cpu', plan_runs('cpu', (0, 1)), out), [6])
    (here,) = report['machines']
    report['machines'] = [here, dict(here, commit='def'), dict(here, cpu='another', commit=None)]
    assert 'made on: cpu a cpu, torch 2, commits abc, def; cpu another, torch 2.' in markdown(report)


def test_report_and_list_of_the_command(out, capsys, monkeypatch):
    monkeypatch.setenv('COLUMNS', '200')
    assert main(['ablation', '--report', '--out', str(out), '--tables', '6']) == 0
    assert 'results.md' in capsys.readouterr().out
    assert main(['ablation', '--list', '--out', str(out), '--tables', '6', '--seeds', '0']) == 0
    said = capsys.readouterr().out
    assert 'done' in said and '5 of 5 epochs' in said and 'pose_mle' in said
    assert main(['ablation', '--tables', '5']) == 2
    assert 'no table 5' in capsys.readouterr().err


def test_report_of_nothing(tmp_path):
    files = write_report(read_results('cpu', plan_runs('cpu'), tmp_path), tmp_path, [9])
    assert 'nothing is finished yet' in files[1].read_text()
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match='file'):
        write_report(read_results('cpu', (), tmp_path), tmp_path / 'file', [9])
