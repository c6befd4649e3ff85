"""Verbs of the command line, one module each (`HELP`, `add_arguments`, `run`); `train` and `test` serve mim too."""
