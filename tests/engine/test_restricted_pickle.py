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


def _name(module: str, name: str) -> bytes:
    return b'c' + f'{module}\n{name}\n'.encode()


def _number(value: int) -> bytes:
    return b'J' + value.to_bytes(4, 'little', signed=True)


_DTYPE = _name('numpy', 'dtype')
_ARRAY = _name('numpy.core.multiarray', '_reconstruct') + _name('numpy', 'ndarray') + b'K\x00\x85C\x01b\x87R'
_OBJECTS = _DTYPE + b'X\x02\x00\x00\x00O8\x89\x88\x87R(K\x03X\x01\x00\x00\x00|NNN' + _number(-1) * 2 + b'K?tb'
_FLOATS = _DTYPE + b'X\x02\x00\x00\x00f8\x89\x88\x87R(K\x03X\x01\x00\x00\x00<NNN' + _number(-1) * 2 + b'K\x00tb'


def _state(dtype: bytes, content: bytes, shape: bytes = b'K\x02\x85') -> bytes:
    return b'(K\x01' + shape + dtype + b'\x89' + content + b'tb'


FORGED = {
    'objects at addresses of the file': _ARRAY + _state(_OBJECTS, b'C\x10' + b'\x41' * 16),
    'more numbers than bytes': _ARRAY + _state(_FLOATS, b'C\x10' + bytes(16), _number(10**9) + b'\x85'),
    'a negative side': _ARRAY + _state(_FLOATS, b'C\x10' + bytes(16), _number(-2) + b'\x85'),
    'a side that is no number': _ARRAY + _state(_FLOATS, b'C\x10' + bytes(16), b'X\x01\x00\x00\x002\x85'),
    'forty dimensions': _ARRAY + _state(_FLOATS, b'C\x08' + bytes(8), b'(' + b'K\x01' * 40 + b't'),
    'a dtype that is a text': _ARRAY + _state(b'X\x02\x00\x00\x00f8', b'C\x10' + bytes(16)),
    'a dtype with fields': _FLOATS.replace(b'NNN', b'N}}'),
    'a dtype of a list': _DTYPE + b'](X\x01\x00\x00\x00aX\x02\x00\x00\x00O8\x86ea\x85R',
    'a state of the wrong length': _ARRAY + b'K\x01\x85b',
    'ndarray called': _name('numpy', 'ndarray') + b'(' + _number(2**31 - 1) + b'\x85' + _FLOATS + b'tR',
    'an array rebuilt as a list': _ARRAY.replace(_name('numpy', 'ndarray'), _name('builtins', 'list')),
    'a scalar at an address': _name('numpy.core.multiarray', 'scalar') + _OBJECTS + b'C\x08' + b'\x41' * 8 + b'\x86R',
    'a scalar of no bytes': _name('numpy.core.multiarray', 'scalar') + _FLOATS + b'C\x02ab\x86R',
    'four thousand million bytes': _name('builtins', 'bytearray') + b'\x8a\x05\x00\x28\x6b\xee\x00\x85R',
    'bytes of a number': _name('builtins', 'bytes') + _number(2**31 - 1) + b'\x85R',
    'a list of a range': _name('builtins', 'list') + _name('builtins', 'range') + _number(2**31 - 1) + b'\x85R\x85R',
    'a text of a list': _name('builtins', 'str') + b']\x85R',
    'a list of numpy texts': _name('numpy', 'str_') + b']\x85R',
    'a place far away': b']r\xff\xff\xff\x7f',
    'text numbers far away': b']p99999999999\n',
    'a length beyond the file': b'\x8e' + (2**40).to_bytes(8, 'little') + b'abc',
    'tuples without end': b'}' + b')' + b'\x85' * 100_000 + b'Ns',
    'tuples with other things between': b'}' + b')' + b'N\x86' * 100_000 + b'Ns',
    'a list of a list of a list, twice each': b']' + b''.join(b'q%c](h%ch%ce' % (n, n, n) for n in range(60)),
    'the same list copied again and again': b'](' + b'N' * 20_000 + b'eq\x000]('
    + (_name('builtins', 'set') + b'](h\x00e\x85R') * 5 + (_name('builtins', 'list') + b'h\x00\x85R') * 200 + b'e',
}  # fmt: skip


@pytest.mark.parametrize('forged', FORGED)
def test_forged_states_and_sizes_are_refused(stored, forged):
    """Numpy would read addresses, or python take all the memory; each of these is a small file."""
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError, match='no whole pickle') as error:
        load_pickle(stored(b'\x80\x04' + FORGED[forged] + b'.'))
    assert error.value.remedy
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KB


@pytest.mark.parametrize('protocol', range(6))
def test_arrays_of_all_kinds_come_back_as_ordinary_ones(stored, protocol):
    arrays = [
        np.array([True, False]),
        np.arange(5, dtype='>i2'),
        np.array(['é', 'abc']),
        np.array([b'a', b'bc']),
        np.array(3.5),
        np.zeros((0, 3)),
        np.array([1 + 2j], np.complex64),
        np.asfortranarray(np.arange(24.0).reshape(2, 3, 4)),
    ]
    scalars = [np.float32(1.5), np.int64(-3), np.bool_(True), np.str_('é'), np.bytes_(b'ab')]
    got_arrays, got_scalars = load_pickle(stored((arrays, scalars), protocol))
    for got, want in zip(got_arrays, arrays, strict=True):
        np.testing.assert_array_equal(got, want)
        assert got.dtype.newbyteorder('=') == want.dtype.newbyteorder('=') and got.shape == want.shape
    assert got_scalars == scalars and [type(one) for one in got_scalars] == [type(one) for one in scalars]
    again = pickle.loads(pickle.dumps(got_arrays, protocol))  # what is written again is numpy's own
    assert all(type(one) is np.ndarray for one in again) and type(got_arrays[0] + arrays[0]) is np.ndarray


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / 'pipe.pkl')
    with pytest.raises(UserError, match='it is a named pipe'):
        load_pickle(tmp_path / 'pipe.pkl')
