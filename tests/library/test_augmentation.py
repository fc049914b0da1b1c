"""nndl_lib.data.augmentation against scipy.ndimage image by image, and against slicing and rot90."""

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from nndl_lib.data import augmentation as aug

# The same examples on every run; no file of past failures.
checks = settings(derandomize=True, deadline=None, max_examples=20, database=None)
seeds = st.integers(0, 2**32 - 1)
F64 = {"dtype": torch.float64}
shapes = st.one_of(
    st.tuples(st.integers(1, 4), st.integers(1, 7), st.integers(1, 7)),
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 6), st.integers(1, 6)),
)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def refused(message):
    return pytest.raises(ValueError, match=re.escape(message))


def images_of(shape, seed=0, dtype=torch.float64):
    return torch.rand(shape, generator=rng(seed), dtype=dtype) + 0.5


def oracle(images, degrees=0.0, factor=1.0, down=0.0, right=0.0):
    """The same by scipy, one channel of one image at a time."""
    out = np.empty(images.shape)
    N, (H, W) = len(images), images.shape[-2:]
    center = (np.array([H, W]) - 1) / 2
    for n, values in enumerate(
        zip(*(torch.as_tensor(v, **F64).expand(N).tolist() for v in (degrees, factor, down, right)))
    ):
        angle = math.radians(values[0])
        # Rows point down: counter-clockwise to the eye takes (y, x) to this, times the factor.
        forward = values[1] * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        back = np.linalg.inv(forward)
        offset = center - back @ (center + values[2:])
        for index in np.ndindex(images.shape[1:-2]):
            pixels = images[n].numpy()[index]
            out[n][index] = ndimage.affine_transform(pixels, back, offset, order=1, mode="grid-constant", cval=0.0)
    return torch.from_numpy(out)


def draw(low, high, N, seed):
    return low + (high - low) * torch.rand(N, generator=rng(seed), **F64)


# --- against scipy ---


@checks
@given(shape=shapes, seed=seeds, single=st.booleans())
def test_each_transformation_equals_scipys(shape, seed, single):
    images, N = images_of(shape, seed), shape[0]

    def values(low, high, seed):
        drawn = draw(low, high, N, seed)
        return drawn[0].item() if single else drawn

    down, right = values(-4, 4, seed + 1), values(-4, 4, seed + 2)
    close(aug.shift(images, down, right), oracle(images, down=down, right=right))
    degrees = values(-400, 400, seed + 3)
    close(aug.rotate(images, degrees), oracle(images, degrees=degrees))
    factor = values(0.2, 3, seed + 4)
    close(aug.scale(images, factor), oracle(images, factor=factor))


@checks
@given(shape=shapes, seed=seeds)
def test_random_affine_is_the_composition_in_one_interpolation(shape, seed):
    images, (H, W) = images_of(shape, seed), shape[-2:]
    found = aug.random_affine(images, (-20, 50), (0.2, 0.4), (0.5, 1.5), rng(seed))
    u = torch.rand(4, shape[0], generator=rng(seed), **F64)
    expected = oracle(
        images,
        degrees=-20 + 70 * u[0],
        factor=0.5 + u[1],
        right=0.2 * W * (2 * u[2] - 1),
        down=0.4 * H * (2 * u[3] - 1),
    )
    close(found, expected)


# --- exact cases ---


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 3, 28, 27), (2, 1, 1), (1, 5, 1)])
def test_no_transformation_changes_no_bit(shape, dtype):
    images = images_of(shape, dtype=dtype)
    for found in (
        aug.shift(images),
        aug.rotate(images, 0),
        aug.scale(images, 1),
        aug.random_affine(images, generator=rng()),
        aug.random_affine(images, 0, (0, 0), [1, 1]),
    ):
        assert torch.equal(found, images) and found.dtype == dtype


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("down", [-9, -3, -1, 0, 2, 7, 8])
@pytest.mark.parametrize("right", [-30, -6, 0, 1, 5])
def test_whole_pixels_are_shifted_exactly(down, right, dtype):
    H, W = 7, 6
    images = images_of((2, 3, H, W), dtype=dtype)
    expected = torch.zeros_like(images)
    if abs(down) < H and abs(right) < W:
        to = [slice(max(v, 0), size + min(v, 0)) for v, size in ((down, H), (right, W))]
        source = [slice(max(-v, 0), size + min(-v, 0)) for v, size in ((down, H), (right, W))]
        expected[(..., *to)] = images[(..., *source)]
    assert torch.equal(aug.shift(images, down, right), expected)


@pytest.mark.parametrize("shape", [(2, 8, 8), (2, 3, 5, 5)])
def test_quarter_turns_are_rot90(shape):
    images = images_of(shape)
    for quarters in (-1, 1, 2, 3, 5):
        close(aug.rotate(images, 90 * quarters), torch.rot90(images, quarters, (-2, -1)))


def test_enlarging_shows_the_center():
    image = torch.zeros(1, 5, 5)
    image[0, 2, 2] = 1.0
    assert aug.scale(image, 2.0)[0, 2].tolist() == [0, 0.5, 1, 0.5, 0]
    assert aug.scale(image, 0.5)[0, 2].tolist() == [0, 0, 1, 0, 0]


def test_each_image_has_its_own_value():
    images = images_of((3, 2, 6, 6))
    degrees = torch.tensor([0, 90, 30])
    found = aug.rotate(images, degrees)
    for k in range(3):
        close(found[k], aug.rotate(images[k : k + 1], degrees[k])[0])


def test_python_numbers_are_not_rounded():
    images = images_of((1, 4, 4))
    close(aug.shift(images, 0.1), 0.9 * images + 0.1 * aug.shift(images, 1))


# --- random draws ---


def test_random_values_fill_their_ranges():
    # A point of light, moved: where it went is read off by its mean place.
    images = torch.zeros(4000, 21, 41, **F64)
    images[:, 10, 20] = 1.0
    found = aug.random_affine(images, translate=(0.25, 0.4), generator=rng())
    y, x = torch.arange(21, **F64) - 10, torch.arange(41, **F64) - 20
    down, right = (found.sum(2) * y).sum(1), (found.sum(1) * x).sum(1)
    for moves, largest in ((down, 0.4 * 21), (right, 0.25 * 41)):
        assert -largest <= moves.min() < -0.99 * largest and 0.99 * largest < moves.max() <= largest
        assert moves.std().item() == pytest.approx(largest / math.sqrt(3), rel=0.03)
    assert torch.corrcoef(torch.stack([down, right]))[0, 1].abs() < 0.05


def test_one_number_of_degrees_is_a_symmetric_range():
    images = images_of((5, 6, 6))
    assert torch.equal(
        aug.random_affine(images, 30, generator=rng(3)), aug.random_affine(images, (-30, 30), generator=rng(3))
    )
    one, other = (aug.random_affine(images, translate=v, generator=rng(3)) for v in (0.3, (0.3, 0.3)))
    assert torch.equal(one, other)


def test_draws_come_from_the_generator_alone():
    images, before = images_of((4, 6, 6)), torch.get_rng_state()
    generator = rng(1)
    first, second = (aug.random_affine(images, 30, 0.2, (0.8, 1.2), generator) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(first, second)
    assert torch.equal(first, aug.random_affine(images, 30, 0.2, (0.8, 1.2), rng(1)))
    torch.manual_seed(7)
    expected = aug.random_affine(images, 30)
    torch.manual_seed(7)
    assert torch.equal(aug.random_affine(images, 30), expected)


def test_gradients_reach_the_images():
    images = images_of((2, 3, 3)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: aug.random_affine(x, 40, 0.2, (0.7, 1.3), rng()), (images,))


def test_inputs_are_not_changed():
    images, degrees = images_of((2, 5, 5)), torch.tensor([10.0, 20.0])
    kept = images.clone(), degrees.clone()
    aug.rotate(images, degrees)
    aug.shift(images)[0, 0, 0] = 9.0
    assert torch.equal(images, kept[0]) and torch.equal(degrees, kept[1])


def test_strided_images():
    images = images_of((6, 5, 2, 3)).permute(3, 2, 0, 1)
    close(aug.rotate(images, 20), aug.rotate(images.contiguous(), 20))


# --- what is refused ---

ALL = [
    ("shift", aug.shift),
    ("rotate", lambda images: aug.rotate(images, 10)),
    ("scale", lambda images: aug.scale(images, 2)),
    ("random_affine", aug.random_affine),
]


@pytest.mark.parametrize("name, function", ALL)
def test_what_is_no_batch_of_images(name, function):
    hint = "X.reshape(-1, 8, 8) makes images of rows"
    with refused(f"{name}: images has shape (5, 64); expected (N, H, W) or (N, C, H, W); {hint}"):
        function(torch.zeros(5, 64))
    for shape in ((5, 63), (64,), (), (2, 3, 4, 5, 6), (5, 0)):
        with pytest.raises(
            ValueError, match=re.escape(f"{name}: images has shape {shape}; expected (N, H, W) or (N, C, H, W)") + "$"
        ):
            function(torch.zeros(shape))
    for shape in ((0, 8, 8), (2, 0, 3, 3)):
        with refused(f"{name}: images has shape {shape}; expected at least one pixel"):
            function(torch.zeros(shape))
    for dtype in (torch.uint8, torch.int64, torch.bool):
        with refused(f"{name}: images is {dtype}; expected a floating-point dtype, e.g. images.float()"):
            function(torch.zeros(2, 8, 8, dtype=dtype))


@pytest.mark.parametrize(
    "caller, name", [("shift", "down"), ("shift", "right"), ("rotate", "degrees"), ("scale", "factor")]
)
def test_values_that_do_not_fit(caller, name):
    images, function = images_of((3, 2, 4, 4)), getattr(aug, caller)
    for shape in ((2,), (4,), (1,), (3, 1)):
        with refused(f"{caller}: {name} has shape {shape} and images (3, 2, 4, 4); expected one number or (3,)"):
            function(images, **{name: torch.ones(shape)})
    for value in (math.nan, math.inf):
        with refused(f"{caller}: {name} is {value}; expected a finite number"):
            function(images, **{name: value})
        with refused(f"{caller}: {name}[1] is {value}; expected finite numbers"):
            function(images, **{name: torch.tensor([1, value, 1])})


def test_bad_factors():
    images = images_of((2, 4, 4))
    for factor in (0, -1.5):
        with refused(f"scale: factor is {float(factor)}; expected a number greater than 0"):
            aug.scale(images, factor)
        with refused(f"scale: factor[1] is {float(factor)}; expected a number greater than 0"):
            aug.scale(images, torch.tensor([1.0, factor]))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"degrees": -5}, "degrees is -5; expected a finite number of at least 0"),
        ({"degrees": math.nan}, "degrees is nan; expected a finite number of at least 0"),
        ({"degrees": (5, -5)}, "degrees is (5, -5); expected two numbers, the smaller first"),
        ({"degrees": (1, 2, 3)}, "degrees is (1, 2, 3); expected two numbers"),
        ({"degrees": (1, math.inf)}, "degrees is (1, inf); expected finite numbers"),
        ({"degrees": (-math.inf, 1)}, "degrees is (-inf, 1); expected finite numbers"),
        ({"degrees": (False, 1)}, "degrees is (False, 1); expected finite numbers"),
        ({"translate": -0.1}, "translate is (-0.1, -0.1); expected shares of the side from 0 to 1"),
        ({"translate": 1.1}, "translate is (1.1, 1.1); expected shares of the side from 0 to 1"),
        ({"translate": (0.5, 2)}, "translate is (0.5, 2); expected shares of the side from 0 to 1"),
        ({"translate": (2, 0.5)}, "translate is (2, 0.5); expected shares of the side from 0 to 1"),
        ({"translate": (-0.5, 0.5)}, "translate is (-0.5, 0.5); expected shares of the side from 0 to 1"),
        ({"translate": (0.5, -0.5)}, "translate is (0.5, -0.5); expected shares of the side from 0 to 1"),
        ({"translate": (0.5,)}, "translate is (0.5,); expected two numbers"),
        ({"translate": "half"}, "translate is ('half', 'half'); expected finite numbers"),
        ({"scale": 1.2}, "scale is 1.2; expected two numbers"),
        ({"scale": (0, 1)}, "scale is (0, 1); expected two numbers above 0, the smaller first"),
        ({"scale": (1.2, 0.8)}, "scale is (1.2, 0.8); expected two numbers above 0, the smaller first"),
        ({"scale": (math.nan, 1)}, "scale is (nan, 1); expected finite numbers"),
    ],
)
def test_random_affine_refuses(options, message):
    with refused(f"random_affine: {message}"):
        aug.random_affine(images_of((2, 4, 4)), **options)


def test_the_ends_of_the_ranges_are_allowed():
    images = images_of((2, 4, 4))
    assert aug.random_affine(images, (5, 5), 1, (2, 2), rng()).shape == images.shape
    assert aug.random_affine(images, (-5, -5), (1, 0), (0.5, 0.5), rng()).shape == images.shape


# --- AlexNet's recipe: crops, mirror images, colors ---


@checks
@given(shape=shapes, seed=seeds, padding=st.integers(0, 2), data=st.data())
def test_random_crop_is_a_part_of_each_image(shape, seed, padding, data):
    images = images_of(shape, seed)
    h, w = (data.draw(st.integers(1, side + 2 * padding)) for side in shape[-2:])
    crops = aug.random_crop(images, (h, w), padding, generator=rng(seed))
    assert crops.shape == (*shape[:-2], h, w)
    padded = torch.nn.functional.pad(images, (padding,) * 4)
    down, right = (side - part + 1 for side, part in zip(padded.shape[-2:], (h, w)))
    draws = rng(seed)
    tops, lefts = (torch.randint(places, (len(images),), generator=draws).tolist() for places in (down, right))
    for crop, image, top, left in zip(crops, padded, tops, lefts):
        assert torch.equal(crop, image[..., top : top + h, left : left + w])


def test_random_crop_takes_every_place_equally_often():
    images = torch.arange(12.0).reshape(1, 3, 4).expand(12_000, 3, 4)
    corners = aug.random_crop(images, 2, generator=rng())[:, 0, 0]
    counts = corners.int().bincount(minlength=12)
    expected = torch.tensor([1.0, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0]) * 2000
    assert (counts[expected == 0] == 0).all() and (counts - expected).abs().max() < 200  # five standard deviations
    assert torch.equal(aug.random_crop(images[:5], (3, 4)), images[:5])


@checks
@given(shape=shapes, seed=seeds)
def test_horizontal_flip_mirrors_some(shape, seed):
    images = images_of(shape, seed)
    found = aug.horizontal_flip(images, generator=rng(seed))
    mirrored = torch.rand(len(images), generator=rng(seed)) < 0.5
    for before, after, flipped in zip(images, found, mirrored):
        assert torch.equal(after, before.flip(-1) if flipped else before)
    assert torch.equal(aug.horizontal_flip(images, 1), images.flip(-1)) and torch.equal(
        aug.horizontal_flip(images, 0), images
    )


def test_horizontal_flip_mirrors_a_share_of_p():
    images = torch.tensor([[[0.0, 1.0]]]).expand(10_000, 1, 2)
    for p in (0.5, 0.2):
        assert aug.horizontal_flip(images, p, rng())[:, 0, 0].mean().item() == pytest.approx(p, abs=0.02)


def colored(seed=0):
    mixing = torch.tensor([[2.0, 0.3, 0.1], [0.5, 1.0, 0.2], [0.1, 0.4, 0.7]], **F64)
    return torch.einsum("dc,nchw->ndhw", mixing, torch.randn(6, 3, 5, 4, generator=rng(seed), **F64))


def test_color_components_diagonalize_the_covariance():
    images = colored()
    variances, directions = aug.color_components(images)
    pixels = images.permute(0, 2, 3, 1).reshape(-1, 3)
    centered = pixels - pixels.mean(dim=0)
    covariance = centered.T @ centered / len(pixels)
    close(directions @ torch.diag(variances) @ directions.T, covariance)
    close(directions.T @ directions, torch.eye(3, **F64))
    assert (variances.diff() < 0).all()
    assert (directions.gather(0, directions.abs().argmax(dim=0, keepdim=True)) > 0).all()
    gray = aug.color_components(torch.ones(1, 1, 2, 2, **F64))
    assert gray[0].tolist() == [0] and gray[1].tolist() == [[1]]


def test_pca_color_shifts_each_image_by_one_color():
    images, components = colored(), aug.color_components(colored(1))
    found = aug.pca_color(images, 0.3, components, rng(5))
    shift = found - images
    close(shift, shift[:, :, :1, :1].expand_as(shift))
    draws = 0.3 * torch.randn(6, 3, generator=rng(5), **F64)
    close(shift[:, :, 0, 0], torch.stack([components[1] @ (a * components[0]) for a in draws]))
    close(
        aug.pca_color(images, 0.3, generator=rng(5)), aug.pca_color(images, 0.3, aug.color_components(images), rng(5))
    )
    close(aug.pca_color(images, generator=rng(5)), aug.pca_color(images, 0.1, generator=rng(5)))
    assert torch.equal(aug.pca_color(images, 0), images)
    assert aug.pca_color(images.float(), generator=rng()).dtype == torch.float32


@checks
@given(shape=shapes, seed=seeds, data=st.data())
def test_ten_crops_are_the_corners_the_center_and_their_mirror_images(shape, seed, data):
    images = images_of(shape, seed)
    H, W = shape[-2:]
    h, w = data.draw(st.integers(1, H)), data.draw(st.integers(1, W))
    crops = aug.ten_crop(images, (h, w))
    assert crops.shape == (len(images), 10, *shape[1:-2], h, w)
    top, left = (H - h) // 2, (W - w) // 2
    five = [
        *(images[..., :h, :w], images[..., :h, W - w :], images[..., H - h :, :w], images[..., H - h :, W - w :]),
        images[..., top : top + h, left : left + w],
    ]
    for k, crop in enumerate(five):
        assert torch.equal(crops[:, k], crop) and torch.equal(crops[:, k + 5], crop.flip(-1))
    assert torch.equal(aug.ten_crop(images, min(h, w)), aug.ten_crop(images, (min(h, w), min(h, w))))


def test_crops_flips_and_colors_draw_from_their_generator_alone():
    images, before = colored(), torch.get_rng_state()
    for function in (
        lambda g: aug.random_crop(images, 2, generator=g),
        lambda g: aug.horizontal_flip(images, generator=g),
        lambda g: aug.pca_color(images, generator=g),
    ):
        assert torch.equal(function(rng(1)), function(rng(1))) and not torch.equal(function(rng(1)), function(rng(3)))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ["random_crop", "horizontal_flip", "color_components", "pca_color", "ten_crop"])
def test_crops_flips_and_colors_bad_images(name):
    function, sizes = getattr(aug, name), ((2,) if "crop" in name else ())
    expected = "expected (N, C, H, W)" if "color" in name else "expected (N, H, W) or (N, C, H, W)"
    with refused(f"{name}: images has shape (3, 4); {expected}"):
        function(torch.zeros(3, 4), *sizes)
    with refused(f"{name}: images is torch.uint8; expected a floating-point dtype"):
        function(torch.zeros(1, 3, 4, 4, dtype=torch.uint8), *sizes)
    none = f"{expected}, with sizes of at least 1" if "color" in name else "expected at least one pixel"
    with refused(f"{name}: images has shape (0, 3, 4, 4); {none}"):
        function(torch.zeros(0, 3, 4, 4), *sizes)
    if "color" in name:
        with refused(f"{name}: images has shape (3, 4, 4); expected (N, C, H, W)"):
            function(torch.zeros(3, 4, 4))


def test_crops_flips_and_colors_bad_arguments():
    images = torch.zeros(2, 3, 4, 5)
    for name in ("random_crop", "ten_crop"):
        for size in ((5, 5), (4, 6)):
            there = "and the images, with padding, are 4 x 5; expected a part of them"
            with refused(f"{name}: size is {size[0]} x {size[1]} {there}"):
                getattr(aug, name)(images, size)
        with refused(f"{name}: size is 0; expected an integer of at least 1, or two"):
            getattr(aug, name)(images, 0)
    with refused("random_crop: padding is -1; expected an integer of at least 0"):
        aug.random_crop(images, 2, -1)
    for p in (-0.1, 1.1, math.nan, None):
        with refused(f"horizontal_flip: p is {p!r}; expected a number from 0 to 1"):
            aug.horizontal_flip(images, p)
    with refused("pca_color: std is -1; expected a finite number of at least 0"):
        aug.pca_color(images, -1)
    message = "pca_color: components have shapes (2,) and (3, 3) and images (2, 3, 4, 5); expected (3,) and (3, 3)"
    with refused(message):
        aug.pca_color(images, components=(torch.ones(2), torch.eye(3)))
    with refused(message.replace("(2,) and (3, 3) and images", "(3,) and (2, 2) and images")):
        aug.pca_color(images, components=(torch.ones(3), torch.eye(2)))
