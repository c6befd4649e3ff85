"""das_mm: every person in an image or video in 3D, in one pass.

Importing it is light: no mm package and no torch is loaded (``das-mm --help`` answers at once, ``das-mm doctor`` runs
where they are broken). What mmengine must know of us, the place of our configs and the classes inside our
checkpoints, is told to it when it is imported: at once if it already is. Where mmcv lacks its compiled module
(mmcv-lite), a stand-in answers for it from now on. And `projects.<name>.<name>` can be imported.
"""

from __future__ import annotations

from ._compat.import_hooks import after_import
from ._compat.mmcv_extension import offer_stand_in
from ._compat.mmengine_setup import teach_checkpoint_loader, teach_mmengine
from .config_files import config_path, list_configs
from .project_packages import join_projects, offer_projects
from .version import __version__

after_import('mmengine', teach_mmengine)
after_import('mmengine.runner.checkpoint', teach_checkpoint_loader)
offer_projects()
after_import('projects', join_projects)
offer_stand_in()

__all__ = ['__version__', 'config_path', 'list_configs']
