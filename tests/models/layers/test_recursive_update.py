"""The recursive update: dense form against hand-computed values, sparse form against the dense one."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from das_mm.errors import UserError
from das_mm.models.layers import LazyRows, MultiSourceUpdate, NoUpdate, PlainUpdate, PointIndex
from das_mm.registry import MODELS


def at_points(maps, points, keypoints, dims):
    """Maps (B, K*D, H, W) at the points, (P, K, D)."""
    return maps[points.batch, :, points.y, points.x].view(-1, keypoints, dims)


def all_pixels(offsets):
    batch, _, height, width = offsets.shape
    return PointIndex(*torch.ones(batch, height, width).nonzero(as_tuple=True))


def both(update, feat, offsets):
    """Every pixel, computed in both ways, each as a list over the layers of (pixels, K, D)."""
    points = all_pixels(offsets)
    dense = [at_points(maps, points, update.num_keypoints, update.dims) for maps in update.dense(feat, offsets)]
    return dense, update.sparse(feat, offsets, points)


# --- by hand -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('share', [0.0, 2.0])
def test_plain_by_hand(monkeypatch, share):
    monkeypatch.setattr(LazyRows, 'DENSE_SHARE', share)
    offsets = torch.zeros(1, 3, 3, 3)  # x, y, z of one keypoint
    for (x, y), value in {
        (0, 0): (1.5, 0.5, 1),  # → between (1, 0), (2, 0), (1, 1), (2, 1)
        (1, 0): (4, 0, 0),
        (2, 0): (8, 4, 4),
        (1, 1): (0, -4, 8),
        (2, 1): (0, 8, 0),
        (2, 2): (0.75, 0, 2),  # → a quarter of itself, three quarters outside
        (0, 2): (-5, 0, 3),  # → outside
        (1, 2): (-1, -0.5, 0),  # → half of (0, 1), which is zero, half of (0, 2)
    }.items():
        offsets[0, :, y, x] = torch.tensor(value, dtype=torch.float32)
    expected = {
        (0, 0): (4.5, 2.5, 4),
        (2, 2): (0.9375, 0, 2.5),
        (0, 2): (-5, 0, 3),
        (0, 1): (0, 0, 0),
        (1, 2): (-3.5, -0.5, 1.5),
    }
    update = PlainUpdate(num_keypoints=1, in_channels=2, dims=3)
    for result in (values[0] for values in both(update, torch.zeros(1, 2, 3, 3), offsets)):
        for (x, y), value in expected.items():
            torch.testing.assert_close(result[y * 3 + x, 0], torch.tensor(value, dtype=torch.float32))


def quiet_multi_source(keypoints, dims, gate=-60.0, **kwargs):
    """No gate, no sample offsets, equal confidences: everything that the network says comes from the biases."""
    update = MultiSourceUpdate(keypoints, 4, dims, feat_channels=8, num_groups=2, **kwargs).double()
    for name in update.layers:
        network = getattr(update, name).next_level_offset
        for conv in (
            network.sampling_offset,
            network.sampling_conf,
            network.update_weight,
            network.update_offset_value,
        ):
            torch.nn.init.zeros_(conv.weight)
        torch.nn.init.constant_(network.update_weight.bias, gate)
    return update


def random_maps(batch, keypoints, dims, height, width, scale=2.0, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    feat = torch.randn(batch, 4, height, width, generator=generator, dtype=torch.float64).to(dtype)
    offsets = torch.randn(batch, keypoints * dims, height, width, generator=generator, dtype=torch.float64) * scale
    return feat, offsets.to(dtype)


@pytest.mark.parametrize('share', [0.0, 2.0])
@pytest.mark.parametrize('dims', [2, 3])
def test_multi_source_without_steps_averages_pixel_and_target(monkeypatch, dims, share):
    """Half of the sources say U[p], half U[p] + U[t]; of the depth z[p] and z[t]. With t read as the plain update."""
    monkeypatch.setattr(LazyRows, 'DENSE_SHARE', share)
    feat, offsets = random_maps(2, 3, dims, 6, 5)
    plain = PlainUpdate(3, 4, dims).dense(feat, offsets)[0]
    expected = (plain + offsets) / 2
    if dims == 3:
        expected = expected.view(2, 3, 3, 6, 5)
        expected[:, :, 2] -= offsets.view(2, 3, 3, 6, 5)[:, :, 2] / 2  # d_m adds no depth: (z[p] + z[t]) / 2
        expected = expected.view_as(offsets)
    for result in (values[0] for values in both(quiet_multi_source(3, dims), feat, offsets)):
        torch.testing.assert_close(result, at_points(expected, all_pixels(offsets), 3, dims))


def test_multi_source_gate_and_zero_padding_by_hand():
    """One keypoint on one row of four pixels, one head, worked out on paper.

    Half-open gate: U = (8, -2, 0) and V = (-2, 2, 6) give (3, 0, 3) everywhere. At x = 0 the target is x = 3: there
    the step reads 1, so the first source is x = 0 + 3 + 1 = 4: outside, its offset is zero and so is its confidence,
    although its bias is log 3; it says (4, 0, 0). The second source is x = 0 + 1: it says (1 + 3, 0, 3) with confidence
    log 3. Softmax: 1/4 and 3/4. At x = 2 both the target x = 5 and so its step lie outside: the source is x = 5 and
    says (3, 0, 0); the other is x = 3 and says (4, 0, 3).
    """
    update = quiet_multi_source(1, 3, gate=0.0, num_heads=1)
    network = update.layer_0.next_level_offset
    network.update_offset_value.bias.data = torch.tensor([-2.0, 2.0, 6.0]).double()
    network.sampling_offset.bias.data = torch.tensor([1.0, 0.0]).double()
    network.sampling_conf.bias.data.fill_(3.0).log_()
    offsets = torch.tensor([8.0, -2.0, 0.0]).double().view(1, 3, 1, 1).expand(1, 3, 1, 4).contiguous()
    for result in (values[0] for values in both(update, torch.zeros(1, 4, 1, 4).double(), offsets)):
        torch.testing.assert_close(result[0, 0], torch.tensor([4.0, 0.0, 9 / 4]).double())
        torch.testing.assert_close(result[2, 0], torch.tensor([(3 + 3 * 4) / 4, 0.0, 9 / 4]).double())


@pytest.mark.parametrize('dims', [2, 3])
@pytest.mark.parametrize('layers', [1, 3])
def test_exact_offset_field_is_a_fixed_point(layers, dims):
    """If U[p] leads from every p to the joint, every source says so, wherever it is and whatever its weight."""
    height, width, joint = 24, 25, torch.tensor([12.3, 11.6]).double()
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
    field = [joint[0] - x, joint[1] - y] + [torch.full_like(x, 0.8, dtype=torch.float64)] * (dims - 2)
    offsets = torch.stack(field).double()[None]
    feat, _ = random_maps(1, 1, dims, height, width)

    torch.manual_seed(0)
    update = quiet_multi_source(1, dims, num_layers=layers)
    for name in update.layers:
        network = getattr(update, name).next_level_offset
        torch.nn.init.uniform_(network.sampling_offset.bias, -1, 1)
        torch.nn.init.normal_(network.sampling_offset.weight, std=0.02)
        torch.nn.init.normal_(network.sampling_conf.weight)
    updates, inner = [update], torch.zeros(1, height, width)
    inner[:, 3 * layers : -3 * layers, 3 * layers : -3 * layers] = 1  # the sources of all layers stay on the map
    if dims == 2:
        updates.append(PlainUpdate(1, 4, dims, layers))  # for depth it adds what target and pixel say: no fixed point
    points = PointIndex(*inner.nonzero(as_tuple=True))
    for update in updates:
        for result in (
            update.sparse(feat, offsets, points),
            [at_points(maps, points, 1, dims) for maps in update.dense(feat, offsets)],
        ):
            assert len(result) == layers
            for values in result:
                torch.testing.assert_close(values, at_points(offsets, points, 1, dims), rtol=0, atol=1e-9)


# --- sparse equals dense -----------------------------------------------------------------------------------------


class Case:
    """A random update with random maps and points."""

    def __init__(self, draw, dtype):
        self.dims, self.keypoints, batch = draw(st.integers(2, 3)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
        height, width, self.count = draw(st.integers(1, 17)), draw(st.integers(1, 17)), draw(st.integers(0, 50))
        layers, heads = draw(st.integers(1, 3)), draw(st.integers(1, 4))
        self.share = draw(st.sampled_from([0.0, LazyRows.DENSE_SHARE, 2.0]))
        torch.manual_seed(draw(st.integers(0, 10**6)))
        kind = draw(st.sampled_from([NoUpdate, PlainUpdate, MultiSourceUpdate, MultiSourceUpdate]))
        own = {
            NoUpdate: {},
            PlainUpdate: dict(num_layers=layers),
            MultiSourceUpdate: dict(num_layers=layers, num_heads=heads, feat_channels=8, num_groups=2),
        }[kind]
        self.update = kind(self.keypoints, 6, self.dims, **own).to(dtype)
        for parameter in self.update.parameters():
            torch.nn.init.normal_(parameter, std=0.4)
        self.feat = torch.randn(batch, 6, height, width, dtype=dtype, requires_grad=True)
        self.offsets = (
            torch.randn(batch, self.keypoints * self.dims, height, width, dtype=dtype)
            * draw(st.sampled_from([0.3, 1.0, 4.0]))
        ).requires_grad_()
        size = dict(size=(self.count,))
        self.points = PointIndex(
            torch.randint(batch, **size), torch.randint(height, **size), torch.randint(width, **size)
        )

    def results(self, sparse):
        """Values, and the gradients of a random weighting of them."""
        if sparse:
            values = self.update.sparse(self.feat, self.offsets, self.points)
        else:
            values = [
                at_points(maps, self.points, self.keypoints, self.dims)
                for maps in self.update.dense(self.feat, self.offsets)
            ]
        torch.manual_seed(0)
        loss = sum((torch.randn_like(value) * value).sum() for value in values)
        if not values:
            return []
        inputs = [self.offsets, *self.update.parameters()] + [self.feat] * isinstance(self.update, MultiSourceUpdate)
        return [*values, *torch.autograd.grad(loss, inputs)]


@pytest.mark.parametrize('dtype, tolerance', [(torch.float64, 1e-9), (torch.float32, 1e-4)])
def test_sparse_equals_dense(monkeypatch, dtype, tolerance):

    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(st.data())
    def check(data):
        case = Case(data.draw, dtype)
        monkeypatch.setattr(LazyRows, 'DENSE_SHARE', case.share)
        dense, sparse = case.results(sparse=False), case.results(sparse=True)
        assert len(dense) == len(sparse)
        for expected, actual in zip(dense, sparse):
            assert actual.shape == expected.shape and actual.dtype == dtype
            scale = max(1.0, expected.abs().max().item()) if expected.numel() else 1.0
            torch.testing.assert_close(actual, expected, rtol=0, atol=tolerance * scale)

    check()


# --- it touches little -------------------------------------------------------------------------------------------


def test_work_follows_the_points(monkeypatch):
    """Rows computed for 20 points on a large map, counted; and never more than there are."""
    tables = []
    start = LazyRows.__init__

    def recording(self, *args, **kwargs):
        start(self, *args, **kwargs)
        tables.append(self)

    monkeypatch.setattr(LazyRows, '__init__', recording)
    keypoints, count = 5, 20
    update = MultiSourceUpdate(keypoints, 4, 3, num_layers=2, feat_channels=8, num_groups=2)
    feat, offsets = random_maps(1, keypoints, 3, 60, 80, dtype=torch.float32)
    pixels = torch.randperm(60 * 80, generator=torch.Generator().manual_seed(0))[:count]
    with torch.no_grad():
        update.sparse(feat, offsets, PointIndex(torch.zeros_like(pixels), pixels // 80, pixels % 80))
    # in the order of construction: initial; then for each layer steps, gates, local, updated
    initial, steps, gates, local, first, _, _, last_local, last = tables
    wanted = count * keypoints
    assert last.num_computed == wanted
    assert wanted < first.num_computed == last_local.num_computed <= wanted * (1 + 8 * 4)
    assert first.num_computed < local.num_computed == initial.num_computed < initial.size / 2
    assert max(steps.num_computed, gates.num_computed) <= 60 * 80

    tables.clear()
    monkeypatch.setattr(LazyRows, 'DENSE_SHARE', 2.0)
    with torch.no_grad():
        update.sparse(feat, offsets, all_pixels(offsets))
    assert all(table.num_computed <= table.size for table in tables)


# --- construction ------------------------------------------------------------------------------------------------


def test_parameter_names_are_the_released_ones():
    update = MODELS.build(dict(type='MultiSourceUpdate', num_keypoints=15, in_channels=256, num_layers=2))
    shapes = {name: tuple(value.shape) for name, value in update.state_dict().items()}
    expected = {'reduction.conv.weight': (256, 256, 1, 1), 'reduction.gn.weight': (256,), 'reduction.gn.bias': (256,)}
    for layer in ('layer_0', 'layer_1'):
        for name, channels in (
            ('sampling_offset', 15 * 4 * 2),
            ('sampling_conf', 45),
            ('update_weight', 45),
            ('update_offset_value', 45),
        ):
            expected[f'{layer}.next_level_offset.{name}.weight'] = (channels, 256, 1, 1)
            expected[f'{layer}.next_level_offset.{name}.bias'] = (channels,)
        conv = f'{layer}.next_level_offset.update_feat_conv'
        expected |= {
            f'{conv}.conv.weight': (256, 256, 3, 3),
            f'{conv}.conv.conv_offset.weight': (27, 256, 3, 3),
            f'{conv}.conv.conv_offset.bias': (27,),
            f'{conv}.gn.weight': (256,),
            f'{conv}.gn.bias': (256,),
        }
    assert shapes == expected
    network = update.layer_1.next_level_offset
    assert 0.009 < network.sampling_offset.weight.std() < 0.011 and not network.sampling_offset.bias.any()


def test_initialisation_survives_an_outer_init_cfg():
    from mmengine.model import BaseModule

    class Head(BaseModule):
        def __init__(self):
            super().__init__(dict(type='Normal', layer='Conv2d', std=1.0))
            self.update = MultiSourceUpdate(2, 4, feat_channels=8, num_groups=2)

    head = Head()
    head.init_weights()
    network = head.update.layer_0.next_level_offset
    assert network.sampling_offset.weight.std() < 0.02
    assert not network.update_feat_conv.conv.conv_offset.weight.any()


@pytest.mark.parametrize(
    'kind, kwargs, field',
    [
        (PlainUpdate, dict(dims=4), 'dims'),
        (PlainUpdate, dict(num_layers=0), 'num_layers'),
        (MultiSourceUpdate, dict(num_layers=0), 'num_layers'),
        (MultiSourceUpdate, dict(num_heads=0), 'num_heads'),
        (MultiSourceUpdate, dict(feat_channels=40), 'feat_channels'),
        (MultiSourceUpdate, dict(feat_channels=32), 'feat_channels'),
    ],
)
def test_bad_arguments_are_named(kind, kwargs, field):
    with pytest.raises(UserError) as error:
        kind(2, 8, **kwargs)
    assert error.value.field == field


def test_maps_of_a_wrong_shape_are_refused():
    update = PlainUpdate(2, 4)
    with pytest.raises(ValueError, match='offsets is'):
        update.dense(torch.zeros(1, 4, 3, 3), torch.zeros(1, 4, 3, 3))
    with pytest.raises(ValueError, match='feat is'):
        update.dense(torch.zeros(1, 3, 3, 3), torch.zeros(1, 6, 3, 3))
    for point in ((1, 0, 0), (0, 3, 0), (0, 0, -1)):
        with pytest.raises(IndexError, match='outside the maps'):
            update.sparse(torch.zeros(1, 4, 3, 3), torch.zeros(1, 6, 3, 3), PointIndex(*torch.tensor(point)[:, None]))
