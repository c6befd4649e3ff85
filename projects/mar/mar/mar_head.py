"""The MAR head: maps, losses and inference (MAR §3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.structures import InstanceData
from mmpose.utils.typing import OptConfigType, OptMultiConfig, SampleList
from torch import Tensor, nn

from das_mm.datasets.transforms import turn_lens
from das_mm.errors import UserError
from das_mm.models.argument_groups import refuse_unknown
from das_mm.models.task_modules import PersonLabels
from das_mm.registry import MODELS
from das_mm.structures import transform_camera
from das_mm.structures.image_frame import known_camera

from .limb_skeleton import limb_skeleton
from .map_losses import map_losses
from .mar_decoder import MARDecoder
from .mar_network import MapSettings, MARMaps, MARNetwork
from .root_depths import InputCamera
from .root_losses import BatchCameras, RootSettings, root_losses

LOSS_WEIGHTS = dict(heatmap=1.0, field=1.0, offset=0.05, relative_depth=1.0, regression=0.1, geometry=0.1)


@MODELS.register_module()
class MARHead(MARNetwork):
    """Heat maps, part affinity fields, 2.5D offsets and two depths of the root.

    Training supervises the offsets at the true root, and the geometric depth that follows from them; the choice between
    heat map and offset (Eq. 3), the fusion of the depths (Eq. 12) and the grouping are inference's alone.

    Args:
        keypoint_set: Name of the set that is learnt.
        maps: As of :class:`.MapSettings`.
        roots: As of :class:`.RootSettings`.
        sigmas: Of the Gaussians at each scale, cells.
        half_widths: Of the strips about limbs at each scale, cells.
        loss_weights: Over :data:`LOSS_WEIGHTS`; 0 takes a term out.
        test_cfg: Over :data:`.mar_decoder.DECODING`; an estimator's own goes over it.
        init_cfg: As in mmengine.

    Raises:
        UserError: The set lacks the end of a limb, or a group has an unknown key.
    """

    uses_sigma = False  # of keypoints; the σ of both root depths are told beside the pose

    def __init__(
        self,
        keypoint_set: str = 'panoptic15_mpi',
        maps: OptConfigType = None,
        roots: OptConfigType = None,
        sigmas: Sequence[float] = (2.0, 2.0, 2.0, 2.0),
        half_widths: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
        loss_weights: OptConfigType = None,
        test_cfg: OptConfigType = None,
        init_cfg: OptMultiConfig = None,
    ):
        super().__init__(limb_skeleton(keypoint_set), MapSettings(**(maps or {})), init_cfg)
        refuse_unknown('model.head.loss_weights', loss_weights or {}, LOSS_WEIGHTS)
        scales = len(self.settings.strides)
        if not len(self.settings.in_channels) == scales == len(sigmas) == len(half_widths):
            raise UserError(
                f'{scales} strides, {len(self.settings.in_channels)} in_channels, {len(sigmas)} sigmas and '
                f'{len(half_widths)} half_widths are not of the same scales',
                field='model.head',
                remedy='give one of each for every scale, finest first',
            )
        self.roots = RootSettings(**(roots or {}))
        self.sigmas, self.half_widths = tuple(sigmas), tuple(half_widths)
        self.loss_weights = {**LOSS_WEIGHTS, **(loss_weights or {})}
        self.test_cfg = dict(test_cfg or {})
        self.branches = nn.ModuleDict()  # tasks that others plug into DAS; none here
        self.geometry_share = 1.0  # of the weight of the geometric loss, see set_geometry_share

    @property
    def num_keypoints(self) -> int:
        return self.skeleton.num_keypoints

    @property
    def decoder(self) -> MARDecoder:
        """From the maps of one image to people."""
        return MARDecoder(
            self.skeleton.keypoint_set.name, self.settings.strides[0], self.roots.depth_scale, self.roots.torso_mm
        )

    def set_geometry_share(self, share: float) -> None:
        """How much of its weight the geometric loss has; early offsets mean nothing, see :class:`.GeometryWarmUp`."""
        self.geometry_share = share

    # ---------------------------------------------------------------- training

    def loss(self, feats: Sequence[Tensor], batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            feats: L maps (B, C, h, w), finest first.
            batch_data_samples: Samples with ``gt_instance_labels``; images without people are welcome.
        """
        device = feats[0].device
        labels = PersonLabels.from_instances([sample.gt_instance_labels for sample in batch_data_samples], device)
        return self.loss_by_feat(self(feats), labels, BatchCameras.of_samples(batch_data_samples, device))

    def loss_by_feat(self, maps: MARMaps, labels: PersonLabels, cameras: BatchCameras) -> dict[str, Tensor]:
        """Weighted losses as ``loss_<name>``, and what the geometry masks as ``geometry_<reason>``.

        Args:
            maps: Of the network.
            labels: N people of the batch, px of the network input.
            cameras: Of the network inputs.
        """
        strides = self.settings.strides
        with torch.autocast(labels.image.device.type, enabled=False):
            heatmap, field = map_losses(maps, labels, self.skeleton, strides, self.sigmas, self.half_widths)
            at_roots = root_losses(maps, labels, cameras, self.skeleton, strides[0], self.roots)
        terms = dict(heatmap=heatmap, field=field, **at_roots)
        terms['geometry'] = terms['geometry'] * self.geometry_share
        return {
            f'loss_{name}' if name in self.loss_weights else name: value * self.loss_weights.get(name, 1)
            for name, value in terms.items()
        }

    # ---------------------------------------------------------------- inference

    def predict(
        self, feats: Sequence[Tensor], batch_data_samples: SampleList, test_cfg: OptConfigType = None
    ) -> list[InstanceData]:
        """People of every image in the frame of the network input, best first; see :meth:`.MARDecoder.decode`."""
        return self.predict_by_feat(self(feats), batch_data_samples, test_cfg)

    def predict_by_feat(
        self, maps: MARMaps, batch_data_samples: SampleList, test_cfg: OptConfigType = None
    ) -> list[InstanceData]:
        """People from the maps of a batch."""
        options, decoder = {**self.test_cfg, **(test_cfg or {})}, self.decoder
        finest = [one.detach().float().cpu().numpy() for one in maps.finest()]
        people = []
        for index, sample in enumerate(batch_data_samples):
            camera = input_camera(sample.metainfo, options.get('default_fov_deg'))
            fields = decoder.decode(*(one[index] for one in finest), camera, options)
            people.append(
                InstanceData(metainfo=None, **{name: torch.from_numpy(value) for name, value in fields.items()})
            )
        return people


def input_camera(metainfo: dict, fov_deg: float | None = None) -> InputCamera:
    """The camera of a network input: that of the original image under the map between the two."""
    camera = known_camera(metainfo.get('camera'), metainfo['ori_shape'], fov_deg)
    K, turn = transform_camera(camera['K'], metainfo['warp_mat'])
    dist = camera.get('dist')
    return InputCamera(K, None if dist is None or not any(dist) else turn_lens(dist, turn))
