# The demo: a DAS that two CPU cores train in minutes, on synthetic people
_base_ = [
    '../_base_/models/das_tiny.py', '../_base_/datasets/synthetic_448x256.py', '../_base_/schedules/adamw_tiny.py'
]
