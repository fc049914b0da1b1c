"""nndl_lib.data: the sets against scikit-learn's, the toy sets against their formulas, splits and standardizing."""

import math
import re

import numpy as np
import pytest
import sklearn.datasets
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from nndl_lib import data

# The same examples on every run; no file of past failures.
checks = settings(derandomize=True, deadline=None, max_examples=25, database=None)
seeds = st.integers(0, 2**32 - 1)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


# --- real sets ---

CLASSES = {
    "breast_cancer": (data.breast_cancer, sklearn.datasets.load_breast_cancer, (569, 30), ("malignant", "benign")),
    "digits": (data.digits, sklearn.datasets.load_digits, (1797, 64), tuple("0123456789")),
    "wine": (data.wine, sklearn.datasets.load_wine, (178, 13), ("class_0", "class_1", "class_2")),
}


@pytest.mark.parametrize("name", CLASSES)
def test_class_set_equals_scikit_learns(name):
    load, oracle, shape, target_names = CLASSES[name]
    raw, found = oracle(), load(torch.float64)
    assert found.X.shape == shape and found.t.shape == shape[:1]
    assert found.X.dtype == torch.float64 and found.t.dtype == torch.int64
    assert np.array_equal(found.X.numpy(), raw.data)
    assert np.array_equal(found.t.numpy(), raw.target)
    assert found.feature_names == tuple(raw.feature_names)
    assert found.target_names == target_names
    assert all(type(word) is str for word in found.feature_names + found.target_names)
    assert sorted(set(found.t.tolist())) == list(range(len(target_names)))


def test_diabetes_equals_scikit_learns_raw_measurements():
    raw, found = sklearn.datasets.load_diabetes(scaled=False), data.diabetes(torch.float64)
    assert found.X.shape == (442, 10) and found.t.shape == (442,)
    assert found.X.dtype == found.t.dtype == torch.float64
    assert np.array_equal(found.X.numpy(), raw.data)
    assert np.array_equal(found.t.numpy(), raw.target)
    assert found.feature_names == ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
    assert found.target_names == ("progression",)


def test_diabetes_holds_what_its_docstring_says():
    X, t, names, _ = data.diabetes(torch.float64)
    assert set(X[:, names.index("sex")].tolist()) == {1.0, 2.0}
    assert (t.min().item(), t.max().item()) == (25.0, 346.0)
    # s4 is total cholesterol over HDL, mostly rounded to a whole number.
    s1, s3, s4 = (X[:, names.index(name)] for name in ("s1", "s3", "s4"))
    assert ((s1 / s3 - s4).abs() < 0.7).all()
    # LDL was not measured but had from Friedewald's formula, total - HDL - triglycerides / 5: this ties s5 down as
    # the natural logarithm. Four rows of the file are off, one of them by more than rounding.
    s2, s5 = X[:, names.index("s2")], X[:, names.index("s5")]
    assert ((5 * (s1 - s2 - s3) - s5.exp()).abs() > 0.02).sum() == 4


def test_digits_gray_levels():
    X = data.digits(torch.float64).X
    assert (X.min().item(), X.max().item()) == (0.0, 16.0)


@pytest.mark.parametrize("load", [data.diabetes, data.breast_cancer, data.digits, data.wine])
def test_dtype_of_real_sets(load):
    default = torch.get_default_dtype()
    exact, rounded = load(torch.float64), load(torch.float32)
    assert rounded.X.dtype == torch.float32
    assert torch.equal(rounded.X, exact.X.float())
    assert torch.equal(rounded.t, exact.t.to(rounded.t.dtype))
    assert rounded.t.dtype == (torch.float32 if load is data.diabetes else torch.int64)
    try:
        for dtype in (torch.float32, torch.float64):
            torch.set_default_dtype(dtype)
            assert load().X.dtype == dtype
    finally:
        torch.set_default_dtype(default)


# --- toy sets ---


def line(N, noise, generator, dtype=None):
    return data.make_line(N, -1.5, 0.7, noise, generator, dtype)


TOYS = {"make_line": (line, lambda x: -1.5 * x + 0.7), "make_sine": (data.make_sine, lambda x: (2 * math.pi * x).sin())}


@pytest.mark.parametrize("name", TOYS)
@checks
@given(N=st.integers(1, 50), seed=seeds, dtype=st.sampled_from([torch.float32, torch.float64]))
def test_toy_without_noise_is_the_formula(name, N, seed, dtype):
    make, formula = TOYS[name]
    x, t = make(N, 0, rng(seed), dtype)
    assert x.shape == t.shape == (N,)
    assert x.dtype == t.dtype == dtype
    assert ((x >= 0) & (x < 1)).all()
    assert torch.equal(t, formula(x))


@pytest.mark.parametrize("name", TOYS)
def test_toy_noise_is_normal_and_of_that_size(name):
    make, formula = TOYS[name]
    N, noise = 20000, 0.3
    x, t = make(N, noise, rng(1), torch.float64)
    z = (t - formula(x)) / noise
    # Five standard errors of each statistic; the seed is fixed, so the outcome is as well.
    error = 5 / math.sqrt(N)
    assert abs(z.mean()) < error
    assert abs(z.std() - 1) < error / math.sqrt(2)
    for width, share in ((1, 0.682689), (2, 0.954500)):  # of a normal distribution, within so many deviations
        assert abs((z.abs() < width).double().mean() - share) < error * math.sqrt(share * (1 - share))
    assert abs(x.mean() - 0.5) < error / math.sqrt(12)
    assert abs(x.var() - 1 / 12) < error / math.sqrt(180)
    assert abs(torch.corrcoef(torch.stack([x, z]))[0, 1]) < error


@pytest.mark.parametrize("name", TOYS)
def test_toy_repeats_with_its_seed_and_advances_its_generator(name):
    make, _ = TOYS[name]
    generator = rng(3)
    first, second, again, other = (make(5, 0.1, g) for g in (generator, generator, rng(3), rng(4)))
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    for unlike in (second, other):
        assert not torch.equal(first[0], unlike[0]) and not torch.equal(first[1], unlike[1])


@pytest.mark.parametrize("name", TOYS)
def test_toy_takes_the_default_dtype(name):
    make, _ = TOYS[name]
    default = torch.get_default_dtype()
    try:
        for dtype in (torch.float32, torch.float64):
            torch.set_default_dtype(dtype)
            x, t = make(3, 0.1, rng())
            assert x.dtype == t.dtype == dtype
    finally:
        torch.set_default_dtype(default)


@pytest.mark.parametrize("name", TOYS)
@pytest.mark.parametrize("N", [0, -1, 2.0, True, "3"])
def test_toy_bad_size(name, N):
    with pytest.raises(ValueError, match=re.escape(f"{name}: N is {N!r}; expected an integer of at least 1")):
        TOYS[name][0](N, 0.1, rng())


@pytest.mark.parametrize("name", TOYS)
@pytest.mark.parametrize("noise", [-0.1, math.nan, math.inf])
def test_toy_bad_noise(name, noise):
    message = f"{name}: noise is {noise}; expected a finite number of at least 0"
    with pytest.raises(ValueError, match=message):
        TOYS[name][0](3, noise, rng())


# --- split ---


@checks
@given(seed=seeds, weights=st.lists(st.integers(1, 9), min_size=1, max_size=5), extra=st.integers(0, 60))
def test_split_puts_every_row_into_one_part(seed, weights, extra):
    fractions = tuple(weight / sum(weights) for weight in weights)
    N = 2 * sum(weights) + extra  # at least two rows a part
    rows = torch.arange(N)
    X, t = torch.stack([rows, rows**2], dim=1).double(), -rows
    parts = data.split(X, rows, t, fractions=fractions, generator=rng(seed))
    assert len(parts) == len(fractions)
    assert sorted(torch.cat([part[1] for part in parts]).tolist()) == list(range(N))
    for part_X, part_rows, part_t in parts:  # a row's entries stay together
        assert part_X.dtype == torch.float64 and part_t.dtype == torch.int64
        assert torch.equal(part_X, X[part_rows]) and torch.equal(part_t, t[part_rows])
    ends = np.cumsum([len(part[1]) for part in parts])
    assert (np.abs(ends - N * np.cumsum(fractions)) <= 0.5 + 1e-9).all()  # rounded to the nearest row


def test_split_sizes():
    parts = data.split(torch.arange(10), fractions=(0.8, 0.1, 0.1), generator=rng())
    assert [len(part[0]) for part in parts] == [8, 1, 1]
    (whole,) = data.split(torch.arange(10), fractions=(1.0,), generator=rng())
    assert len(whole[0]) == 10


def test_split_shuffles_by_its_generator_alone():
    def order(seed):
        (part,) = data.split(torch.arange(50), fractions=(1.0,), generator=rng(seed))
        return part[0].tolist()

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert order(1) != list(range(50))


def test_split_shuffles_evenly():
    # The first row lands in the first half about half the time: 400 draws, five standard errors.
    firsts = [data.split(torch.arange(6), fractions=(0.5, 0.5), generator=rng(seed))[0][0] for seed in range(400)]
    share = sum(0 in first for first in firsts) / 400
    assert abs(share - 0.5) < 5 * 0.5 / 20


def test_split_copies_and_leaves_its_input():
    X = torch.arange(10.0)
    (part,) = data.split(X, fractions=(1.0,), generator=rng())
    part[0].zero_()
    assert torch.equal(X, torch.arange(10.0))


def test_split_rows_differ():
    message = r"the tensors have \[10, 9\] rows; expected at least one tensor, all with the same number"
    with pytest.raises(ValueError, match=message):
        data.split(torch.zeros(10, 2), torch.zeros(9), fractions=(0.5, 0.5), generator=rng())
    with pytest.raises(ValueError, match=r"the tensors have \[\] rows; expected at least one tensor"):
        data.split(fractions=(0.5, 0.5), generator=rng())


@pytest.mark.parametrize("fractions", [(0.5, 0.4), (0.5, 0.6), (1.2, -0.2), (1.0, 0.0), ()])
def test_split_bad_fractions(fractions):
    message = re.escape(f"fractions are {fractions}; expected positive numbers that add up to 1")
    with pytest.raises(ValueError, match=message):
        data.split(torch.zeros(10), fractions=fractions, generator=rng())


@pytest.mark.parametrize("N, fractions", [(2, (0.9, 0.1)), (0, (1.0,)), (3, (0.1, 0.9)), (1, (0.5, 0.5))])
def test_split_too_few_rows(N, fractions):
    message = re.escape(f"{N} rows are too few for fractions {fractions}: a part would be empty")
    with pytest.raises(ValueError, match=message):
        data.split(torch.zeros(N), fractions=fractions, generator=rng())


# --- Standardizer ---


@checks
@given(seed=seeds, N=st.integers(2, 30), M=st.integers(1, 10), D=st.integers(1, 6))
def test_standardizer_equals_scikit_learns(seed, N, M, D):
    generator = rng(seed)
    size = 10 ** torch.randint(-3, 4, (D,), generator=generator).double()
    shift = torch.randn(D, generator=generator, dtype=torch.float64)
    train = torch.randn(N, D, generator=generator, dtype=torch.float64) * size + shift
    other = torch.randn(M, D, generator=generator, dtype=torch.float64) * size + shift
    oracle, found = StandardScaler().fit(train.numpy()), data.Standardizer(train)
    close = {"rtol": 1e-10, "atol": 1e-10}
    torch.testing.assert_close(found.mean, torch.from_numpy(oracle.mean_), **close)
    torch.testing.assert_close(found.scale, torch.from_numpy(oracle.scale_), **close)
    for X in (train, other):
        kept = X.clone()
        Z = found.transform(X)
        torch.testing.assert_close(Z, torch.from_numpy(oracle.transform(X.numpy())), **close)
        torch.testing.assert_close(found.inverse_transform(Z), X, **close)
        assert torch.equal(X, kept)  # not changed in place
    Z = found.transform(train)
    torch.testing.assert_close(Z.mean(dim=0), torch.zeros(D, dtype=torch.float64), **close)
    torch.testing.assert_close(Z.std(dim=0, correction=0), torch.ones(D, dtype=torch.float64), **close)


def test_standardizer_uses_the_training_data_alone():
    train, test = torch.tensor([[0.0], [2.0]]), torch.tensor([[101.0], [103.0]])
    found = data.Standardizer(train)
    assert found.transform(test).flatten().tolist() == [100.0, 102.0]  # the test set's own mean would give -1, 1
    assert (found.mean.item(), found.scale.item()) == (1.0, 1.0)


@pytest.mark.parametrize("value", [0.0, 5.0, 0.1, 1 / 3, 1e8 / 3])
def test_standardizer_constant_column(value):
    # A column of 0.1 has a computed deviation of about 1e-17, not 0: dividing by it would blow up rounding errors.
    constant = torch.full((11, 1), value, dtype=torch.float64)
    for X in (constant, torch.cat([constant, torch.arange(11.0).double().unsqueeze(1)], dim=1)):
        found = data.Standardizer(X)
        assert found.scale[0] == 1
        assert found.transform(X)[:, 0].tolist() == pytest.approx([0.0] * 11, abs=1e-15 * (1 + value))
        assert found.transform(X + 4)[:, 0].tolist() == pytest.approx([4.0] * 11, abs=1e-15 * (1 + value))
        torch.testing.assert_close(found.inverse_transform(found.transform(X)), X, rtol=1e-12, atol=1e-12)


def test_standardizer_single_row():
    found = data.Standardizer(torch.tensor([[3.0, 4.0]]))
    assert found.transform(torch.tensor([[3.0, 5.0]])).tolist() == [[0.0, 1.0]]


def test_standardizer_keeps_the_dtype():
    for dtype in (torch.float32, torch.float64):
        X = torch.rand(5, 2, generator=rng(), dtype=dtype)
        assert data.Standardizer(X).transform(X).dtype == dtype


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_standardizer_names_the_entry_that_is_not_finite(value):
    X = torch.zeros(4, 3)
    X[2, 1] = value
    with pytest.raises(ValueError, match=re.escape(f"X[2, 1] is {value}; expected finite numbers")):
        data.Standardizer(X)


@pytest.mark.parametrize("shape", [(3,), (0, 2), (2, 3, 4), ()])
def test_standardizer_bad_shape(shape):
    message = f"X has shape {shape}; expected (N, D)" + ", with sizes of at least 1" * (0 in shape)
    with pytest.raises(ValueError, match=re.escape(message)):
        data.Standardizer(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(4, 2), (4, 1), (3,), (1, 4, 3)])
def test_standardizer_other_number_of_columns(shape):
    found = data.Standardizer(torch.rand(5, 3, generator=rng()))
    message = re.escape(f"X has shape {shape}, but it was fitted on 3 columns; expected (M, 3)")
    for method in (found.transform, found.inverse_transform):
        with pytest.raises(ValueError, match=message):
            method(torch.zeros(shape))


def test_split_not_a_number():
    with pytest.raises(ValueError, match="fractions are"):
        data.split(torch.zeros(10), fractions=(float("nan"), 0.5), generator=torch.Generator())


def test_split_half_rows():
    parts = data.split(torch.arange(10), fractions=(0.15, 0.1, 0.75), generator=torch.Generator())
    assert sum(len(part[0]) for part in parts) == 10


def test_standardizer_of_integers():
    with pytest.raises(ValueError, match="int64"):
        data.Standardizer(torch.ones(3, 2, dtype=torch.int64))


# --- Whitening ---


def covariance(X):
    centered = X - X.mean(dim=0)
    return centered.T @ centered / len(X)


@checks
@given(
    seed=seeds, D=st.integers(1, 6), extra=st.integers(1, 20), M=st.integers(1, 5), kind=st.sampled_from(["pca", "zca"])
)
def test_whitening(seed, D, extra, M, kind):
    generator, close = rng(seed), {"rtol": 1e-8, "atol": 1e-8}
    mix = torch.randn(D, D, generator=generator, dtype=torch.float64) + 3 * torch.eye(D, dtype=torch.float64)
    train = torch.randn(D + extra, D, generator=generator, dtype=torch.float64) @ mix + 10
    other = torch.randn(M, D, generator=generator, dtype=torch.float64)
    found, kept = data.Whitening(train, kind), train.clone()
    Z = found.transform(train)
    torch.testing.assert_close(Z.mean(dim=0), torch.zeros(D, dtype=torch.float64), **close)
    torch.testing.assert_close(covariance(Z), torch.eye(D, dtype=torch.float64), **close)
    for X in (train, other):
        torch.testing.assert_close(found.inverse_transform(found.transform(X)), X, **close)
    assert torch.equal(train, kept)
    # Against scikit-learn's PCA, whose deviations divide by N - 1 and whose signs are free.
    oracle = PCA(whiten=True).fit(train.numpy())
    factor = (len(train) / (len(train) - 1)) ** 0.5
    projected = data.Whitening(train).transform(other)
    torch.testing.assert_close(
        projected.abs() / factor, torch.from_numpy(oracle.transform(other.numpy())).abs(), rtol=1e-6, atol=1e-8
    )
    deviations = torch.from_numpy(oracle.explained_variance_).sqrt() / factor
    torch.testing.assert_close(found.scale, deviations, **close)
    torch.testing.assert_close(found.directions.T @ found.directions, torch.eye(D, dtype=torch.float64), **close)
    largest = found.directions.gather(0, found.directions.abs().argmax(dim=0, keepdim=True))
    assert (largest > 0).all()
    if kind == "zca":  # symmetric: the inverse root of the covariance
        values, vectors = torch.linalg.eigh(covariance(train))
        root = vectors @ torch.diag(values.rsqrt()) @ vectors.T
        torch.testing.assert_close(found.transform(other), (other - train.mean(dim=0)) @ root, rtol=1e-6, atol=1e-6)


def test_whitening_by_hand():
    X = torch.tensor([[4.0, 1.0], [-4.0, 1.0], [0.0, 3.0], [0.0, -1.0]])
    found = data.Whitening(X)
    assert found.mean.tolist() == [0, 1]
    torch.testing.assert_close(found.scale, torch.tensor([8.0, 2.0]).sqrt())
    torch.testing.assert_close(found.transform(X), torch.tensor([[2.0, 0], [-2, 0], [0, 2], [0, -2]]) / 2**0.5)
    with_eps = data.Whitening(X, eps=1.0)
    torch.testing.assert_close(with_eps.scale, torch.tensor([3.0, 3**0.5]))
    torch.testing.assert_close(with_eps.inverse_transform(with_eps.transform(X)), X)


@pytest.mark.parametrize("kind", ["pca", "zca"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_whitening_without_variance(kind, dtype):
    # Constant columns, a column twice, fewer rows than columns: what does not vary goes to 0, and comes back.
    x = torch.randn(50, 2, generator=rng(), dtype=dtype)
    constant = torch.full((50, 1), 1e4 / 3, dtype=dtype)
    for X, rank in (
        (torch.cat([x, constant, x[:, :1]], dim=1), 2),
        (torch.randn(3, 7, generator=rng(), dtype=dtype), 2),
    ):
        found = data.Whitening(X, kind)
        assert found.transform(X).dtype == dtype and found.directions.shape == (X.shape[1], X.shape[1])
        assert (found.scale[rank:] == 1).all() and (found.scale[:rank] > 1e-2).all() and (found.scale[:rank] != 1).all()
        values = torch.linalg.eigvalsh(covariance(found.transform(X).double()))
        expected = torch.tensor([0.0] * (X.shape[1] - rank) + [1.0] * rank, dtype=torch.float64)
        torch.testing.assert_close(values, expected, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(found.inverse_transform(found.transform(X)), X, rtol=1e-5, atol=1e-5)
    single = data.Whitening(torch.tensor([[3.0, 4.0]], dtype=dtype), kind)
    assert single.transform(torch.tensor([[3.0, 4.0]], dtype=dtype)).abs().max() == 0


def test_whitening_of_the_digits():
    X = data.digits(torch.float64).X
    found = data.Whitening(X)
    values = covariance(found.transform(X)).diagonal()
    assert ((values - 1).abs() < 1e-10).sum() == 61 and (values < 1e-20).sum() == 3


def test_whitening_refuses():
    X = torch.rand(5, 3, generator=rng())
    with pytest.raises(ValueError, match="Whitening: kind is 'ZCA'; expected 'pca' or 'zca'"):
        data.Whitening(X, "ZCA")
    for eps in (-1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match=f"Whitening: eps is {eps}; expected a finite number of at least 0"):
            data.Whitening(X, eps=eps)
    for shape in ((3,), (0, 2), (2, 3, 4), ()):
        message = f"Whitening: X has shape {shape}; expected (N, D)" + ", with sizes of at least 1" * (0 in shape)
        with pytest.raises(ValueError, match=re.escape(message)):
            data.Whitening(torch.zeros(shape))
    with pytest.raises(ValueError, match="Whitening: X is torch.int64; expected a floating-point dtype"):
        data.Whitening(X.long())
    X[2, 1] = math.nan
    with pytest.raises(ValueError, match=re.escape("Whitening: X[2, 1] is nan; expected finite numbers")):
        data.Whitening(X)
    found = data.Whitening(X[:2])
    for method in (found.transform, found.inverse_transform):
        message = re.escape("Whitening: X has shape (4, 2), but it was fitted on 3 columns; expected (M, 3)")
        with pytest.raises(ValueError, match=message):
            method(torch.zeros(4, 2))
