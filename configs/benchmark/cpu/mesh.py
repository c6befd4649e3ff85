# The synthetic benchmark's meshes at the size of a CPU: the mesh demo, judged on more scenes (Table 8 row 3)
_base_ = '../../mesh/das-mesh_tiny_1xb8-12e_synthetic-448x256.py'

val_dataloader = dict(dataset=dict(num_images=200))
test_dataloader = val_dataloader
