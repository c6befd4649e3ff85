"""Shapes of adults and children, and how tall they are."""

from __future__ import annotations

import numpy as np

from das_mm.bodies import LANDMARKS, load_generated_body

Rng = np.random.Generator


def stature_m(betas: np.ndarray) -> np.ndarray:
    """Height from sole to crown at rest, betas (*, 10) -> (*) m."""
    body = load_generated_body()
    crown, heel = (next(iter(LANDMARKS[name])) for name in ('head_top', 'left_heel'))
    rest = body.v_template[crown, 1] - body.v_template[:, 1].min()
    return rest + np.asarray(betas) @ (body.shapedirs[crown, 1] - body.shapedirs[heel, 1]).astype(np.float64)


def sample_betas(rng: Rng, child: float = 0.1) -> np.ndarray:
    """Shape of one person, (10,): adults of 1.50-1.95 m and, by the probability ``child``, children of 1.05-1.45 m."""
    betas = np.clip(rng.normal(0, 1, 10), -2, 2) * [1, 1, 0.8, 0.8, 0.7, 0.8, 0.8, 0.6, 0.7, 0.8]
    if rng.random() < child:
        stature = rng.uniform(1.05, 1.45)
        young = (1.60 - stature) / 0.5  # 0.3 … 1.1
        betas[[1, 2, 4, 5, 7, 8]] *= 0.4
        betas += young * np.array([0, -0.6, -1.2, -0.4, -0.6, -0.8, 0.5, -0.6, 3.4, 0.4])
    else:
        man = rng.random() < 0.5
        betas += np.array([0, 0.1, 0, 0.1, 0.8, 0.6, 0.1, -1.0, 0, 0.3]) * (1 if man else -0.9)
        betas[1] += max(0.0, rng.normal(0, 0.7))  # weights are skewed to the heavy side
        stature = np.clip(rng.normal(1.765 if man else 1.635, 0.07), 1.50, 1.95)
    betas[0] = 0
    unit = stature_m(np.eye(10)[0]) - stature_m(np.zeros(10))
    betas[0] = (stature - stature_m(betas)) / unit
    return betas
