"""The best fit that has been seen of every training sample, in the frame of its image (thesis §3.3.5).

SPIN calls it the dictionary. Rows are kept by data set and index of the sample and never by place in a batch, and as
the image shows the person, before any augmentation. All ranks hold the whole store and hear of each other's winners.
Letters: N samples of a data set, B samples of a batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from mmengine.dist import all_gather_object
from torch import Tensor

from das_mm.errors import UserError

from .augmented_pose import into_crop, out_of_crop

NUM_POSE, NUM_BETAS = 72, 10
NUM_FIT = NUM_POSE + NUM_BETAS


@dataclass(frozen=True)
class SampleSet:
    """Whose fits they are: one data set.

    Attributes:
        name: As its samples name it.
        num_samples: N.
        digest: Of what tells its samples apart ('' where nobody says), so that rows never go to another's people.
    """

    name: str
    num_samples: int
    digest: str = ''

    @classmethod
    def of_samples(cls, name: str, samples: Iterable[Any]) -> SampleSet:
        """From what tells each sample from the others (file and person, say), in the order of the indices."""
        digest, count = hashlib.sha256(), 0
        for sample in samples:
            digest.update(f'{sample!r}\n'.encode())
            count += 1
        return cls(name, count, digest.hexdigest())


class SampleKeys(NamedTuple):
    """Which samples a batch holds and how its crops were augmented.

    Attributes:
        datasets: B names.
        indices: B numbers within the data set.
        rotation_deg: (B,).
        flip: (B,) bool.
    """

    datasets: Sequence[str]
    indices: Sequence[int]
    rotation_deg: Tensor
    flip: Tensor


class FitsStore:
    """Poses and shapes (N, 82), float32 on the CPU: 72 axis-angle numbers and 10 betas; NaN where there is none yet.

    Args:
        sets: The data sets.
    """

    def __init__(self, sets: Iterable[SampleSet]) -> None:
        self.sets = {one.name: one for one in sets}
        self.fits = {name: torch.full((one.num_samples, NUM_FIT), torch.nan) for name, one in self.sets.items()}

    def fill(self, dataset: str, fits: Tensor) -> None:
        """The fits to begin with, made offline.

        Args:
            dataset: Name.
            fits: (N, 82); rows that are not finite stay without a fit.

        Raises:
            UserError: Another shape, or a data set that is not trained on.
        """
        known = self._known(dataset)
        if fits.shape != known.shape:
            raise UserError(
                f'fits of shape {tuple(fits.shape)} for the {len(known)} samples of {dataset}',
                field='fits',
                remedy=f'give ({len(known)}, {NUM_FIT}) numbers: one row a sample, in the order of the data set',
            )
        sound = fits.isfinite().all(1)
        known[sound] = fits[sound].to(known)

    def read(self, keys: SampleKeys) -> tuple[Tensor, Tensor]:
        """The fits of a batch as its crops show them: pose (B, 72) and betas (B, 10), NaN where there is none."""
        rows = torch.stack([self._known(name)[index] for name, index in zip(keys.datasets, keys.indices)])
        pose, betas = rows.split([NUM_POSE, NUM_BETAS], dim=1)
        return into_crop(pose, keys.rotation_deg.cpu(), keys.flip.cpu()), betas

    def write(self, keys: SampleKeys, pose: Tensor, betas: Tensor, quality: Tensor, better: Tensor) -> int:
        """Keeps the fits that won. To be called by all ranks together, also by those without a winner.

        Args:
            pose, betas: (B, 72) and (B, 10), as the crops show them.
            quality: (B,) mean reprojection energy; where two ranks bring the same sample the lower one stays.
            better: (B,) bool: who won. What is not finite is not kept, whatever this says.

        Returns:
            How many of this rank's winners were left out because they are not finite.
        """
        better, flip = better.cpu().bool(), keys.flip.cpu()
        pose, betas, quality = (value.detach().cpu().float() for value in (pose, betas, quality))
        rows = torch.cat([out_of_crop(pose, keys.rotation_deg.cpu(), flip), betas], dim=1)
        sound = rows.isfinite().all(1) & quality.isfinite()
        kept = (better & sound).nonzero().flatten().tolist()
        winners = [(keys.datasets[i], int(keys.indices[i]), float(quality[i]), rows[i].clone()) for i in kept]
        gathered = [winner for one_rank in all_gather_object(winners) for winner in one_rank]
        for name, index, _, row in sorted(gathered, key=lambda winner: -winner[2]):  # stable: the best is written last
            self._known(name)[index] = row
        return int((better & ~sound).sum())

    def state_dict(self) -> dict[str, Any]:
        """Plain tensors, texts and numbers, for a checkpoint."""
        return {
            name: dict(num_samples=one.num_samples, digest=one.digest, fits=self.fits[name].clone())
            for name, one in self.sets.items()
        }

    def load_state_dict(self, state: Mapping[str, Any], file: Any = None) -> None:
        """Takes the rows of :meth:`state_dict`.

        Raises:
            UserError: It is the store of other data sets, or of other samples under the same name.
        """
        if set(state) != set(self.sets):
            raise UserError(
                f'its fits are of {_listed(state)}, and this training is on {_listed(self.sets)}',
                file=file,
                field='fits_store',
                remedy='resume with the data sets of the run that was interrupted, or start anew with load_from',
            )
        for name, one in self.sets.items():
            theirs = state[name]
            same = theirs['num_samples'] == one.num_samples and theirs['digest'] == one.digest
            if not same or tuple(theirs['fits'].shape) != (one.num_samples, NUM_FIT):
                raise UserError(
                    f'its {theirs["num_samples"]} fits are of other samples than the {one.num_samples} of {name} now',
                    file=file,
                    field=f'fits_store.{name}',
                    remedy='resume with the annotations of the run that was interrupted, or start anew with load_from',
                )
        for name in self.sets:
            self.fits[name].copy_(state[name]['fits'])

    def _known(self, dataset: str) -> Tensor:
        if dataset not in self.fits:
            raise UserError(
                f'there are no fits of the data set {dataset!r}',
                field='dataset',
                remedy=f'use one of: {_listed(self.fits)}',
            )
        return self.fits[dataset]


def _listed(names: Iterable[str]) -> str:
    return ', '.join(sorted(names)) or 'no data set'
