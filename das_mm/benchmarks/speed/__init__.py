"""Speed and memory of a model, its stages, and the sparse head against the dense one; the verb `das-mm speed`."""

from .dense_comparison import DenseBench, DenseSetting, Row
from .machine import describe_machine, describe_software
from .memory import peak_bytes
from .model_speed import DTYPES, Setting, Variant, make_variants, measure_model
from .pictures import draw_dense, draw_speed
from .report import dense_page, dense_table, speed_table, stage_table
from .scenes import Planting, Scene, make_scene
from .stages import STAGES, StageClock, clocked
from .subject import make_subject, network_size
from .timing import Spread, Timed, time_in_turn

__all__ = [
    'DTYPES',
    'DenseBench',
    'DenseSetting',
    'Planting',
    'Row',
    'STAGES',
    'Scene',
    'Setting',
    'Spread',
    'StageClock',
    'Timed',
    'Variant',
    'clocked',
    'dense_page',
    'dense_table',
    'describe_machine',
    'describe_software',
    'draw_dense',
    'draw_speed',
    'make_scene',
    'make_subject',
    'make_variants',
    'measure_model',
    'network_size',
    'peak_bytes',
    'speed_table',
    'stage_table',
    'time_in_turn',
]
