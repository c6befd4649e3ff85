"""Speed and memory of a model, its stages, and the sparse head against the dense one; the verb `das-mm speed`."""

from .dense_comparison import compare_dense
from .dense_setup import DenseSetting
from .estimator_speed import measure_estimator
from .machine import describe_machine, describe_software
from .memory import peak_bytes
from .model_speed import Setting, measure_model
from .peer_comparison import PEERS, compare_with_peer
from .pictures import draw_dense, draw_speed
from .planting import Planting
from .report import dense_page, dense_table, estimator_table, peer_table, speed_table, stage_table
from .scenes import Scene, make_scene
from .stages import STAGES, StageClock, clocked
from .subject import make_subject, network_size
from .timing import Spread, Timed, time_in_turn
from .variants import DTYPES, Variant, make_variants

__all__ = [
    'DTYPES',
    'DenseSetting',
    'PEERS',
    'Planting',
    'STAGES',
    'Scene',
    'Setting',
    'Spread',
    'StageClock',
    'Timed',
    'Variant',
    'clocked',
    'compare_dense',
    'compare_with_peer',
    'dense_page',
    'dense_table',
    'describe_machine',
    'describe_software',
    'draw_dense',
    'draw_speed',
    'estimator_table',
    'make_scene',
    'make_subject',
    'make_variants',
    'measure_estimator',
    'measure_model',
    'network_size',
    'peak_bytes',
    'peer_table',
    'speed_table',
    'stage_table',
    'time_in_turn',
]
