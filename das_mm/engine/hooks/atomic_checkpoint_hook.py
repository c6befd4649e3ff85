"""Checkpoints that are whole or not there, and a resume that takes the newest whole one."""

from __future__ import annotations

from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from das_mm.engine.atomic_backend import AtomicLocalBackend
from das_mm.engine.checkpoint_files import newest_complete_checkpoint
from das_mm.registry import HOOKS


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """mmengine's `CheckpointHook`, safe against being killed at any moment. Takes the same arguments.

    * A file appears under its name when it is complete (unless `backend_args` names another storage).
    * With `max_keep_ckpts` the oldest file is removed after the new one stands, not before.
    * `resume=True` without a path takes the newest file in the work directory that can be read to its end. mmengine
      goes by the text file `last_checkpoint` and believes it.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        local = '://' not in str(self.out_dir or '')
        if local and self.backend_args is None and self.file_client_args is None:
            self.backend_args = dict(backend=AtomicLocalBackend.NAME)

    def before_run(self, runner: Runner) -> None:
        """Choose what an automatic resume starts from, before the runner does."""
        if runner._resume and runner._load_from is None:
            folder = Path(runner.work_dir)
            if self.out_dir is not None:
                folder = Path(self.out_dir) / folder.name  # as the base class puts it together in before_train
            path = newest_complete_checkpoint(folder, self.filename_tmpl)
            runner._load_from = None if path is None else str(path)
            runner._resume = path is not None

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        outdated = None
        if self.max_keep_ckpts > 0 and step not in self.keep_ckpt_ids:
            if len(self.keep_ckpt_ids) == self.max_keep_ckpts:
                outdated = self.keep_ckpt_ids.popleft()
            # the base class removes nothing where it finds `step` as the newest of these
            self.keep_ckpt_ids.append(step)
            runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        super()._save_checkpoint_with_step(runner, step, meta)
        if outdated is not None and is_main_process():
            path = self.file_backend.join_path(self.out_dir, self.filename_tmpl.format(outdated))
            if self.file_backend.isfile(path):
                self.file_backend.remove(path)
