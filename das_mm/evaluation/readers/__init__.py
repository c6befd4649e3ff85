"""Data samples read for evaluation: torch or numpy, ``PoseDataSample`` or the dict that mmengine makes of it."""
