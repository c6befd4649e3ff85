"""What a user installs: the lines of the page about installation, what the wheel asks for, and its page on an index."""

from __future__ import annotations

import re
import shutil
import sys
import zipfile
from email import message_from_string
from email.message import Message
from importlib import metadata

import pytest

from das_mm._compat.missing_operators import FULL_MMCV_REMEDY
from tests.test_package.processes import run
from tests.toy_run import REPOSITORY

INSTALLATION = REPOSITORY / 'docs' / 'pages' / 'install.md'
WHEEL_IN_PAGE = re.compile(r'dist/das_mm-[\w.]+-py3-none-any\.whl')


@pytest.fixture(scope='module')
def described(wheel) -> Message:
    archive = zipfile.ZipFile(wheel)
    name = next(name for name in archive.namelist() if name.endswith('.dist-info/METADATA'))
    return message_from_string(archive.read(name).decode())


def canonical(requirement: str) -> str:
    return re.sub('[-_.]+', '-', re.match(r'[\w.-]+', requirement)[0]).lower()


def test_neither_mmcv_is_demanded_nor_what_pip_cannot_build(described):
    demanded = {canonical(line) for line in described.get_all('Requires-Dist') if 'extra ==' not in line}
    assert not demanded & {'mmcv', 'mmcv-lite', 'mmpose', 'chumpy', 'openmim'}
    assert "mmcv-lite==2.1.0; extra == 'lite'" in described.get_all('Requires-Dist')


def test_what_mmpose_needs_is_demanded_in_its_place(described):
    """mmpose is installed with --no-deps; whatever a release of it declares but chumpy must come from us."""
    demanded = {canonical(line) for line in described.get_all('Requires-Dist') if 'extra ==' not in line}
    needed = {canonical(line) for line in metadata.requires('mmpose') if 'extra ==' not in line}
    assert 'chumpy' in needed, 'mmpose has lost chumpy: install it as everything else'
    assert needed - demanded == {'chumpy'}


def test_page_on_an_index(described):
    """Pictures and links into the repository show nothing there."""
    assert described['Author'] == 'das_mm contributors' and 'Typing :: Typed' in described.get_all('Classifier')
    page = described.get_payload()
    assert page.startswith('# das_mm') and '```bash\n' in page
    targets = re.findall(r'\]\(([^)]*)\)', page)
    assert targets and all(target.startswith(('https://', '#')) for target in targets)


def test_errors_point_to_a_section_that_is_there():
    heading = re.search(r'\("(.*)"\)', FULL_MMCV_REMEDY)[1]
    assert re.search(f'^#+ {heading}$', INSTALLATION.read_text(), flags=re.MULTILINE)


def test_lines_of_the_page(wheel, tmp_path):
    """Resolved, not installed: everything is found, and nothing that is set back or built."""
    uv = shutil.which('uv')
    if uv is None:
        pytest.skip('uv is not on the path')
    lines = [line for line in INSTALLATION.read_text().splitlines() if line.startswith('pip install')]
    (first,) = (line for line in lines if '.whl[' in line)
    (second,) = (line for line in lines if '--no-deps' in line)
    assert WHEEL_IN_PAGE.search(first)[0] == f'dist/{wheel.name}'
    run(uv, 'venv', '--python', sys.executable, tmp_path / 'env', cwd=tmp_path)
    found = ''
    for line in (first, second):
        words = [word.strip("'") for word in line.replace('dist/', f'{wheel.parent}/').split()[2:]]
        done = run(
            uv,
            'pip',
            'install',
            '--dry-run',
            '--no-build',
            '--python',
            tmp_path / 'env',
            *words,
            cwd=tmp_path,
            check=False,
        )
        if re.search('error sending request|dns error|timed out', done.stderr):
            pytest.skip('no package index can be reached')
        assert done.returncode == 0, done.stderr
        found += done.stderr
    versions = dict(re.findall(r'^ \+ ([\w.-]+)==(\S+)', found, flags=re.MULTILINE))
    assert versions['mmcv-lite'] == '2.1.0' and versions['mmpose'].startswith('1.3.')
    assert versions['numpy'].startswith('1.') and not {'mmcv', 'chumpy', 'opendatalab'} & versions.keys()
