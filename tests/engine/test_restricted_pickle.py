"""What a pickle may hold, and that nothing else is called."""

from __future__ import annotations

import builtins
import os
import pickle
from collections import OrderedDict, defaultdict

import numpy as np
import pytest

from das_mm.engine.restricted_pickle import load_pickle
from das_mm.errors import UserError


@pytest.fixture
def stored(tmp_path):
    """Writes an object (or the bytes of a pickle) and gives the path."""

    def write(content, protocol=2):
        path = tmp_path / 'file.pkl'
        path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol))
        return path

    return write


class _Runs:
    """A pickle that calls a function when it is read."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize('protocol', range(6))
def test_arrays_and_containers_come_back(stored, protocol):
    content = OrderedDict(
        array=np.arange(6.0).reshape(2, 3),
        fortran=np.asfortranarray(np.eye(3)[:2]),
        text='é',
        scalar=np.float32(1.5),
        raw=b'\x00\xff',
        pair=(1, None, True),
        names={'a', 'b'},
        objects=np.array([None, [1, 2]], dtype=object),
        kinds=defaultdict(list, a=[1]),
    )
    got = load_pickle(stored(content, protocol))
    assert list(got) == list(content) and got['pair'] == content['pair'] and got['names'] == content['names']
    for name in ('array', 'fortran', 'scalar'):
        np.testing.assert_array_equal(got[name], content[name])
        assert got[name].dtype == content[name].dtype
    assert got['raw'] == content['raw'] and got['text'] == 'é' and got['kinds']['new'] == []
    assert got['objects'].tolist() == [None, [1, 2]]


def test_python_2_array(stored):
    """Protocol 0 of python 2: byte strings, modules under their old names."""
    python_2 = (
        b"cnumpy.core.multiarray\n_reconstruct\np0\n(cnumpy\nndarray\np1\n(I0\ntp2\nS'b'\np3\ntp4\nRp5\n"
        b"(I1\n(I2\ntp6\ncnumpy\ndtype\np7\n(S'f8'\np8\nI0\nI1\ntp9\nRp10\n(I3\nS'<'\np11\nNNNI-1\nI-1\nI0\n"
        b'tp12\nbI00\n'
        b"S'\\x00\\x00\\x00\\x00\\x00\\x00\\xf0?\\x00\\x00\\x00\\x00\\x00\\x00\\x00@'\np13\ntp14\nb."
    )
    np.testing.assert_array_equal(load_pickle(stored(python_2)), [1.0, 2.0])


@pytest.mark.parametrize(
    'function, arguments',
    [
        (os.system, ('touch {marker}',)),
        (builtins.eval, ('open("{marker}", "w")',)),
        (builtins.exec, ('open("{marker}", "w")',)),
        (builtins.getattr, (dict, 'fromkeys')),
        (builtins.open, ('{marker}', 'w')),
        (np.load, ('{marker}',)),
    ],
)
def test_code_is_refused_and_not_run(stored, tmp_path, function, arguments):
    marker = tmp_path / 'marker'
    path = stored(
        _Runs(
            function,
            *(argument.format(marker=marker) if isinstance(argument, str) else argument for argument in arguments),
        )
    )
    with pytest.raises(UserError, match=function.__name__) as error:
        load_pickle(path)
    assert not marker.exists() and error.value.file == path


def test_attributes_reached_through_a_dotted_name_are_refused(stored):
    # protocol 4 names attributes of attributes: STACK_GLOBAL 'numpy' 'ndarray.tofile'
    def short(text):
        return b'\x8c' + bytes([len(text)]) + text.encode()

    with pytest.raises(UserError, match='numpy.ndarray.tofile'):
        load_pickle(stored(b'\x80\x04' + short('numpy') + short('ndarray.tofile') + b'\x93.'))


def test_functions_cannot_be_changed(stored):
    # numpy's rebuilding function, then BUILD with a state for its attributes
    changed = b'\x80\x02cnumpy.core.multiarray\n_reconstruct\nN}X\x0c\x00\x00\x00__defaults__)s\x86b.'
    with pytest.raises(UserError, match='sets attributes of a function'):
        load_pickle(stored(changed))


class Chained:
    """Stands for a class of a package that is not installed."""

    def __init__(self):
        self.values = None


class _Plain:
    pass


class _Stand:
    def __setstate__(self, state):
        self.state = state


def test_caller_allows_a_class(stored):
    content = Chained()
    content.values = np.arange(3.0)
    name = f'{__name__}.Chained'
    for protocol in (0, 2, 4):
        path = stored(content, protocol)
        with pytest.raises(UserError, match='Chained'):
            load_pickle(path)
        got = load_pickle(path, allow={name: _Stand})
        assert isinstance(got, _Stand)
        np.testing.assert_array_equal(got.state['values'], [0.0, 1.0, 2.0])


def test_the_file_cannot_change_an_allowed_class(stored):
    # BUILD on the class itself with slot state sets its attributes; it reaches only the stand-in of this load
    module = __name__.encode()
    changes = b'\x80\x02c' + module + b'\nChained\nN}X\x05\x00\x00\x00twist)s\x86b.'
    changed = load_pickle(stored(changes), allow={f'{__name__}.Chained': _Plain})
    assert hasattr(changed, 'twist') and not hasattr(_Plain, 'twist')


def test_caller_allows_a_function(stored):
    path = stored(_Runs(os.path.basename, 'a/b'))
    assert load_pickle(path, allow={f'{os.path.__name__}.basename': str.upper}) == 'A/B'


@pytest.mark.parametrize('content', [b'', b'no pickle', pickle.dumps(np.arange(100.0))[:200]])
def test_damaged_files(stored, content):
    with pytest.raises(UserError, match='no whole pickle'):
        load_pickle(stored(content))


def test_absent_file(tmp_path):
    with pytest.raises(UserError, match='cannot be read'):
        load_pickle(tmp_path / 'absent.pkl')
