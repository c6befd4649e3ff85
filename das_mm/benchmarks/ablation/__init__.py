"""The papers' ablations on synthetic scenes: which rows there are, their training, and the report."""

from .run_plan import SIZES, Run, plan_runs
from .run_state import Outcome, RunState, read_state, try_lock, write_state
from .scheduler import Deadline, train_runs
from .tables import TABLES, Metric, Row, Table, trainings_of

__all__ = [
    'Deadline',
    'Metric',
    'Outcome',
    'Row',
    'Run',
    'RunState',
    'SIZES',
    'TABLES',
    'Table',
    'plan_runs',
    'read_state',
    'train_runs',
    'trainings_of',
    'try_lock',
    'write_state',
]
