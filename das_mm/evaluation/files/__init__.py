"""Files that evaluation writes: results by image, one row a person, PoseTrack18's own."""

from .posetrack_file import posetrack_image, write_posetrack_files
from .result_file import check_ending, finite_or_none, read_result_file, write_result_file
from .row_file import write_rows

__all__ = [
    'check_ending',
    'finite_or_none',
    'posetrack_image',
    'read_result_file',
    'write_posetrack_files',
    'write_result_file',
    'write_rows',
]
