"""Dense against sparse: the head as the authors' released code evaluates it, and ours; same weights, same input."""

from __future__ import annotations

from collections.abc import Callable

from das_mm.models.pose_estimators import DAS

from .dense_setup import DenseSetting, DenseSetup
from .head_comparison import compare_inference, compare_training
from .model_comparison import compare_crowd, compare_whole_model
from .ratio_rows import Findings
from .suppression_comparison import compare_suppression


def compare_dense(model: DAS, setting: DenseSetting, say: Callable[[str], None] = lambda words: None) -> Findings:
    """Measure all ratios of one model, each after the results of both ways were found equal.

    Args:
        model: In evaluation mode; it is left so.
        setting: What to measure.
        say: Told what begins.

    Raises:
        RuntimeError: The results are not equal.
    """
    setup, findings = DenseSetup(model, setting, say), Findings()
    for count in setting.people:
        findings.extend(compare_inference(setup, count))
    if setting.train_runs:
        for count in setting.people:
            findings.extend(compare_training(setup, count))
    rows, forward_s = compare_whole_model(setup, max(setting.people))
    findings.rows += rows
    for count in setting.people:
        findings.extend(compare_suppression(setup, count, forward_s))
    findings.rows += compare_crowd(setup)
    return findings
