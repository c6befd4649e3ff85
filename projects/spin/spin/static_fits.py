"""Files of fits made offline, before a training: one row a person of a data set (thesis §3.3.5).

``.npz`` with ``fits`` (N, 82), ``tried`` (N,), ``name`` and ``digest`` of the data set, as :mod:`.fit_dataset` writes
them; or a bare ``.npy`` (N, 82), as SPIN distributes its own. Rows of NaN have no fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from das_mm.engine import atomic_open
from das_mm.engine.array_files import read_npz
from das_mm.errors import UserError

from .fits_store import NUM_FIT, SampleSet

_REMEDY = 'make it by das-mm project spin.fit_dataset, or give an array (people, 82) of numbers'


@dataclass
class StaticFits:
    """Fits of a data set.

    Attributes:
        fits: (N, 82) float32, NaN where there is none.
        tried: (N,) bool: whom the fitting has been at.
        of: Whose they are; None where the file does not say.
    """

    fits: np.ndarray
    tried: np.ndarray
    of: SampleSet | None = None

    @classmethod
    def none_yet(cls, of: SampleSet) -> StaticFits:
        """Nobody has been tried."""
        return cls(np.full((of.num_samples, NUM_FIT), np.nan, np.float32), np.zeros(of.num_samples, bool), of)

    def check_of(self, wanted: SampleSet, file: str | Path) -> None:
        """
        Raises:
            UserError: They are of other people.
        """
        if len(self.fits) != wanted.num_samples or (self.of is not None and self.of.digest != wanted.digest):
            whose = 'an unnamed data set' if self.of is None else self.of.name
            raise UserError(
                f'its {len(self.fits)} fits are of {whose}, not of the {wanted.num_samples} people of {wanted.name}',
                file=file,
                field='fits',
                remedy='make the fits of this data set: das-mm project spin.fit_dataset',
            )


def read_fits(path: str | Path) -> StaticFits:
    """
    Raises:
        UserError: The file is absent or damaged, or does not hold such arrays.
    """
    path = Path(path)
    if path.suffix == '.npz':
        stored = read_npz(path, _REMEDY, ('fits', 'tried', 'name', 'digest'))
        fits = stored.get('fits')
    else:
        stored, fits = {}, _read_npy(path)
    if fits is None or fits.dtype.kind != 'f' or fits.ndim != 2 or fits.shape[1] != NUM_FIT:
        found = 'absent' if fits is None else f'{fits.dtype} {fits.shape}'
        raise UserError(f'is {found}, expected numbers (people, {NUM_FIT})', file=path, field='fits', remedy=_REMEDY)
    fits = fits.astype(np.float32)
    tried = stored.get('tried', np.isfinite(fits).all(1))
    if tried.shape != fits.shape[:1] or tried.dtype != bool:
        raise UserError(f'is {tried.dtype} {tried.shape}', file=path, field='tried', remedy=_REMEDY)
    of = SampleSet(str(stored['name']), len(fits), str(stored['digest'])) if {'name', 'digest'} <= set(stored) else None
    return StaticFits(fits, tried, of)


def write_fits(path: str | Path, fits: StaticFits) -> None:
    """Writes ``.npz`` whole or not at all.

    Raises:
        UserError: It cannot be written.
    """
    of = fits.of or SampleSet('', len(fits.fits))
    with atomic_open(path) as file:
        np.savez_compressed(file, fits=fits.fits, tried=fits.tried, name=np.array(of.name), digest=np.array(of.digest))


def _read_npy(path: Path) -> np.ndarray:
    try:
        found = np.load(path, allow_pickle=False)
        if not isinstance(found, np.ndarray):
            raise ValueError('it is an archive')
        return found
    except Exception as error:  # a damaged file fails anywhere
        raise UserError(
            f'it is no array of numbers ({type(error).__name__}: {error})', file=path, remedy=_REMEDY
        ) from error
