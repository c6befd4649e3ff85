from .temporal import TemporalDataPreprocessor

__all__ = ['TemporalDataPreprocessor']
