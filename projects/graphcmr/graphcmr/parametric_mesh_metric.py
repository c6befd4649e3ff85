"""The parametric mesh of a network that also tells a non-parametric one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from das_mm.evaluation.metrics.person_mesh_metric import PersonMeshMetric
from das_mm.evaluation.readers.person_reader import VERTICES
from das_mm.evaluation.readers.sample_reader import as_dict
from das_mm.registry import METRICS


@METRICS.register_module()
class ParametricMeshMetric(PersonMeshMetric):
    """:class:`.PersonMeshMetric` of the mesh that the predicted SMPL parameters give (Table 3, Parametric).

    Beside it :class:`.PersonMeshMetric` itself measures the non-parametric mesh.

    Args:
        kwargs: As there; ``prefix`` is 'parametric'.
    """

    def __init__(self, prefix: str = 'parametric', **kwargs: Any):
        super().__init__(prefix=prefix, **kwargs)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Errors of the people of a batch."""
        samples = []
        for sample in data_samples:
            found = as_dict(as_dict(sample)['pred_instances'])
            found = {name: value for name, value in found.items() if name != VERTICES}
            samples.append(dict(as_dict(sample), pred_instances=found))
        super().process(data_batch, samples)
