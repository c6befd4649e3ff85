"""Measurements: ``speed`` (time and memory) and ``ablation`` (the papers' tables on synthetic scenes)."""
