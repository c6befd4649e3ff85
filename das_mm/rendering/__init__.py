"""Rays against triangles: Embree where it is installed, numpy elsewhere."""

from .ray_tracer import EmbreeTracer, Hits, PlainTracer, build_tracer

__all__ = ['EmbreeTracer', 'Hits', 'PlainTracer', 'build_tracer']
