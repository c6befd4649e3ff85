from .mixed_source_sampler import MixedSourceSampler
from .sequence_sampler import SequenceSampler

__all__ = ['MixedSourceSampler', 'SequenceSampler']
