"""GraphCMR (Kolotouros et al., CVPR 2019) on das_mm: ``custom_imports = dict(imports='projects.graphcmr.graphcmr')``.

Everything here is registered in the scope ``das_mm``.
"""

from . import (
    body_heads,
    estimator,
    fc_mesh,
    graph_cnn,
    input_maps,
    mesh_losses,
    parametric_mesh_metric,
    released_checkpoint,
    smpl_regressors,
)

__all__ = [
    'body_heads',
    'estimator',
    'fc_mesh',
    'graph_cnn',
    'input_maps',
    'mesh_losses',
    'parametric_mesh_metric',
    'released_checkpoint',
    'smpl_regressors',
]
