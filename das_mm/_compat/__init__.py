"""What the installed stack lacks: mmcv's compiled module, and mmengine's knowledge of our configs and checkpoints.

Importing it is light: neither torch nor an mm package is loaded until one of them is imported by somebody.
"""
