"""Rays against triangles (Embree where it is installed, numpy elsewhere), and rasters in torch.

The rasters (:mod:`.z_buffer`, :mod:`.occupancy`, :mod:`.distance_field`) load torch and are imported by their modules'
names; the ray tracers do not.
"""

from .ray_tracer import EmbreeTracer, Hits, PlainTracer, build_tracer

__all__ = ['EmbreeTracer', 'Hits', 'PlainTracer', 'build_tracer']
