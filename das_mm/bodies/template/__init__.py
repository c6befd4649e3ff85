"""Offline maker of ``data/template.npz``, the rest surface of the generated body; nothing at run time imports it."""
