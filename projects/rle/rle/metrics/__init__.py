from .confidence_correlation import ConfidenceCorrelation
from .h36m_error import RegressedH36MError

__all__ = ['ConfidenceCorrelation', 'RegressedH36MError']
