"""The ground of the house is light: what its packages load when they are imported."""

from __future__ import annotations

import json
import subprocess
import sys

#: modules that load neither torch nor an mm package
LIGHT = (
    'das_mm',
    'das_mm.plugin_registry',
    'das_mm.structures',
    'das_mm.structures.camera_space',
    'das_mm.structures.crop_cameras',
    'das_mm.structures.crop_transform',
    'das_mm.structures.keypoint_similarity',
    'das_mm.structures.people',
    'das_mm.structures.rotations',
    'das_mm.bodies',
    'das_mm.bodies.arm_ik',
    'das_mm.bodies.joint_supersets',
    'das_mm.bodies.mean_parameters',
    'das_mm.bodies.pose_mixture',
    'das_mm.bodies.smpl_file',
    'das_mm.rendering',
    'das_mm.engine',
    'das_mm.engine.atomic_io',
    'das_mm.engine.file_lock',
    'das_mm.engine.restricted_pickle',
    'das_mm.evaluation.functional',
    'das_mm.evaluation.files.posetrack_file',
    'das_mm.evaluation.files.result_file',
    'das_mm.evaluation.files.row_file',
    'das_mm.evaluation.readers.mesh_reader',
    'das_mm.evaluation.readers.person_reader',
    'das_mm.evaluation.readers.protocol_reader',
    'das_mm.evaluation.readers.sample_reader',
    'das_mm.evaluation.readers.tracking_reader',
    'das_mm.models.task_modules.trackers',
    'das_mm.visualization',
    'das_mm.visualization.annotation_sheet',
    'das_mm.visualization.calibration',
    'das_mm.visualization.curves',
    'das_mm.visualization.density',
    'das_mm.visualization.labels',
    'das_mm.visualization.mesh_overlay',
    'das_mm.visualization.offset_maps',
    'das_mm.visualization.overlay',
    'das_mm.visualization.sheets',
    'das_mm.visualization.skeleton_sheet',
    'das_mm.visualization.targets',
    'das_mm.visualization.tracks',
    'das_mm.visualization.viewer.page',
    'das_mm.datasets',
    'das_mm.datasets.converters',
    'das_mm.datasets.synthetic',
    'das_mm.datasets.synthetic.generator',
    'das_mm.datasets.synthetic.layouts',
    'das_mm.datasets.synthetic.drawing_process',
)
HEAVY = ('torch', 'torchvision', 'mmengine', 'mmcv', 'mmdet', 'mmpose')

_PROGRAM = """
import importlib, json, sys
met = set()
for name in sys.argv[1].split():
    importlib.import_module(name)
    loaded = {module for module in sys.argv[2].split() if module in sys.modules} - met
    met |= loaded
    print(json.dumps([name, sorted(loaded)]))
"""


def test_ground_packages_load_neither_torch_nor_mm_packages():
    command = [sys.executable, '-c', _PROGRAM, ' '.join(LIGHT), ' '.join(HEAVY)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = dict(json.loads(line) for line in done.stdout.splitlines())
    assert list(loaded) == list(LIGHT)
    assert {name: modules for name, modules in loaded.items() if modules} == {}


def test_drawing_people_does_not_wait_for_plots():
    drawing = ('overlay', 'mesh_overlay', 'tracks', 'viewer.page', 'files')
    names = ' '.join(f'das_mm.visualization.{name}' for name in drawing)
    output = subprocess.check_output([sys.executable, '-c', _PROGRAM, names, 'matplotlib'], text=True)
    assert [json.loads(line)[1] for line in output.splitlines()] == [[]] * len(drawing)


def test_the_check_sees_what_is_loaded():
    command = [sys.executable, '-c', _PROGRAM, 'das_mm.structures.tensor_rotations', ' '.join(HEAVY)]
    assert json.loads(subprocess.check_output(command, text=True))[1][0] == 'torch'
