# Second lesson: on four times as many scenes. Its end is what comes with the package for poses and meshes
_base_ = '../../mesh/das-mesh_tiny-l2_1xb8-20e_synthetic-448x256.py'
