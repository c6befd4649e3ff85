from .adversarial_step import AdversarialStep
from .body_pose_discriminator import BodyPoseDiscriminator
from .least_squares import discriminator_loss, generator_loss

__all__ = ['AdversarialStep', 'BodyPoseDiscriminator', 'discriminator_loss', 'generator_loss']
