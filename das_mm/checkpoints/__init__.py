"""Checkpoints: loading them, the small models of the package, and conversion from other code."""
