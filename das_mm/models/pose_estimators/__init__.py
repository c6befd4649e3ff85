from .das import DAS

__all__ = ['DAS']
