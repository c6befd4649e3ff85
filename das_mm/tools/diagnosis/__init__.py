"""What the verb `doctor` looks at: the installed packages, which of them clash, and which mmcv stands."""
