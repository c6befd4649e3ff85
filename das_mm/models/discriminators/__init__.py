from .adversarial_data_parallel import AdversarialDataParallel
from .adversarial_step import AdversarialStep
from .body_pose_discriminator import BodyPoseDiscriminator
from .least_squares import discriminator_loss, generator_loss

__all__ = [
    'AdversarialDataParallel',
    'AdversarialStep',
    'BodyPoseDiscriminator',
    'discriminator_loss',
    'generator_loss',
]
