"""Data: real sets that ship with scikit-learn, toy sets made from a seed, splits, standardizing and whitening.

Nothing here uses the network. Real sets come as raw measurements; ``Standardizer`` brings them to one scale. First
used in chapter 02, "Linear models".
"""

import math
from numbers import Real
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nndl_lib._arguments import check_generator, check_tensors
from nndl_lib._declared import checked, count, number, one_of
from nndl_lib.data._checks import DRAWN, floating


class Dataset(NamedTuple):
    """Inputs and targets with their names: ``X`` (N, D) float, ``t`` (N,) float for regression, int64 for classes."""

    X: Tensor
    t: Tensor
    feature_names: tuple[str, ...]  # D names, in the order of X's columns
    target_names: tuple[str, ...]  # one name for a regression target, else the name of class 0, 1, ...


@checked(dtype=floating)
def diabetes(dtype: torch.dtype | None = None) -> Dataset:
    """442 patients: disease progression one year on, from ten measurements. A regression task.

    Units: age in years; sex coded 1 and 2; bmi in kg/m2; bp, mean blood pressure, in mmHg; s1 total cholesterol, s2
    LDL, s3 HDL, each in mg/dl; s4 the ratio of total cholesterol to HDL; s5 the logarithm of serum triglycerides; s6
    blood sugar in mg/dl. The target is a clinical score from 25 to 346, without a unit.

    Source: Efron, Hastie, Johnstone & Tibshirani, "Least Angle Regression", Annals of Statistics 32 (2004) 407,
    https://doi.org/10.1214/009053604000000067, as shipped with scikit-learn.
    """
    from sklearn.datasets import load_diabetes

    raw = load_diabetes(scaled=False)
    dtype = dtype or torch.get_default_dtype()
    X, t = torch.as_tensor(raw.data, dtype=dtype), torch.as_tensor(raw.target, dtype=dtype)
    return Dataset(X, t, tuple(raw.feature_names), ("progression",))


@checked(dtype=floating)
def breast_cancer(dtype: torch.dtype | None = None) -> Dataset:
    """569 tumors, 30 measurements of cell nuclei in a microscope picture: class 0 malignant, class 1 benign.

    Units: lengths in pixels of the picture; ratios have none. Each of ten measurements comes as mean, standard error
    and "worst" (mean of the three largest).

    Source: Wolberg, Mangasarian, Street & Street, UCI Machine Learning Repository (1993),
    https://doi.org/10.24432/C5DW2B, as shipped with scikit-learn.
    """
    from sklearn.datasets import load_breast_cancer

    return _classes(load_breast_cancer(), dtype)


@checked(dtype=floating)
def digits(dtype: torch.dtype | None = None) -> Dataset:
    """1797 handwritten digits, 8 x 8 pixels as 64 columns (row by row), gray levels 0 (paper) to 16 (ink): classes 0-9.

    Source: Alpaydin & Kaynak, UCI Machine Learning Repository (1998), https://doi.org/10.24432/C50P49 (its test set),
    as shipped with scikit-learn.
    """
    from sklearn.datasets import load_digits

    return _classes(load_digits(), dtype)


@checked(dtype=floating)
def wine(dtype: torch.dtype | None = None) -> Dataset:
    """178 wines, 13 chemical measurements, three growers as the classes. Units differ by column and are not recorded.

    Source: Aeberhard & Forina, UCI Machine Learning Repository (1992), https://doi.org/10.24432/C5PC7J, as shipped
    with scikit-learn.
    """
    from sklearn.datasets import load_wine

    return _classes(load_wine(), dtype)


def _classes(raw, dtype: torch.dtype | None) -> Dataset:
    X = torch.as_tensor(raw.data, dtype=dtype or torch.get_default_dtype())
    t = torch.as_tensor(raw.target, dtype=torch.int64)
    return Dataset(X, t, tuple(map(str, raw.feature_names)), tuple(map(str, raw.target_names)))


@checked(N=count(), w=number(-math.inf), b=number(-math.inf), **DRAWN)
def make_line(
    N: int, w: float, b: float, noise: float, generator: torch.Generator, dtype: torch.dtype | None = None
) -> tuple[Tensor, Tensor]:
    """N points on a line plus Gaussian noise: x uniform on [0, 1), ``t = w x + b + noise * N(0, 1)``; both (N,).

    Raises: ValueError: N < 1, or noise is negative.
    """
    x, epsilon = _uniform_and_normal(N, generator, dtype)
    return x, w * x + b + noise * epsilon


@checked(N=count(), **DRAWN)
def make_sine(
    N: int, noise: float, generator: torch.Generator, dtype: torch.dtype | None = None
) -> tuple[Tensor, Tensor]:
    """N points of one period of a sine plus Gaussian noise: x uniform on [0, 1), ``t = sin(2 pi x) + noise * N(0, 1)``.

    The set-up of the polynomial example of Bishop, "Pattern Recognition and Machine Learning" (2006), section 1.1.

    Raises: ValueError: N < 1, or noise is negative.
    """
    x, epsilon = _uniform_and_normal(N, generator, dtype)
    return x, torch.sin(2 * math.pi * x) + noise * epsilon


def _uniform_and_normal(N: int, generator: torch.Generator, dtype: torch.dtype | None) -> tuple[Tensor, Tensor]:
    options: dict[str, Any] = {"generator": generator, "device": generator.device, "dtype": dtype}
    return torch.rand(N, **options), torch.randn(N, **options)


def split(*tensors: Tensor, fractions: tuple[float, ...], generator: torch.Generator) -> tuple[tuple[Tensor, ...], ...]:
    """Shuffle the rows of the tensors together and cut them into parts: one tuple of tensors a part.

    For example ``(X_train, t_train), (X_val, t_val) = split(X, t, fractions=(0.8, 0.2), generator=g)``. Every row lands
    in exactly one part; sizes are rounded so that they add up to N.

    Raises:
        ValueError: the tensors differ in their number of rows, the fractions are not positive or do not add up to 1,
            or a part would be empty.
    """
    _check_split(tensors, fractions, generator)
    N = len(tensors[0])
    # Halves go up: round() would send them to the even neighbor, now up and now down.
    cuts = [0] + [math.floor(N * sum(fractions[: k + 1]) + 0.5) for k in range(len(fractions))]
    if any(stop == start for start, stop in zip(cuts, cuts[1:])):
        raise ValueError(f"split: {N} rows are too few for fractions {fractions}: a part would be empty")
    order = torch.randperm(N, generator=generator, device=generator.device).to(tensors[0].device)
    return tuple(tuple(tensor[order[start:stop]] for tensor in tensors) for start, stop in zip(cuts, cuts[1:]))


class Standardizer:
    """Brings each column to mean 0 and standard deviation 1, by the mean and deviation of the data it is fitted on.

    Fit it on the training data alone: a mean that includes test rows has seen them. A column that is constant in the
    training data is shifted to 0 and not scaled. The deviation divides by N, as in scikit-learn's StandardScaler.

    Attributes:
        mean: (D,). scale: (D,), the standard deviations, 1 for a constant column.
    """

    @checked(X="finite N D")
    def __init__(self, X: Tensor):
        """Fit to X (N, D). Raises ValueError where it is of another shape, not floating-point, or not finite."""
        self.mean = X.mean(dim=0)
        deviation = X.std(dim=0, correction=0)
        constant = (X == X[0]).all(dim=0)
        self.scale = torch.where(constant, torch.ones_like(deviation), deviation)

    def transform(self, X: Tensor) -> Tensor:
        """``(X - mean) / scale``, shape (M, D). Raises ValueError where X has another number of columns."""
        return (_checked_columns(X, self.mean, "Standardizer") - self.mean) / self.scale

    def inverse_transform(self, X: Tensor) -> Tensor:
        """``X * scale + mean``, shape (M, D): undoes ``transform``."""
        return _checked_columns(X, self.mean, "Standardizer") * self.scale + self.mean


class Whitening:
    """Makes the columns uncorrelated, each of variance 1, on the data it is fitted on: the covariance is the identity.

    Fit it on the training data alone. The data are turned to their principal directions, and each direction is divided
    by its standard deviation (divided by N, as in ``Standardizer``). A direction in which the training data do not
    vary, up to rounding, is shifted to 0 and not scaled, so that ``transform`` can be undone.

    Attributes:
        mean: (D,). directions: (D, D), the principal directions as orthonormal columns, the one of the largest
        deviation first, each with its largest entry positive. scale: (D,), the deviations along them, 1 where they
        are 0.
    """

    @checked(X="finite N D", kind=one_of("pca", "zca"), eps=number())
    def __init__(self, X: Tensor, kind: str = "pca", eps: float = 0.0):
        """Fit to X (N, D).

        Args:
            kind: "pca" leaves the result in the principal directions, the first column that of the largest deviation;
                "zca" turns it back to the columns of X, of all whitenings the one that changes X least.
            eps: at least 0, added to the variances before the root, so that directions of noise are not blown up.

        Raises:
            ValueError: X is of another shape, not floating-point or not finite, or another argument is none of these.
        """
        self.kind, self.mean = kind, X.mean(dim=0)
        centered = X - X[0]  # exact zeros in constant columns, whatever the constant
        centered = centered - centered.mean(dim=0)
        # By singular values: the covariance would square the condition number. The R of QR has those of X, and is
        # small; full_matrices gives all D directions where N < D.
        _, deviations, rows = torch.linalg.svd(torch.linalg.qr(centered, mode="r").R, full_matrices=True)
        deviations = torch.cat([deviations, deviations.new_zeros(X.shape[1] - len(deviations))]) / len(X) ** 0.5
        rounding = max(X.shape) * torch.finfo(X.dtype).eps * deviations[0]
        largest = rows.gather(1, rows.abs().argmax(dim=1, keepdim=True))
        self.directions = (rows * largest.sign()).T
        varies = deviations > rounding
        self.scale = torch.where(varies, (deviations.square() + eps).sqrt(), torch.ones_like(deviations))

    def transform(self, X: Tensor) -> Tensor:
        """Whitened rows, shape (M, D). Raises ValueError where X has another number of columns."""
        Z = (_checked_columns(X, self.mean, "Whitening") - self.mean) @ self.directions / self.scale
        return Z @ self.directions.T if self.kind == "zca" else Z

    def inverse_transform(self, Z: Tensor) -> Tensor:
        """Rows as they were, shape (M, D): undoes ``transform``. Raises ValueError as that does."""
        Z = _checked_columns(Z, self.mean, "Whitening")
        Z = Z @ self.directions if self.kind == "zca" else Z
        return Z * self.scale @ self.directions.T + self.mean


def _check_split(tensors: tuple[Tensor, ...], fractions: tuple[float, ...], generator: torch.Generator) -> None:
    check_tensors("split", **{f"tensors[{k}]": tensor for k, tensor in enumerate(tensors)})
    check_generator(generator, "generator", "split")
    rows = [len(tensor) for tensor in tensors]
    if not rows or len(set(rows)) != 1:
        raise ValueError(f"split: the tensors have {rows} rows; expected at least one tensor, all with the same number")
    # Written so that a NaN fails as well.
    numbers = isinstance(fractions, (tuple, list)) and all(isinstance(fraction, Real) for fraction in fractions)
    if not (numbers and fractions and all(fraction > 0 for fraction in fractions) and abs(sum(fractions) - 1) < 1e-9):
        raise ValueError(f"split: fractions are {fractions}; expected positive numbers that add up to 1")


def _checked_columns(X: Tensor, mean: Tensor, caller: str) -> Tensor:
    check_tensors(caller, X=X)
    if X.ndim != 2 or X.shape[1] != len(mean):
        raise ValueError(
            f"{caller}: X has shape {tuple(X.shape)}, but it was fitted on {len(mean)} columns; "
            f"expected (M, {len(mean)})"
        )
    return X
