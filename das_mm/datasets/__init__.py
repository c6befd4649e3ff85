from .datasets import *  # noqa: F401,F403
from .samplers import *  # noqa: F401,F403
from .transforms import *  # noqa: F401,F403
from .synthetic.dataset import SyntheticPeople  # noqa: F401
from .datasets.frame_pairs import DASPoseTrack18Dataset, DASVideoDataset, SyntheticClips  # noqa: F401,E402
