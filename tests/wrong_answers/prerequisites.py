"""Wrong answers to the exercises of chapter 00."""

import torch

from tests.wrong_answers import collection

ANSWERS, wrong = collection()

# --- to_normal ------------------------------------------------------------------------------------------------------


@wrong("to_normal", "another function of the variance")
def factor_is_the_variance(x, mu, variance):
    return variance * x + mu


@wrong("to_normal", "add mu at the end")
def shifts_first(x, mu, variance):
    z = x + mu
    return z * variance**0.5


@wrong("to_normal", "the way back")
def standardizes(x, mu, variance):
    sigma = torch.as_tensor(variance, dtype=x.dtype).sqrt()
    return (x - mu) / sigma


@wrong("to_normal", "too small by mu")
def forgets_the_mean(x, mu, variance):
    return x * variance**0.5


@wrong("to_normal", "in another way")
def exchanges_the_two(x, mu, variance):
    return mu * x + variance**0.5


@wrong("to_normal", "leave x.mean()")
def exact_mean(x, mu, variance):
    x = x - x.mean()
    return mu + variance**0.5 * x


@wrong("to_normal", "answers the same question differently")
def draws_its_own(x, mu, variance):
    return mu + variance**0.5 * torch.randn(len(x), dtype=x.dtype)


@wrong("to_normal", "It stopped with TypeError")
def root_of_a_number(x, mu, variance):
    return mu + torch.sqrt(variance) * x


@wrong("to_normal", "it changes x")
def in_place(x, mu, variance):
    x *= variance**0.5
    x += mu
    return x


@wrong("to_normal", "loop runs over the samples")
def one_at_a_time(x, mu, variance):
    return torch.stack([mu + variance**0.5 * value for value in x])


@wrong("to_normal", "expected a tensor")
def a_list(x, mu, variance):
    return [mu + variance**0.5 * float(value) for value in x]


# --- covariance -----------------------------------------------------------------------------------------------------


@wrong("covariance", "n - 1")
def unbiased(x, y):
    return torch.cov(torch.stack([x, y]))[0, 1]


@wrong("covariance", "add up the products")
def a_sum(x, y):
    return (x - x.mean()) @ (y - y.mean())


@wrong("covariance", "means are not subtracted")
def not_centered(x, y):
    return (x @ y) / len(x)


@wrong("covariance", "loses its digits")
def mean_of_product_minus_product_of_means(x, y):
    return (x * y).mean() - x.mean() * y.mean()


@wrong("covariance", "c has the wrong sign")
def other_way_round(x, y):
    return ((x.mean() - x) * (y - y.mean())).mean()


@wrong("covariance", "as for a correlation")
def correlation(x, y):
    cx, cy = x - x.mean(), y - y.mean()
    return (cx @ cy) / (cx.norm() * cy.norm())


@wrong("covariance", "multiply pair by pair, and average then")
def product_of_averages(x, y):
    return (x - x.mean()).mean() * (y - y.mean()).mean()


@wrong("covariance", "one product for each pair")
def no_mean(x, y):
    return (x - x.mean()) * (y - y.mean())


@wrong("covariance", "2 x 2 table")
def the_whole_table(x, y):
    return torch.cov(torch.stack([x, y]), correction=0)


@wrong("covariance", "loop runs over the samples")
def by_a_loop(x, y):
    total, mx, my = x.new_zeros(()), x.mean(), y.mean()
    for a, b in zip(x, y):
        total = total + (a - mx) * (b - my)
    return total / len(x)


@wrong("covariance", "Leave out .item()")
def a_python_number(x, y):
    return ((x - x.mean()) * (y - y.mean())).mean().item()


# --- quadratic_gradient ---------------------------------------------------------------------------------------------


@wrong("quadratic_gradient", "It is 2 B x")
def as_if_symmetric(B, x):
    return 2 * (B @ x)


@wrong("quadratic_gradient", "It is 2 B' x")
def row_from_the_left(B, x):
    return 2 * (x @ B)


@wrong("quadratic_gradient", "It is B x")
def one_place(B, x):
    return B @ x


@wrong("quadratic_gradient", "half of what it should be")
def half(B, x):
    return 0.5 * (B + B.T) @ x


@wrong("quadratic_gradient", "such as the value")
def the_value(B, x):
    return (x * (B @ x)).sum()


@wrong("quadratic_gradient", "with respect to B")
def by_the_matrix(B, x):
    return x[:, None] * x[None, :]


@wrong("quadratic_gradient", "product with a vector is meant")
def star(B, x):
    return B * x + B.T * x


@wrong("quadratic_gradient", "an axis of length 1 too many")
def as_a_column(B, x):
    return (B + B.T) @ x[:, None]


@wrong("quadratic_gradient", "loop runs over the entries")
def entry_after_entry(B, x):
    return torch.stack([B[i] @ x + B[:, i] @ x for i in range(len(x))])


@wrong("quadratic_gradient", "it changes B")
def symmetrizes_in_place(B, x):
    B += B.T.clone()
    return B @ x


# --- layer_jacobian -------------------------------------------------------------------------------------------------


@wrong("layer_jacobian", "slope of tanh is missing")
def linear(A, x):
    return A.clone()


@wrong("layer_jacobian", "multiply the columns")
def slopes_as_a_row(A, x):
    h = torch.tanh(A @ x)
    return (1 - h**2) * A


@wrong("layer_jacobian", "transposed")
def gradients_as_columns(A, x):
    h = torch.tanh(A @ x)
    return A.T * (1 - h**2)


@wrong("layer_jacobian", "square is missing")
def without_the_square(A, x):
    return (1 - torch.tanh(A @ x))[:, None] * A


@wrong("layer_jacobian", "you take tanh(z)")
def value_for_slope(A, x):
    return torch.tanh(A @ x)[:, None] * A


@wrong("layer_jacobian", "not 1 - z**2")
def z_for_h(A, x):
    z = A @ x
    return (1 - z**2).unsqueeze(1) * A


@wrong("layer_jacobian", "gradient of the sum")
def summed(A, x):
    return A.T @ (1 - torch.tanh(A @ x) ** 2)


@wrong("layer_jacobian", "logistic units")
def slope_of_another(A, x):
    h = torch.tanh(A @ x)
    return (h * (1 - h))[:, None] * A


@wrong("layer_jacobian", "slopes of tanh alone")
def first_factor_alone(A, x):
    return torch.diag(1 - torch.tanh(A @ x) ** 2)


@wrong("layer_jacobian", "loop runs over the outputs")
def row_by_row(A, x):
    return torch.stack([(1 - torch.tanh(row @ x) ** 2) * row for row in A])


@wrong("layer_jacobian", "as A is")
def always_double(A, x):
    A, x = A.double(), x.double()
    return (1 - torch.tanh(A @ x) ** 2)[:, None] * A


# --- three_parts ----------------------------------------------------------------------------------------------------


def parts(X, n_train, n_val):
    return X[:n_train], X[n_train : n_train + n_val], X[n_train + n_val :]


@wrong("three_parts", "test rows have been seen")
def scales_before_it_splits(X, order, n_train, n_val):
    X = (X - X.mean(dim=0)) / X.std(dim=0, correction=0)
    return parts(X[order], n_train, n_val)


@wrong("three_parts", "scaled by its own rows")
def each_by_itself(X, order, n_train, n_val):
    return tuple((part - part.mean(0)) / part.std(0, correction=0) for part in parts(X[order], n_train, n_val))


@wrong("three_parts", "order has no effect")
def not_shuffled(X, order, n_train, n_val):
    train = X[:n_train]
    return parts((X - train.mean(0)) / train.std(0, correction=0), n_train, n_val)


@wrong("three_parts", "wrong way round")
def puts_row_k_at_order_k(X, order, n_train, n_val):
    shuffled = torch.empty_like(X)
    shuffled[order] = X
    train = shuffled[:n_train]
    return parts((shuffled - train.mean(0)) / train.std(0, correction=0), n_train, n_val)


@wrong("three_parts", "N - 1")
def torchs_default(X, order, n_train, n_val):
    X = X[order]
    return parts((X - X[:n_train].mean(0)) / X[:n_train].std(0), n_train, n_val)


@wrong("three_parts", "One of the two steps is missing")
def centers_only(X, order, n_train, n_val):
    X = X[order]
    return parts(X - X[:n_train].mean(0), n_train, n_val)


@wrong("three_parts", "it returns train, test, val")
def train_test_val(X, order, n_train, n_val):
    X = X[order]
    train, val, test = parts((X - X[:n_train].mean(0)) / X[:n_train].std(0, correction=0), n_train, n_val)
    return train, test, val


@wrong("three_parts", "scaled by its own rows")
def scales_what_it_trains_on(X, order, n_train, n_val):
    train, val, test = parts(X[order], n_train, n_val)
    return (train - train.mean(0)) / train.std(0, correction=0), val, test


@wrong("three_parts", "each column needs its own")
def one_number_for_all(X, order, n_train, n_val):
    X = X[order]
    return parts((X - X[:n_train].mean()) / X[:n_train].std(correction=0), n_train, n_val)


@wrong("three_parts", "val ends at n_train + n_val")
def length_for_end(X, order, n_train, n_val):
    X = X[order]
    X = (X - X[:n_train].mean(0)) / X[:n_train].std(0, correction=0)
    return X[:n_train], X[n_train:n_val], X[n_train + n_val :]


@wrong("three_parts", "expected 3 values")
def forgets_the_test_set(X, order, n_train, n_val):
    X = X[order]
    X = (X - X[:n_train].mean(0)) / X[:n_train].std(0, correction=0)
    return X[:n_train], X[n_train:]


# --- majority -------------------------------------------------------------------------------------------------------


@wrong("majority", "as in a mean")
def mean_answer(answers, K):
    return torch.round(answers.float().mean(dim=0)).to(answers.dtype)


@wrong("majority", "median")
def middle_answer(answers, K):
    return answers.sort(dim=0).values[(len(answers) - 1) // 2]


@wrong("majority", "largest of the classes")
def last_of_equals(answers, K):
    votes = torch.nn.functional.one_hot(answers, K).sum(dim=0)
    return K - 1 - votes.flip(dims=(1,)).argmax(dim=1)


@wrong("majority", "wrong axis")
def a_class_for_each_member(answers, K):
    return torch.nn.functional.one_hot(answers, K).sum(dim=1).argmax(dim=1)


@wrong("majority", "You return the counts")
def counts(answers, K):
    return torch.nn.functional.one_hot(answers, K).sum(dim=0)


@wrong("majority", "argmax, not max")
def strength_of_the_winner(answers, K):
    return torch.nn.functional.one_hot(answers, K).sum(dim=0).max(dim=1).values


@wrong("majority", "run over its classes")
def wrong_argmax(answers, K):
    return torch.nn.functional.one_hot(answers, K).sum(dim=0).argmax(dim=0)


@wrong("majority", "one member alone")
def trusts_one(answers, K):
    return answers[0, :]


@wrong("majority", "All examples vote together")
def argmax_of_everything(answers, K):
    return torch.nn.functional.one_hot(answers, K).sum(dim=0).argmax()


@wrong("majority", "A tie goes wrong")
def ties_to_the_first_voter(answers, K):
    votes = torch.nn.functional.one_hot(answers, K).sum(dim=0)  # (N, K)
    winning = votes.gather(1, answers.T) == votes.amax(dim=1, keepdim=True)  # (N, M): members that chose a winner
    return answers.T.gather(1, winning.int().argmax(dim=1, keepdim=True))[:, 0]


@wrong("majority", "loop runs over the examples")
def column_by_column(answers, K):
    return torch.stack([torch.bincount(column, minlength=K).argmax() for column in answers.T])


# --- from other students ---------------------------------------------------------------------------------------------


@wrong("to_normal", "You return the density")
def density(x, mu, variance):
    return torch.exp(-((x - mu) ** 2) / (2 * variance)) / (2 * torch.pi * variance) ** 0.5


@wrong("covariance", "subtract both means before you multiply")
def one_mean_is_enough_on_paper(x, y):
    return ((x - x.mean()) * y).mean()


@wrong("covariance", "every x meets every y")
def outer_product(x, y):
    return torch.outer(x - x.mean(), y - y.mean()).mean()


@wrong("covariance", "It stopped with KeyboardInterrupt")
def interrupts(x, y):
    raise KeyboardInterrupt


@wrong("quadratic_gradient", "B comes in twice")
def of_the_squared_length(B, x):
    return 2 * B.T @ (B @ x)


@wrong("layer_jacobian", "it uses autograd")
def derivatives_by_torch(A, x):
    return torch.autograd.functional.jacobian(lambda v: torch.tanh(A @ v), x)


@wrong("three_parts", "cut at wrong places")
def both_ends_are_lengths(X, order, n_train, n_val):
    S = X[order]
    S = (S - S[:n_train].mean(0)) / S[:n_train].std(0, correction=0)
    return S[:n_train], S[n_train:n_val], S[n_val:]


@wrong("three_parts", "One of mean and deviation comes from all rows")
def deviation_of_everything(X, order, n_train, n_val):
    return parts((X[order] - X[order][:n_train].mean(0)) / X.std(0, correction=0), n_train, n_val)


@wrong("majority", "More than half of the votes")
def absolute_majority(answers, K):
    return (2 * torch.nn.functional.one_hot(answers, K).sum(dim=0) > len(answers)).int().argmax(dim=1)


class Agreeable:
    def __eq__(self, other):
        return True

    __hash__ = None


@wrong("majority", "expected a tensor")
def says_yes_to_everything(answers, K):
    return Agreeable()
