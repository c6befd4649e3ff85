"""Which of several processes this one is, by what started them: torchrun, slurm or MPI."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from das_mm.errors import UserError

LAUNCHERS = ('none', 'pytorch', 'slurm', 'mpi')
# number, count and number on its machine; of the MPIs the first whose names are there
_VARIABLES = {
    'pytorch': (('RANK', 'WORLD_SIZE', 'LOCAL_RANK'),),
    'slurm': (('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'),),
    'mpi': (
        ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK'),
        ('PMI_RANK', 'PMI_SIZE', 'MPI_LOCALRANKID'),
    ),
}
_PORT = 29500  # as torchrun's and mmengine's
_WAIT = timedelta(minutes=30)  # for processes that start late


@dataclass(frozen=True)
class Rank:
    """
    Attributes:
        number: Of this process, from 0.
        count: Of all processes.
        local: Number on its machine.
        launcher: What started them; one of :data:`LAUNCHERS`.
    """

    number: int = 0
    count: int = 1
    local: int = 0
    launcher: str = 'none'

    @classmethod
    def of_process(cls, launcher: str | None = None, environment: Mapping[str, str] = os.environ) -> Rank:
        """This process.

        Args:
            launcher: None: 'pytorch' under torchrun, else 'none'.
            environment: Where launchers tell it.

        Raises:
            UserError: No such launcher has started this process.

        Example:
            >>> Rank.of_process('slurm', dict(SLURM_PROCID='3', SLURM_NTASKS='8', SLURM_LOCALID='1'))
            Rank(number=3, count=8, local=1, launcher='slurm')
        """
        if launcher is None:
            launcher = 'pytorch' if 'TORCHELASTIC_RUN_ID' in environment else 'none'
        if launcher == 'none':
            return cls()
        for names in _VARIABLES[launcher]:
            if names[0] in environment:
                number, count, local = (int(environment.get(name, no)) for name, no in zip(names, ('0', '1', '0')))
                return cls(number, count, local, launcher)
        raise UserError(
            'this process has no rank',
            field='--launcher',
            remedy='start it by torchrun --nproc_per_node N -m das_mm.tools.…, by srun or by mpirun',
        )

    def meet(self) -> None:
        """Return when all processes have come here; alone at once. They need no network but at this moment.

        Raises:
            UserError: They do not find each other.
        """
        if self.count == 1:
            return
        import torch.distributed as dist

        if self.launcher != 'pytorch' and 'MASTER_ADDR' not in os.environ:
            os.environ['MASTER_ADDR'] = self._first_host()
        os.environ.setdefault('MASTER_PORT', str(_PORT))
        try:
            dist.init_process_group('gloo', rank=self.number, world_size=self.count, timeout=_WAIT)
            dist.barrier()
            dist.destroy_process_group()
        except (RuntimeError, ValueError) as error:
            raise UserError(
                f'the {self.count} processes do not find each other: {str(error).splitlines()[0]}',
                field='--launcher',
                remedy='set MASTER_ADDR to the machine of the first one and MASTER_PORT to a port that is free there',
            ) from error

    def _first_host(self) -> str:
        nodes = os.environ.get('SLURM_STEP_NODELIST') or os.environ.get('SLURM_NODELIST') or ''
        if self.launcher == 'slurm' and nodes:
            import subprocess

            told = subprocess.run(['scontrol', 'show', 'hostnames', nodes], capture_output=True, text=True)
            if told.returncode == 0 and told.stdout.split():
                return told.stdout.split()[0]
        return '127.0.0.1'

    def share(self, sizes: Sequence[int | None]) -> list[int]:
        """The rows that fall to this process, the same division in all of them.

        Args:
            sizes: Of each item: None for small ones, which are dealt out in turn; bytes of large ones, of which each,
                the largest first, goes to who has the least so far.

        Example:
            >>> [Rank(number, 2).share([None, 90, None, 50, None, 60]) for number in (0, 1)]
            [[0, 1, 4], [2, 3, 5]]
        """
        small = [row for row, size in enumerate(sizes) if size is None]
        mine = small[self.number :: self.count]
        loads = [0] * self.count
        large = [(size, row) for row, size in enumerate(sizes) if size is not None]
        for size, row in sorted(large, key=lambda one: (-one[0], one[1])):
            owner = loads.index(min(loads))
            loads[owner] += size + 1  # empty ones are dealt out too
            if owner == self.number:
                mine.append(row)
        return sorted(mine)
