"""Wrong answers to the exercises of chapter 02."""

import numpy as np
import torch

from nndl_lib import linear
from tests.wrong_answers import collection

ANSWERS, wrong = collection()

# --- cost -----------------------------------------------------------------------------------------------------------


@wrong("cost", "N times too large")
def adds_the_losses(X, t, w, b):
    y = X @ w + b
    return 0.5 * torch.sum((y - t) ** 2)


@wrong("cost", "twice too large")
def forgets_the_half(X, t, w, b):
    return torch.nn.functional.mse_loss(X @ w + b, t)


@wrong("cost", "sum of the squares")
def sum_of_squares(X, t, w, b):
    r = t - (X @ w + b)
    return r.dot(r)


@wrong("cost", "square root")
def root_mean_square(X, t, w, b):
    return torch.sqrt(((X @ w + b - t) ** 2).sum() / len(t))


@wrong("cost", "N x N table")
def column_against_row(X, t, w, b):
    y = X @ w.reshape(-1, 1) + b
    return ((y - t) ** 2).mean() / 2


@wrong("cost", "one loss for each example")
def not_averaged(X, t, w, b):
    return 0.5 * (X @ w + b - t) ** 2


@wrong("cost", "bias b is missing")
def without_bias(X, t, w, b):
    return ((X @ w - t) ** 2).mean() / 2


@wrong("cost", "number of features")
def divides_by_features(X, t, w, b):
    N, D = X.shape
    return ((X @ w + b - t) ** 2).sum() / (2 * D)


@wrong("cost", "square each of them first")
def squares_the_mean(X, t, w, b):
    return (X @ w + b - t).mean().square() / 2


@wrong("cost", "loses its digits")
def expands_the_square(X, t, w, b):
    y = X @ w + b
    return (y @ y - 2 * y @ t + t @ t) / (2 * len(t))


@wrong("cost", "loop runs over the examples")
def loops_over_examples(X, t, w, b):
    total = 0
    for i in range(len(t)):
        total = total + (X[i] @ w + b - t[i]) ** 2 / 2
    return total / len(t)


@wrong("cost", "loop runs over the features")
def loops_over_features(X, t, w, b):
    y = torch.zeros_like(t) + b
    for j in range(X.shape[1]):
        y += X[:, j] * w[j]
    return ((y - t) ** 2).mean() / 2


@wrong("cost", "loop runs over the examples")
def loops_in_a_generator(X, t, w, b):
    return sum((row @ w + b - target) ** 2 for row, target in zip(X, t)) / (2 * len(t))


@wrong("cost", "Leave out .item()")
def python_number(X, t, w, b):
    return (((X @ w + b - t) ** 2).mean() / 2).item()


@wrong("cost", "expected torch.float32, as ")
def always_double(X, t, w, b):
    r = (X @ w + b - t).double()
    return r @ r / (2 * len(t))


@wrong("cost", "it changes t, which belongs to the caller")
def writes_into_t(X, t, w, b):
    t -= X @ w + b
    return (t @ t) / (2 * len(t))


@wrong("cost", "is not what it should be")
def an_average_of_the_wrong_power(X, t, w, b):
    return ((X @ w + b - t) ** 4).mean() / 2


@wrong("cost", "is 0.3333 times what should be there")
def a_third(X, t, w, b):
    return ((X @ w + b - t) ** 2).mean() / 6


@wrong("cost", "shape (1,); expected (): an axis of length 1 too many")
def keeps_an_axis(X, t, w, b):
    return ((X @ w + b - t) ** 2).mean(dim=0, keepdim=True) / 2


@wrong("cost", "stopped with RuntimeError")
def multiplies_the_wrong_way(X, t, w, b):
    return ((w @ X + b - t) ** 2).mean() / 2


@wrong("cost", "It returns nothing")
def prints_instead(X, t, w, b):
    print(((X @ w + b - t) ** 2).mean() / 2)


# --- gradient -------------------------------------------------------------------------------------------------------


@wrong("gradient", "N times too large: the cost is the average")
def adds_the_slopes(X, t, w, b):
    r = X @ w + b - t
    return X.T @ r, r.sum()


@wrong("gradient", "Its sign is wrong")
def target_minus_prediction(X, t, w, b):
    r = t - X @ w - b
    return X.T @ r / len(t), r.mean()


@wrong("gradient", "twice too large")
def keeps_the_two(X, t, w, b):
    r = X @ w + b - t
    return 2 / len(t) * X.T @ r, 2 * r.mean()


@wrong("gradient", "db is N times too large")
def sums_db(X, t, w, b):
    r = X @ w + b - t
    return r @ X / len(t), r.sum()


@wrong("gradient", "dw is N times too large")
def sums_dw(X, t, w, b):
    r = X @ w + b - t
    return r @ X, r.mean()


@wrong("gradient", "number of features")
def wrong_shape_entry(X, t, w, b):
    r = X @ w + b - t
    return X.T @ r / X.shape[1], r.sum() / X.shape[1]


@wrong("gradient", "product of two means")
def product_of_means(X, t, w, b):
    r = (X @ w + b - t).mean()
    return X.mean(0) * r, r


@wrong("gradient", "it returns db, dw")
def bias_first(X, t, w, b):
    r = X @ w + b - t
    return r.mean(), X.T @ r / len(t)


@wrong("gradient", "bias b is missing")
def no_bias(X, t, w, b):
    r = X @ w - t
    return X.T @ r / len(t), r.mean()


@wrong("gradient", "average them over the examples")
def per_example(X, t, w, b):
    r = X @ w + b - t
    return r[:, None] * X, r


@wrong("gradient", "expected 2 values, dw, db")
def only_dw(X, t, w, b):
    return X.T @ (X @ w + b - t) / len(t)


@wrong("gradient", "too many")
def columns(X, t, w, b):
    r = (X @ w + b - t)[:, None]
    return X.T @ r / len(t), r.mean()


@wrong("gradient", "loop runs over the features")
def one_weight_at_a_time(X, t, w, b):
    r = X @ w + b - t
    dw = torch.stack([(r * X[:, j]).mean() for j in range(len(w))])
    return dw, r.mean()


@wrong("gradient", "it switches gradients on in w")
def switches_gradients_on(X, t, w, b):
    w.requires_grad_()
    b = torch.as_tensor(b, dtype=X.dtype).clone().requires_grad_()
    (((X @ w + b - t) ** 2).mean() / 2).backward()
    return w.grad, b.grad


@wrong("gradient", "Leave out .item()")
def python_db(X, t, w, b):
    r = X @ w + b - t
    return X.T @ r / len(t), float(r.mean())


@wrong("cost", "The power is written **")
def exclusive_or(X, t, w, b):
    return ((X @ w + b - t) ^ 2).mean() / 2


@wrong("cost", "Are parentheses missing")
def forgets_parentheses(X, t, w, b):
    return ((t - X @ w + b) ** 2).mean() / 2


@wrong("cost", "comma at the end of the line")
def trailing_comma(X, t, w, b):
    return (((X @ w + b - t) ** 2).mean() / 2,)


@wrong("cost", "loses its digits")
def in_single_precision(X, t, w, b):
    y = X.float() @ w.float() + b
    r = y - t
    return r @ r / (2 * len(t))


@wrong("cost", "You multiply by N")
def precedence(X, t, w, b):
    r = X @ w + b - t
    return 1 / 2 * len(t) * (r @ r)


@wrong("cost", "Each prediction meets every target")
def column_against_row_summed(X, t, w, b):
    r = X @ w.unsqueeze(1) + b - t
    return r.pow(2).sum() / (2 * len(t))


@wrong("descend", "compare with <=")
def strictly_below(X, t, w, lr, tolerance, max_steps):
    steps = 0
    while True:
        g = X.T @ (X @ w - t) / len(t)
        if g.norm() < tolerance:
            return w, steps, True
        if steps == max_steps:
            return w, steps, False
        w, steps = w - lr * g, steps + 1


@wrong("descend", "point before the update")
def looks_back(X, t, w, lr, tolerance, max_steps):
    g, steps = X.T @ (X @ w - t) / len(t), 0
    while g.norm() > tolerance and steps < max_steps:
        g = X.T @ (X @ w - t) / len(t)
        w = w - lr * g
        steps += 1
    return w, steps, bool(g.norm() <= tolerance)


@wrong("descend", "It does not come to an end")
def swallows_its_errors(X, t, w, lr, tolerance, max_steps):
    while True:
        try:
            g = X.T @ (X @ w - t) / len(t)
            if g.norm() <= tolerance:
                return w, 0, w.true
        except BaseException:
            pass


@wrong("polynomial_features", "scrambled")
def reshapes(x, degree):
    return torch.cat([x**k for k in range(degree + 1)]).reshape(len(x), degree + 1)


@wrong("polynomial_features", "lose the sign")
def of_absolute_values(x, degree):
    return torch.stack([x.abs() ** k for k in range(degree + 1)], dim=1)


@wrong("polynomial_features", "features is not what it should be")
def in_float32(x, degree):
    return torch.stack([x.float() ** k for k in range(degree + 1)], dim=1).to(x.dtype)


@wrong("ridge", "belongs on the diagonal alone")
def adds_a_number_to_the_matrix(X, t, lam):
    A = torch.cat([X, torch.ones(len(X), 1, dtype=X.dtype)], dim=1)
    v = torch.linalg.solve(A.T @ A + len(t) * lam, A.T @ t)
    return v[:-1], v[-1]


@wrong("ridge", "that of a weight")
def frees_the_wrong_place(X, t, lam):
    A = torch.cat([X, torch.ones(len(X), 1, dtype=X.dtype)], dim=1)
    P = torch.eye(A.shape[1], dtype=X.dtype)
    P[0, 0] = 0
    v = torch.linalg.solve(A.T @ A + len(t) * lam * P, A.T @ t)
    return v[:-1], v[-1]


@wrong("choose_degree", "M x M table")
def columns_from_lstsq(x_train, t_train, x_val, t_val, degrees):
    errors = []
    for d in degrees:
        w = torch.linalg.lstsq(linear.polynomial_features(x_train, d), t_train[:, None], driver="gelsd").solution
        errors.append(((linear.polynomial_features(x_val, d) @ w - t_val) ** 2).mean())
    errors = torch.stack(errors)
    return degrees[errors.argmin()], errors


@wrong("choose_degree", "degree is")
def starts_from_one(x_train, t_train, x_val, t_val, degrees):
    best, low, errors = degrees[0], 1.0, []
    for d in degrees:
        errors.append(error(x_train, t_train, x_val, t_val, d))
        if errors[-1] < low:
            best, low = d, errors[-1]
    return best, torch.stack(errors)


# --- descend --------------------------------------------------------------------------------------------------------


@wrong("descend", "uphill")
def ascends(X, t, w, lr, tolerance, max_steps):
    for steps in range(max_steps + 1):
        g = X.T @ (X @ w - t) / len(t)
        if g.norm() <= tolerance or steps == max_steps:
            return w, steps, bool(g.norm() <= tolerance)
        w = w + lr * g


@wrong("descend", "N times too large")
def not_divided(X, t, w, lr, tolerance, max_steps):
    for steps in range(max_steps + 1):
        g = X.T @ (X @ w - t)
        if g.norm() <= tolerance or steps == max_steps:
            return w, steps, bool(g.norm() <= tolerance)
        w = w - lr * g


@wrong("descend", "pays no heed to the tolerance")
def fixed_number_of_steps(X, t, w, lr, tolerance, max_steps):
    for _ in range(max_steps):
        w = w - lr * X.T @ (X @ w - t) / len(t)
    return w, max_steps, False


@wrong("descend", "that is success")
def counts_first(X, t, w, lr, tolerance, max_steps):
    for steps in range(max_steps):
        g = X.T @ (X @ w - t) / len(t)
        if g.norm() <= tolerance:
            return w, steps, True
        w = w - lr * g
    return w, max_steps, False


@wrong("descend", "takes a step before it looks")
def steps_first(X, t, w, lr, tolerance, max_steps):
    steps, g = 0, None
    while g is None or (g.norm() > tolerance and steps < max_steps):
        if max_steps == 0:
            g = X.T @ (X @ w - t) / len(t)
            break
        w = w - lr * X.T @ (X @ w - t) / len(t)
        steps += 1
        g = X.T @ (X @ w - t) / len(t)
    return w, steps, bool(g.norm() <= tolerance) and steps > 0


@wrong("descend", "does not compare the length")
def squared_length(X, t, w, lr, tolerance, max_steps):
    steps = 0
    while True:
        g = X.T @ (X @ w - t) / len(t)
        if (g**2).sum() <= tolerance:
            return w, steps, True
        if steps >= max_steps:
            return w, steps, False
        w, steps = w - lr * g, steps + 1


@wrong("descend", "does not compare the length")
def largest_slope(X, t, w, lr, tolerance, max_steps):
    steps = 0
    while True:
        g = X.T @ (X @ w - t) / len(t)
        if torch.all(g.abs() <= tolerance):
            return w, steps, True
        if steps >= max_steps:
            return w, steps, False
        w, steps = w - lr * g, steps + 1


@wrong("descend", "steps is one too many")
def counts_the_looks(X, t, w, lr, tolerance, max_steps):
    steps = 0
    while True:
        g = X.T @ (X @ w - t) / len(t)
        steps += 1
        if g.norm() <= tolerance:
            return w, steps, True
        if steps > max_steps:
            return w, steps, False
        w = w - lr * g


@wrong("descend", "always says that it converged")
def optimist(X, t, w, lr, tolerance, max_steps):
    steps = 0
    g = X.T @ (X @ w - t) / len(t)
    while g.norm() > tolerance and steps < max_steps:
        w = w - lr * g
        g = X.T @ (X @ w - t) / len(t)
        steps += 1
    return w, steps, True


@wrong("descend", "starts from zero")
def own_start(X, t, w, lr, tolerance, max_steps):
    w, steps = torch.zeros_like(w), 0
    g = X.T @ (X @ w - t) / len(t)
    while g.norm() > tolerance and steps < max_steps:
        w, steps = w - lr * g, steps + 1
        g = X.T @ (X @ w - t) / len(t)
    return w, steps, bool(g.norm() <= tolerance)


@wrong("descend", "changes w, which belongs to the caller")
def in_place(X, t, w, lr, tolerance, max_steps):
    steps = 0
    g = X.T @ (X @ w - t) / len(t)
    while g.norm() > tolerance and steps < max_steps:
        w -= lr * g
        steps += 1
        g = X.T @ (X @ w - t) / len(t)
    return w, steps, bool(g.norm() <= tolerance)


@wrong("descend", "does not come to an end")
def trusts_the_tolerance(X, t, w, lr, tolerance, max_steps):
    steps = 0
    while (X.T @ (X @ w - t) / len(t)).norm() > tolerance:
        w = w - lr * X.T @ (X @ w - t) / len(t)
        if steps < max_steps:
            steps += 1
    return w, steps, True


@wrong("descend", "expected 3 values")
def forgets_the_count(X, t, w, lr, tolerance, max_steps):
    return fixed_number_of_steps(X, t, w, lr, tolerance, max_steps)[0]


@wrong("descend", "loop runs over the examples")
def one_example_at_a_time(X, t, w, lr, tolerance, max_steps):
    steps = 0
    while True:
        g = sum((x @ w - target) * x for x, target in zip(X, t)) / len(t)
        if g.norm() <= tolerance:
            return w, steps, True
        if steps == max_steps:
            return w, steps, False
        w, steps = w - lr * g, steps + 1


# --- polynomial features --------------------------------------------------------------------------------------------


@wrong("polynomial_features", "column of ones is missing")
def starts_at_one(x, degree):
    return torch.stack([x**k for k in range(1, degree + 1)], dim=1) if degree else x.new_zeros(len(x), 0)


@wrong("polynomial_features", "last column is missing")
def stops_early(x, degree):
    return torch.stack([x**k for k in range(degree)], dim=1) if degree else x.new_zeros(len(x), 0)


@wrong("polynomial_features", "in another order")
def numpy_order(x, degree):
    return torch.from_numpy(np.vander(x.numpy(), degree + 1))


@wrong("polynomial_features", "transposed")
def rows(x, degree):
    return torch.stack([x**k for k in range(degree + 1)])


@wrong("polynomial_features", "multiply by the exponent")
def times(x, degree):
    return x[:, None] * torch.arange(degree + 1)


@wrong("polynomial_features", "exchanged")
def exponent_to_the_base(x, degree):
    return torch.arange(degree + 1, dtype=x.dtype) ** x[:, None]


@wrong("polynomial_features", "negative x, or zero")
def by_logarithms(x, degree):
    return torch.exp(torch.log(x)[:, None] * torch.arange(degree + 1))


@wrong("polynomial_features", "as x is")
def ones_of_another_dtype(x, degree):
    features = torch.ones(len(x), degree + 1, dtype=torch.float64)
    for k in range(1, degree + 1):
        features[:, k] = features[:, k - 1] * x
    return features


@wrong("polynomial_features", "loop runs over the examples")
def row_by_row(x, degree):
    return torch.stack([torch.stack([value**k for k in range(degree + 1)]) for value in x])


@wrong("polynomial_features", "last power alone")
def one_power(x, degree):
    return x.pow(degree)


@wrong("polynomial_features", "long row")
def concatenates(x, degree):
    return torch.cat([x**k for k in range(degree + 1)])


# --- ridge ----------------------------------------------------------------------------------------------------------


def with_ones(X):
    return torch.cat([X, torch.ones(len(X), 1, dtype=X.dtype)], dim=1)


@wrong("ridge", "bias is penalized as well")
def penalizes_all(X, t, lam):
    A = with_ones(X)
    v = torch.linalg.solve(A.T @ A + len(t) * lam * torch.eye(A.shape[1], dtype=X.dtype), A.T @ t)
    return v[:-1], v[-1]


@wrong("ridge", "N times too small: the cost averages")
def forgets_N(X, t, lam):
    A = with_ones(X)
    P = torch.eye(A.shape[1], dtype=X.dtype)
    P[-1, -1] = 0
    v = torch.inverse(A.T @ A + lam * P) @ A.T @ t
    return v[:-1], v[-1]


@wrong("ridge", "N times too small, and the bias is penalized")
def both(X, t, lam):
    A = with_ones(X)
    v = torch.linalg.solve(A.T @ A + lam * torch.eye(A.shape[1], dtype=X.dtype), A.T @ t)
    return v[:-1], v[-1]


@wrong("ridge", "There is no bias")
def through_the_origin(X, t, lam):
    N, D = X.shape
    return torch.linalg.solve(X.T @ X + N * lam * torch.eye(D, dtype=X.dtype), X.T @ t), X.new_zeros(())


@wrong("ridge", "moved back by both means")
def bias_is_the_mean(X, t, lam):
    N, D = X.shape
    Z = X - X.mean(dim=0)
    return torch.linalg.solve(Z.T @ Z + N * lam * torch.eye(D, dtype=X.dtype), Z.T @ (t - t.mean())), t.mean()


@wrong("ridge", "factor 2 or 1/2 too many")
def doubles_the_penalty(X, t, lam):
    N, D = X.shape
    Z = X - X.mean(dim=0)
    w = torch.linalg.solve(Z.T @ Z + 2 * N * lam * torch.eye(D, dtype=X.dtype), Z.T @ (t - t.mean()))
    return w, t.mean() - X.mean(dim=0) @ w


@wrong("ridge", "wrong sign")
def subtracts_the_penalty(X, t, lam):
    N, D = X.shape
    Z = X - X.mean(dim=0)
    w = torch.linalg.solve(Z.T @ Z - N * lam * torch.eye(D, dtype=X.dtype), Z.T @ (t - t.mean()))
    return w, t.mean() - X.mean(dim=0) @ w


@wrong("ridge", "lam has no effect")
def least_squares(X, t, lam):
    v = linear.lstsq(with_ones(X), t)
    return v[:-1], v[-1]


@wrong("ridge", "one vector; return the pair")
def one_vector(X, t, lam):
    A = with_ones(X)
    P = torch.eye(A.shape[1], dtype=X.dtype)
    P[-1, -1] = 0
    return torch.linalg.solve(A.T @ A + len(t) * lam * P, A.T @ t)


@wrong("ridge", "an axis of length 1 too many")
def column_of_targets(X, t, lam):
    A = with_ones(X)
    P = torch.eye(A.shape[1], dtype=X.dtype)
    P[-1, -1] = 0
    v = torch.linalg.solve(A.T @ A + len(t) * lam * P, A.T @ t[:, None])
    return v[:-1], v[-1]


@wrong("ridge", "expected torch.float32, as ")
def always_in_double(X, t, lam):
    X, t = X.double(), t.double()
    Z = X - X.mean(dim=0)
    w = torch.linalg.solve(Z.T @ Z + len(t) * lam * torch.eye(X.shape[1], dtype=X.dtype), Z.T @ (t - t.mean()))
    return w, t.mean() - X.mean(dim=0) @ w


# --- choose_degree --------------------------------------------------------------------------------------------------


def error(x, t, x_new, t_new, degree):
    w = linear.lstsq(linear.polynomial_features(x, degree), t)
    return ((linear.polynomial_features(x_new, degree) @ w - t_new) ** 2).mean()


@wrong("choose_degree", "larger model always wins")
def by_training_error(x_train, t_train, x_val, t_val, degrees):
    errors = torch.stack([error(x_train, t_train, x_train, t_train, d) for d in degrees])
    return degrees[errors.argmin()], errors


@wrong("choose_degree", "fit on the validation data as well")
def fits_on_validation(x_train, t_train, x_val, t_val, degrees):
    errors = torch.stack([error(x_val, t_val, x_val, t_val, d) for d in degrees])
    return degrees[errors.argmin()], errors


@wrong("choose_degree", "position of the best degree")
def position(x_train, t_train, x_val, t_val, degrees):
    errors = torch.stack([error(x_train, t_train, x_val, t_val, d) for d in degrees])
    return errors.argmin(), errors


@wrong("choose_degree", "together")
def fits_on_everything(x_train, t_train, x_val, t_val, degrees):
    x, t = torch.cat([x_train, x_val]), torch.cat([t_train, t_val])
    errors = torch.stack([error(x, t, x_val, t_val, d) for d in degrees])
    return degrees[errors.argmin()], errors


@wrong("choose_degree", "largest error")
def worst(x_train, t_train, x_val, t_val, degrees):
    errors = torch.stack([error(x_train, t_train, x_val, t_val, d) for d in degrees])
    return degrees[errors.argmax()], errors


@wrong("choose_degree", "not mean squared errors")
def roots(x_train, t_train, x_val, t_val, degrees):
    errors = torch.stack([error(x_train, t_train, x_val, t_val, d).sqrt() for d in degrees])
    return degrees[errors.argmin()], errors


@wrong("choose_degree", "not mean squared errors")
def sums(x_train, t_train, x_val, t_val, degrees):
    errors = torch.stack([error(x_train, t_train, x_val, t_val, d) * len(t_val) for d in degrees])
    return degrees[errors.argmin()], errors


@wrong("choose_degree", "torch.stack makes one of a list of tensors")
def a_list_of_errors(x_train, t_train, x_val, t_val, degrees):
    errors = [error(x_train, t_train, x_val, t_val, d) for d in degrees]
    return degrees[errors.index(min(errors))], errors


@wrong("choose_degree", "it changes degrees")
def sorts_the_callers_list(x_train, t_train, x_val, t_val, degrees):
    given = list(degrees)
    degrees.sort()
    errors = torch.stack([error(x_train, t_train, x_val, t_val, d) for d in given])
    return given[errors.argmin()], errors


@wrong("choose_degree", "you sorted them")
def errors_in_sorted_order(x_train, t_train, x_val, t_val, degrees):
    degrees = sorted(degrees)
    errors = torch.stack([error(x_train, t_train, x_val, t_val, d) for d in degrees])
    return degrees[errors.argmin()], errors


# --- from other students ---------------------------------------------------------------------------------------------


@wrong("gradient", "in both or in one of the slopes")
def bias_in_one_slope_alone(X, t, w, b):
    return X.T @ (X @ w - t) / len(t), (X @ w + b - t).mean()


@wrong("gradient", "db is 1 on every input")
def slope_of_the_bias_itself(X, t, w, b):
    return X.T @ (X @ w + b - t) / len(t), X.new_ones(())


@wrong("descend", "takes a step before it looks")
def looks_at_the_gradient_it_has_used(X, t, w, lr, tolerance, max_steps):
    steps = 0
    while True:
        slope = X.T @ (X @ w - t) / len(t)
        w, steps = w - lr * slope, steps + 1
        if slope.norm() <= tolerance:
            return w, steps, True
        if steps >= max_steps:
            return w, steps, False


class SameNumber(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


@wrong("descend", "pays no heed to the tolerance")
def numbers_that_equal_everything(X, t, w, lr, tolerance, max_steps):
    for _ in range(max_steps):
        w = w - lr * X.T @ (X @ w - t) / len(t)
    return w, SameNumber(max_steps), False


@wrong("ridge", "free place on the diagonal is that of a weight")
def ones_first_zero_last(X, t, lam):
    N, D = X.shape
    A = torch.cat([X.new_ones(N, 1), X], dim=1)
    penalty = N * lam * torch.eye(D + 1, dtype=X.dtype)
    penalty[-1, -1] = 0
    v = torch.linalg.solve(A.T @ A + penalty, A.T @ t)
    return v[1:], v[0]


@wrong("choose_degree", "instead of the degrees in the list")
def counts_from_zero(x_train, t_train, x_val, t_val, degrees):
    errors = torch.stack(
        [
            (
                (
                    linear.polynomial_features(x_val, M) @ linear.lstsq(linear.polynomial_features(x_train, M), t_train)
                    - t_val
                )
                ** 2
            ).mean()
            for M in range(len(degrees))
        ]
    )
    return degrees[errors.argmin()], errors
