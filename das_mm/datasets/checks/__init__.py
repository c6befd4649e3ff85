"""The check of annotation files that speaks to humans (`das-mm data check`)."""

from .annotation_check import CheckReport, check_annotation_file
from .findings import Finding, Kind

__all__ = ['CheckReport', 'Finding', 'Kind', 'check_annotation_file']
