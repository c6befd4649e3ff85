"""The lock between processes: who holds it, how it ends, and where there are no locks."""

from __future__ import annotations

import errno
import subprocess
import sys
import time

import pytest

from das_mm.engine import file_lock
from das_mm.engine.file_lock import FileLock

_HOLDER = """
import sys
from das_mm.engine import file_lock
with file_lock(sys.argv[1], wait=sys.argv[2] == 'wait') as mine:
    print(mine, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def process():
    """Starts processes that say whether they hold the lock and keep it until they are written a line."""
    started = []

    def start(path, wait='wait') -> subprocess.Popen:
        command = [sys.executable, '-c', _HOLDER, str(path), wait]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.communicate()


def test_one_at_a_time(tmp_path, process):
    path = tmp_path / 'folder' / '.lock'
    holder = process(path)
    assert holder.stdout.readline() == 'True\n'
    with file_lock(path, wait=False) as mine:
        assert not mine
    assert process(path, 'no').stdout.readline() == 'False\n'
    holder.communicate('\n')
    with file_lock(path, wait=False) as mine:
        assert mine


def test_who_waits_gets_it_in_the_end(tmp_path, process):
    with file_lock(tmp_path / '.lock') as mine:
        waiting = process(tmp_path / '.lock')
        time.sleep(0.3)
        assert mine and waiting.poll() is None
    assert waiting.stdout.readline() == 'True\n'


def test_a_lock_ends_with_a_process_that_is_killed(tmp_path, process):
    path = tmp_path / '.lock'
    holder = process(path)
    assert holder.stdout.readline() == 'True\n'
    holder.kill()
    holder.wait()
    assert path.exists()  # the file alone holds nobody up
    with file_lock(path) as mine:
        assert mine


def test_an_error_in_the_block_frees_it(tmp_path):
    with pytest.raises(KeyError), file_lock(tmp_path / '.lock'):
        raise KeyError
    with file_lock(tmp_path / '.lock', wait=False) as mine:
        assert mine


def test_a_place_that_cannot_be_written_is_told_at_once(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(OSError):
        file_lock(tmp_path / 'file' / '.lock')


@pytest.mark.parametrize('error', [OSError(errno.ENOLCK, 'no locks'), NotImplementedError()])
def test_where_there_are_no_locks_everybody_gets_it(tmp_path, monkeypatch, error):
    def refuse(self, **options):
        raise error

    monkeypatch.setattr(FileLock, 'acquire', refuse)
    with file_lock(tmp_path / '.lock') as mine:
        assert mine
