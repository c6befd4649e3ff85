"""Who answers `import mmcv._ext` once das_mm is imported: a compiled module if there is one, else the stand-in."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from das_mm._compat.mmcv_extension import EXTENSION, offer_stand_in
from das_mm.errors import UserError
from tests.toy_run import REPOSITORY

needs_stand_in = pytest.mark.skipif(
    'stand-in' not in importlib.util.find_spec(EXTENSION).origin, reason='mmcv is compiled here'
)

FAKE_MMCV = """
import sys
sys.path[:0] = [{folder!r}, {repository!r}]
import das_mm
assert not [name for name in sys.modules if name.startswith(('torch', 'mm'))], 'import das_mm is light'
import importlib.util
origin = importlib.util.find_spec('mmcv._ext').origin
print(origin)
if origin != 'stand-in of das_mm':  # which takes the time of importing torch
    try:
        import mmcv._ext
        print('imported')
    except ImportError as error:
        print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    'extension, answer',
    [
        ('', '{folder}/mmcv/_ext.py\nimported'),
        ('raise ImportError("undefined symbol: c10")', 'ImportError undefined symbol: c10'),
        (None, 'stand-in of das_mm'),
    ],
)
def test_what_is_compiled_is_preferred_even_if_it_is_broken(extension, answer, tmp_path):
    (tmp_path / 'mmcv').mkdir()
    (tmp_path / 'mmcv' / '__init__.py').touch()
    if extension is not None:
        (tmp_path / 'mmcv' / '_ext.py').write_text(extension)
    program = FAKE_MMCV.format(folder=str(tmp_path), repository=str(REPOSITORY))
    done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True, cwd=tmp_path)
    assert answer.format(folder=tmp_path) in done.stdout, done.stderr


def test_offered_once():
    before = list(sys.meta_path)
    offer_stand_in()
    assert sys.meta_path == before


@needs_stand_in
def test_what_torchvision_lacks_says_so_when_it_is_called():
    import torch
    from mmcv.ops import soft_nms

    with pytest.raises(UserError, match="mmcv's operator 'softnms' is not compiled here") as caught:
        soft_nms(torch.zeros(1, 4), torch.zeros(1))
    assert 'install the full mmcv' in caught.value.remedy
    import mmcv._ext

    assert not hasattr(mmcv._ext, '__path__'), 'questions of Python itself are not operators'


@needs_stand_in
def test_environment_reports_of_the_mm_packages():
    from mmcv.utils import collect_env

    assert 'torchvision' in collect_env()['MMCV Compiler']
