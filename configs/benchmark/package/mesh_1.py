# First lesson of the package's weights: poses and meshes on few scenes, from random numbers
_base_ = '../../mesh/das-mesh_tiny-l2_1xb8-12e_synthetic-448x256.py'
