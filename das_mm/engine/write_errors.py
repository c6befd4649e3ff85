"""What to do when a file cannot be written, by what the operating system says."""

from __future__ import annotations

import errno

_A_FILE = 'a file stands where a folder is needed: move it away, or choose another folder'
_RIGHTS = 'choose a folder that you may write to'
_REMEDIES = {
    errno.ENOSPC: 'free space on that disk, or choose another folder',
    errno.EDQUOT: 'your quota is used up: free space, or choose another folder',
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.ENOENT: 'choose a folder that can be made',
    errno.EROFS: 'the file system is read-only: choose another folder',
    errno.ENOTDIR: _A_FILE,
    errno.EEXIST: _A_FILE,
    errno.EISDIR: 'a folder stands where the file should be: move it away, or choose another name',
    errno.ENOTEMPTY: 'a folder stands where the file should be: move it away, or choose another name',
    errno.ENAMETOOLONG: 'choose a shorter name',
    errno.EFBIG: 'the file is too large for that file system: choose another',
}


def write_remedy(error: OSError) -> str:
    """The remedy for an error of writing.

    Example:
        >>> write_remedy(OSError(errno.ENOSPC, 'No space left on device'))
        'free space on that disk, or choose another folder'
    """
    return _REMEDIES.get(error.errno or 0, 'look at the disk, or choose another folder')
