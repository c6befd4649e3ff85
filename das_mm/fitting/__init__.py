"""SMPLify: bodies fitted to keypoints by minimising an energy (torch), with one term, one driver or one start a file.

Papers: Bogo et al., "Keep it SMPL", ECCV 2016; Kolotouros et al., "Learning to Reconstruct 3D Human Pose and Shape via
Model-fitting in the Loop" (SPIN), ICCV 2019. Bodies and their priors are those of :mod:`das_mm.models`. Lengths are
METRES here, as bodies have them, pixels those of whatever image the camera is of.
"""

from das_mm.lazy_exports import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        '.cameras': 'FittingCamera',
        '.energy_terms': 'anchor_energy geman_mcclure reprojection_energy torso_energy',
        '.fit_result': 'FitResult',
        '.initial_placement': 'place_torso turned_round',
        '.keypoint_roles': 'KeypointRoles',
        '.lbfgs': 'LBFGSOptions minimise_lbfgs',
        '.people_energy': 'PeopleObservations depth_energy image_energy',
        '.people_fitter': 'FittedPeople PeopleFitOptions PeopleFitter',
        '.rigid_alignment': 'rigid_rotation',
        '.smplify': 'AdamSchedule EnergyWeights SMPLify',
        '.staged_smplify': 'StagedEnergy StagedSMPLify',
        '.translation': 'translation_least_squares',
    },
)
