"""What the name of a sequence tells: the activity, the number of the test sequence, who does what before which camera.

Names differ between releases of the same data set; every known spelling is read. Unknown is said, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: The activities of the Panoptic protocol, in the order of the papers' tables.
PANOPTIC_ACTIVITIES = ('haggling', 'mafia', 'ultimatum', 'pizza')

#: Activities of the MPI-INF-3DHP test set, labels 1 to 7.
MPI_INF_3DHP_ACTIVITIES = (
    'standing_walking',
    'exercising',
    'sitting',
    'reaching_crouching',
    'on_the_floor',
    'sports',
    'miscellaneous',
)

#: Actions of Human3.6M; the file names of one release number them from 2 (``act_02``) in this order.
H36M_ACTIONS = (
    'Directions',
    'Discussion',
    'Eating',
    'Greeting',
    'Phoning',
    'Posing',
    'Purchases',
    'Sitting',
    'SittingDown',
    'Smoking',
    'Photo',
    'Waiting',
    'Walking',
    'WalkDog',
    'WalkTogether',
)
#: Cameras of Human3.6M; the same release numbers them from 1 (``ca_01``).
H36M_CAMERAS = ('54138969', '55011271', '58860488', '60457274')

_H36M_ALIASES = dict(TakingPhoto='Photo', WalkingDog='WalkDog', WalkingTogether='WalkTogether')
# longest first: "SittingDown" before "Sitting"
_H36M_PATTERN = '|'.join(sorted((*H36M_ACTIONS, *_H36M_ALIASES), key=len, reverse=True))


def panoptic_activity(name: str) -> str:
    """Activity of a Panoptic sequence, ``'other'`` for all but the four of the protocol.

    Example:
        >>> panoptic_activity('160422_haggling1'), panoptic_activity('171204_pose1')
        ('haggling', 'other')
    """
    return next((activity for activity in PANOPTIC_ACTIVITIES if activity in name.lower()), 'other')


def ts_sequence(name: str) -> str:
    """``TS…`` in the name of a sequence or file of MuPoTS-3D or MPI-INF-3DHP; the name itself if there is none.

    Example:
        >>> ts_sequence('MultiPersonTestSet/TS12/img_000000.jpg'), ts_sequence('S1_Seq2')
        ('TS12', 'S1_Seq2')
    """
    found = re.search(r'(?<![A-Za-z])TS0*(\d+)(?!\d)', name)
    return f'TS{found[1]}' if found else name


@dataclass(frozen=True)
class H36MCapture:
    """Who does what before which camera: ``subject`` (0 unknown), ``action`` and ``camera`` ('' unknown)."""

    subject: int
    action: str
    camera: str


def h36m_capture(name: str) -> H36MCapture:
    """What the name of a sequence or file of Human3.6M tells.

    Example:
        >>> h36m_capture('S9_SittingDown_1.60457274/S9_SittingDown_1.60457274_000001.jpg')
        H36MCapture(subject=9, action='SittingDown', camera='60457274')
        >>> h36m_capture('s_11_act_02_subact_01_ca_04')
        H36MCapture(subject=11, action='Directions', camera='60457274')
    """
    subject = re.search(r'(?<![A-Za-z])(?:S|s_0?)(\d{1,2})(?!\d)', name)
    number = re.search(r'(?<![A-Za-z])act_(\d{2})(?!\d)', name)
    spelled = re.search(f'(?<![A-Za-z])({_H36M_PATTERN})(?![a-z])', name)
    action = ''
    if number and 2 <= int(number[1]) < 2 + len(H36M_ACTIONS):
        action = H36M_ACTIONS[int(number[1]) - 2]
    elif spelled:
        action = _H36M_ALIASES.get(spelled[1], spelled[1])
    camera = next((camera for camera in H36M_CAMERAS if camera in name), '')
    numbered = re.search(r'(?<![A-Za-z])ca_0?([1-4])(?!\d)', name)
    if not camera and numbered:
        camera = H36M_CAMERAS[int(numbered[1]) - 1]
    return H36MCapture(int(subject[1]) if subject else 0, action, camera)


def group_rows(labels: Sequence[str]) -> dict[str, np.ndarray]:
    """Rows of each label, labels in natural order (TS2 before TS10).

    Example:
        >>> {name: rows.tolist() for name, rows in group_rows(['TS10', 'TS2', 'TS10']).items()}
        {'TS2': [1], 'TS10': [0, 2]}
    """
    array = np.asarray(labels, dtype=object)

    def natural(label: str) -> list:
        return [(0, int(part), '') if part.isdigit() else (1, 0, part) for part in re.findall(r'\d+|\D+', label)]

    return {label: np.flatnonzero(array == label) for label in sorted(set(labels), key=natural)}
