"""What the installed stack lacks or has to be told: mmengine's view of this package, classes inside checkpoints."""
