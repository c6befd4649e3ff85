from .multi_person_3d_metric import MultiPerson3DMetric

__all__ = ['MultiPerson3DMetric']
