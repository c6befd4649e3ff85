"""The one place where the version stands (read by the build too)."""

__version__ = '0.1.0'
