"""Named skeletons of the datasets of this field; :mod:`.keypoint_conversion` goes from one to another by NAME.

``left``/``right`` are the person's own. Every keypoint has a name that says which joint *definition* it is, so two sets
share a name only where their joints may be exchanged; where a near relative is accepted instead (H36M's ``jaw`` for a
``nose``), that is written in :data:`.SUBSTITUTES`. Letters: K keypoints of a set.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from das_mm.errors import UserError

# OKS sigma where nobody published one for a keypoint (the value that DAS's released code uses for every keypoint)
DEFAULT_SIGMA = 0.08

# published with the COCO keypoint task (per-keypoint constant kappa = 2 * sigma)
COCO_SIGMAS = dict(
    nose=0.026, eye=0.025, ear=0.035, shoulder=0.079, elbow=0.072, wrist=0.062, hip=0.107, knee=0.087, ankle=0.089
)

# keypoints that can be made as the mean of others
DERIVATIONS: dict[str, tuple[str, ...]] = {
    'mid_hip': ('left_hip', 'right_hip'),
    'pelvis': ('left_hip', 'right_hip'),
    'neck': ('left_shoulder', 'right_shoulder'),
}
# ends the names of those keypoints of a superset that are OpenPose's
OPENPOSE_SUFFIX = '_op'
_LOWER_BODY = ('hip', 'pelvis', 'knee', 'ankle', 'foot', 'toe', 'heel')


@dataclass(frozen=True)
class KeypointSet:
    """One skeleton: names in storage order, links, root and OKS sigmas.

    Args:
        name: Key in :data:`KEYPOINT_SETS`.
        keypoints: Names in storage order, length K.
        links: Pairs of indices drawn as bones.
        root: Name of the root. If it is not one of ``keypoints`` it is derived (:data:`DERIVATIONS`).
        sigmas: OKS sigmas, length K.
    """

    name: str
    keypoints: tuple[str, ...]
    links: tuple[tuple[int, int], ...]
    root: str
    sigmas: tuple[float, ...]

    @property
    def num_keypoints(self) -> int:
        return len(self.keypoints)

    def index(self, keypoint: str) -> int:
        """Index of a keypoint name; ValueError if the set has none."""
        return self.keypoints.index(keypoint)

    @cached_property
    def root_index(self) -> int | None:
        """Index of the root, or None where the root is derived from ``root_sources``."""
        return self.index(self.root) if self.root in self.keypoints else None

    @cached_property
    def root_sources(self) -> tuple[int, ...]:
        """Indices whose mean is the root: one where it is stored, two (the hips) where it is derived."""
        if self.root_index is not None:
            return (self.root_index,)
        return tuple(self.index(source) for source in DERIVATIONS[self.root])

    @cached_property
    def flip_indices(self) -> tuple[int, ...]:
        """Permutation of a mirror image: ``new[i] = old[flip_indices[i]]``."""
        return tuple(self.index(mirrored_name(keypoint)) for keypoint in self.keypoints)

    @cached_property
    def flip_pairs(self) -> tuple[tuple[int, int], ...]:
        """(left or first, its mirror) index pairs, each once."""
        return tuple((i, j) for i, j in enumerate(self.flip_indices) if i < j)


def mirrored_name(keypoint: str) -> str:
    """Name of the keypoint on the other side; unpaired names are returned as they are."""
    if keypoint.startswith('left_'):
        return 'right_' + keypoint.removeprefix('left_')
    if keypoint.startswith('right_'):
        return 'left_' + keypoint.removeprefix('right_')
    return keypoint


def get_keypoint_set(name: str | KeypointSet, *, file=None, field: str | None = None) -> KeypointSet:
    """The set of this name.

    Raises:
        UserError: The name is unknown (``file`` and ``field`` say where it was found).
    """
    if isinstance(name, KeypointSet):
        return name
    if name not in KEYPOINT_SETS:
        raise UserError(
            f'unknown keypoint set {name!r}', file=file, field=field, remedy=f'use one of: {", ".join(KEYPOINT_SETS)}'
        )
    return KEYPOINT_SETS[name]


def to_mmpose_metainfo(keypoint_set: str | KeypointSet) -> dict:
    """The set in mmpose's ``dataset_info`` layout, as ``metainfo=dict(...)`` of a dataset or a config takes it."""
    kset = get_keypoint_set(keypoint_set)
    info = {}
    for i, keypoint in enumerate(kset.keypoints):
        mirrored = mirrored_name(keypoint)
        info[i] = dict(
            name=keypoint,
            id=i,
            color=list(_side_colour(keypoint)),
            type='lower' if any(part in keypoint for part in _LOWER_BODY) else 'upper',
            swap='' if mirrored == keypoint else mirrored,
        )
    links = {}
    for i, (a, b) in enumerate(kset.links):
        names = (kset.keypoints[a], kset.keypoints[b])
        sided = next((name for name in names[::-1] if mirrored_name(name) != name), names[1])
        links[i] = dict(link=names, id=i, color=list(_side_colour(sided)))
    return dict(
        dataset_name=kset.name,
        keypoint_info=info,
        skeleton_info=links,
        joint_weights=[1.0] * kset.num_keypoints,
        sigmas=list(kset.sigmas),
    )


def _side_colour(keypoint: str) -> tuple[int, int, int]:
    """Left green, right orange, middle blue: mmpose's colours."""
    if keypoint.startswith('left_'):
        return 0, 255, 0
    return (255, 128, 0) if keypoint.startswith('right_') else (51, 153, 255)


def _make(name: str, keypoints: str, links: str, root: str, sigmas: dict[str, float] | None = None) -> KeypointSet:
    """Set from space-separated names (``l_x``/``r_x`` for the sides) and links ``a-b``."""
    full = tuple(
        k.replace('l_', 'left_', 1) if k.startswith('l_') else k.replace('r_', 'right_', 1) if k.startswith('r_') else k
        for k in keypoints.split()
    )
    pairs = tuple((int(a), int(b)) for a, b in (link.split('-') for link in links.split()))
    published = {**COCO_SIGMAS, **(sigmas or {})}
    sideless = (k.removeprefix('left_').removeprefix('right_') for k in full)
    return KeypointSet(name, full, pairs, root, tuple(published.get(k, DEFAULT_SIGMA) for k in sideless))


def _superset(name: str, keypoints: str, links: str) -> KeypointSet:
    """OpenPose's 25, their names marked, followed by a set of ground truth."""
    first = ' '.join(f'{keypoint}{OPENPOSE_SUFFIX}' for keypoint in _OPENPOSE.split())
    shifted = ' '.join('-'.join(str(int(end) + 25) for end in link.split('-')) for link in links.split())
    return _make(name, f'{first} {keypoints}', f'{_OPENPOSE_LINKS} {shifted}', 'pelvis')


_PANOPTIC = 'mid_hip l_shoulder l_elbow l_wrist l_hip l_knee l_ankle r_shoulder r_elbow r_wrist r_hip r_knee r_ankle'
_PANOPTIC_LINKS = '0-1 0-2 0-3 3-4 4-5 0-9 9-10 10-11 2-6 2-12 6-7 7-8 12-13 13-14'
_COCO_LIMBS = 'l_shoulder r_shoulder l_elbow r_elbow l_wrist r_wrist l_hip r_hip l_knee r_knee l_ankle r_ankle'
_COCO_LINKS = '15-13 13-11 16-14 14-12 11-12 5-11 6-12 5-6 5-7 6-8 7-9 8-10 1-2 0-1 0-2'
_MUPOTS = (
    'head_top neck r_shoulder r_elbow r_wrist l_shoulder l_elbow l_wrist '
    'r_hip r_knee r_ankle l_hip l_knee l_ankle pelvis spine head'
)
_MUPOTS_LINKS = '0-16 16-1 1-15 15-14 14-8 14-11 8-9 9-10 11-12 12-13 1-2 2-3 3-4 1-5 5-6 6-7'
_LSP_LIMBS = 'r_ankle r_knee r_hip l_hip l_knee l_ankle r_wrist r_elbow r_shoulder l_shoulder l_elbow l_wrist'
_LSP_LINKS = '0-1 1-2 2-8 8-7 7-6 3-4 4-5 3-9 9-10 10-11 8-12 9-12 12-13 2-3'
_H36M_UPPER = 'spine neck jaw head_h36m l_shoulder l_elbow l_wrist r_shoulder r_elbow r_wrist'
_H36M_LINKS = '0-1 1-2 2-3 0-4 4-5 5-6 0-7 7-8 8-9 9-10 8-11 11-12 12-13 8-14 14-15 15-16'
_OPENPOSE = (
    'nose neck r_shoulder r_elbow r_wrist l_shoulder l_elbow l_wrist mid_hip r_hip r_knee r_ankle '
    'l_hip l_knee l_ankle r_eye l_eye r_ear l_ear l_big_toe l_small_toe l_heel r_big_toe r_small_toe r_heel'
)
_OPENPOSE_LINKS = (
    '1-8 1-2 2-3 3-4 1-5 5-6 6-7 8-9 9-10 10-11 8-12 12-13 13-14 1-0 0-15 15-17 0-16 16-18 '
    '14-19 19-20 14-21 11-22 22-23 11-24'
)
_GT19 = f'{_LSP_LIMBS} neck head_top pelvis thorax spine jaw head_h36m'
_GT19_LINKS = f'{_LSP_LINKS} 14-16 16-15 15-12 12-17 17-18'
_GT24, _GT24_LINKS = f'{_GT19} nose l_eye r_eye l_ear r_ear', f'{_GT19_LINKS} 19-20 19-21 20-22 21-23'

_SETS = (
    # CMU Panoptic: 15 of the coco19 files; `panoptic15_mpi` is the older annotation, where index 1 is the head top
    _make('panoptic15', f'neck nose {_PANOPTIC}', _PANOPTIC_LINKS, 'mid_hip'),
    _make('panoptic15_mpi', f'neck head_top {_PANOPTIC}', _PANOPTIC_LINKS, 'mid_hip'),
    _make(
        'panoptic19',
        f'neck nose {_PANOPTIC} l_eye l_ear r_eye r_ear',
        f'{_PANOPTIC_LINKS} 1-15 15-16 1-17 17-18',
        'mid_hip',
    ),
    _make('coco17', f'nose l_eye r_eye l_ear r_ear {_COCO_LIMBS}', f'{_COCO_LINKS} 1-3 2-4 3-5 4-6', 'mid_hip'),
    _make('muco21', f'{_MUPOTS} r_hand l_hand r_toe l_toe', f'{_MUPOTS_LINKS} 10-19 13-20 4-17 7-18', 'pelvis'),
    _make('mupots17', _MUPOTS, _MUPOTS_LINKS, 'pelvis'),
    # right leg first (mmpose, Moon, RLE) …
    _make('h36m17', f'pelvis r_hip r_knee r_ankle l_hip l_knee l_ankle {_H36M_UPPER}', _H36M_LINKS, 'pelvis'),
    # … with the middle of the shoulders (RLE's single-stage 3D)
    _make(
        'h36m18',
        f'pelvis r_hip r_knee r_ankle l_hip l_knee l_ankle {_H36M_UPPER} thorax',
        f'{_H36M_LINKS} 8-17',
        'pelvis',
    ),
    # … and left leg first (rows of J_regressor_h36m)
    _make('h36m17_left', f'pelvis l_hip l_knee l_ankle r_hip r_knee r_ankle {_H36M_UPPER}', _H36M_LINKS, 'pelvis'),
    _make('lsp14', f'{_LSP_LIMBS} neck head_top', _LSP_LINKS, 'mid_hip'),
    _make(
        'mpii16',
        'r_ankle r_knee r_hip l_hip l_knee l_ankle pelvis thorax upper_neck head_top '
        'r_wrist r_elbow r_shoulder l_shoulder l_elbow l_wrist',
        '0-1 1-2 2-6 6-3 3-4 4-5 6-7 7-8 8-9 10-11 11-12 12-7 7-13 13-14 14-15',
        'pelvis',
    ),
    _make(
        'crowdpose14',
        f'{_COCO_LIMBS} head_top neck',
        '10-8 8-6 11-9 9-7 6-7 0-6 1-7 0-1 0-2 1-3 2-4 3-5 13-0 13-1 12-13',
        'mid_hip',
        dict(head_top=0.079, neck=0.079),
    ),  # published with CrowdPose
    _make('posetrack17', f'nose head_bottom head_top l_ear r_ear {_COCO_LIMBS}', _COCO_LINKS, 'mid_hip'),
    _make('poseval15', f'{_LSP_LIMBS} neck nose head_top', f'{_LSP_LINKS} 13-14', 'mid_hip'),
    _make('openpose25', _OPENPOSE, _OPENPOSE_LINKS, 'mid_hip'),
    # SPIN's J49 and ProHMR's J44: OpenPose's detections first, then ground truth; both have limbs, so the detections'
    # names end in `_op`
    _superset('spin49', _GT24, _GT24_LINKS),
    _superset('prohmr44', _GT19, _GT19_LINKS),
    _make(
        'coco18',
        'nose neck r_shoulder r_elbow r_wrist l_shoulder l_elbow l_wrist r_hip r_knee r_ankle '
        'l_hip l_knee l_ankle r_eye l_eye r_ear l_ear',
        '1-2 2-3 3-4 1-5 5-6 6-7 1-8 8-9 9-10 1-11 11-12 12-13 1-0 0-14 14-16 0-15 15-17',
        'mid_hip',
    ),
    # ground truth of HMR, GraphCMR, SPIN and CRMH ("GT24"); `j24` is its older name here
    _make('gt24', _GT24, _GT24_LINKS, 'pelvis'),
    _make('j24', _GT24, _GT24_LINKS, 'pelvis'),
    # what those methods are measured by: LSP's order with the head of H36M's regressor instead of LSP's head top
    _make('j14', f'{_LSP_LIMBS} neck head_h36m', _LSP_LINKS, 'mid_hip'),
    _make('j17', f'{_LSP_LIMBS} neck head_h36m pelvis spine jaw', f'{_LSP_LINKS} 14-15 15-12 12-16 16-13', 'pelvis'),
    # … and ProHMR on MPI-INF-3DHP, by the head's top
    _make('j17_top', f'{_LSP_LIMBS} neck head_top pelvis spine jaw', f'{_LSP_LINKS} 14-15 15-12 12-16 16-13', 'pelvis'),
    # joints of the body model; its pelvis and head are no other set's
    _make(
        'smpl24',
        'smpl_pelvis l_hip r_hip spine1 l_knee r_knee spine2 l_ankle r_ankle spine3 l_foot r_foot '
        'smpl_neck l_collar r_collar smpl_head l_shoulder r_shoulder l_elbow r_elbow l_wrist r_wrist l_hand r_hand',
        '0-1 0-2 0-3 1-4 2-5 3-6 4-7 5-8 6-9 7-10 8-11 9-12 9-13 9-14 12-15 13-16 14-17 16-18 17-19 18-20 19-21 '
        '20-22 21-23',
        'smpl_pelvis',
    ),
)

KEYPOINT_SETS: dict[str, KeypointSet] = {kset.name: kset for kset in _SETS}
