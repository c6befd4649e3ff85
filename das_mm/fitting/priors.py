"""The pose prior under the name that fitting code looks for; its one statement stands with the losses."""

from das_mm.models.losses.body_priors import MaxMixturePrior as PoseMixturePrior

__all__ = ['PoseMixturePrior']
