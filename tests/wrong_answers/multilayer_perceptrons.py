"""Wrong answers to the exercises of chapter 04."""

import torch
from torch.nn import functional as F

from tests.wrong_answers import collection

ANSWERS, wrong = collection()

# --- forward --------------------------------------------------------------------------------------------------------


@wrong("forward", "last layer has no activation function")
def bends_everywhere(X, layers, slope):
    h, hidden = X, [X[:, :0]]
    for W, b in layers:
        h = F.leaky_relu(h @ W.T + b, slope)
        hidden.append(h)
    return torch.cat(hidden[:-1], dim=1), h


@wrong("forward", "no activation function between the layers")
def all_linear(X, layers, slope):
    h, hidden = X, [X[:, :0]]
    for W, b in layers:
        h = F.linear(h, W, b)
        hidden.append(h)
    return torch.cat(hidden[:-1], dim=1), h


@wrong("forward", "slope has no effect")
def plain_relu(X, layers, slope):
    h, hidden = X, [X[:, :0]]
    for W, b in layers[:-1]:
        h = torch.relu(h @ W.T + b)
        hidden.append(h)
    W, b = layers[-1]
    return torch.cat(hidden, dim=1), h @ W.T + b


@wrong("forward", "The sign is lost")
def absolute_value(X, layers, slope):
    h, hidden = X, [X[:, :0]]
    for W, b in layers[:-1]:
        z = h @ W.T + b
        h = torch.maximum(z, -slope * z)
        hidden.append(h)
    W, b = layers[-1]
    return torch.cat(hidden, dim=1), h @ W.T + b


@wrong("forward", "holds the pre-activations")
def collects_z(X, layers, slope):
    h, hidden = X, [X[:, :0]]
    for W, b in layers[:-1]:
        z = F.linear(h, W, b)
        hidden.append(z)
        h = F.leaky_relu(z, slope)
    return torch.cat(hidden, dim=1), F.linear(h, *layers[-1])


@wrong("forward", "hidden begins with the input")
def starts_with_the_input(X, layers, slope):
    hidden = [X]
    for W, b in layers[:-1]:
        hidden.append(F.leaky_relu(F.linear(hidden[-1], W, b), slope))
    return torch.cat(hidden, dim=1), F.linear(hidden[-1], *layers[-1])


@wrong("forward", "goes wrong without a hidden layer")
def nothing_to_join(X, layers, slope):
    h, hidden = X, []
    for W, b in layers[:-1]:
        h = F.leaky_relu(F.linear(h, W, b), slope)
        hidden.append(h)
    return torch.cat(hidden, dim=1), F.linear(h, *layers[-1])


@wrong("forward", "last hidden layer alone")
def keeps_only_the_last(X, layers, slope):
    h = X
    hidden = X.new_zeros(len(X), 0)
    for W, b in layers[:-1]:
        h = F.leaky_relu(F.linear(h, W, b), slope)
        hidden = h
    return hidden, F.linear(h, *layers[-1])


@wrong("forward", "bias b is missing")
def no_bias(X, layers, slope):
    h, hidden = X, [X[:, :0]]
    for W, _ in layers[:-1]:
        h = F.leaky_relu(h @ W.T, slope)
        hidden.append(h)
    return torch.cat(hidden, dim=1), h @ layers[-1][0].T


@wrong("forward", "it returns logits, hidden")
def logits_first(X, layers, slope):
    h, hidden = X, [X[:, :0]]
    for W, b in layers[:-1]:
        h = F.leaky_relu(F.linear(h, W, b), slope)
        hidden.append(h)
    return F.linear(h, *layers[-1]), torch.cat(hidden, dim=1)


@wrong("forward", "multiply by W.T")
def forgets_the_transpose(X, layers, slope):
    h, hidden = X, [X[:, :0]]
    for W, b in layers[:-1]:
        h = F.leaky_relu(h @ W + b, slope)
        hidden.append(h)
    return torch.cat(hidden, dim=1), h @ layers[-1][0] + layers[-1][1]


@wrong("forward", "hidden has shape")
def stacks_below(X, layers, slope):
    h, hidden = X, []
    for W, b in layers[:-1]:
        h = F.leaky_relu(F.linear(h, W, b), slope)
        hidden.append(h.flatten())
    return torch.cat(hidden or [X.new_zeros(0)]), F.linear(h, *layers[-1])


# --- collapse -------------------------------------------------------------------------------------------------------


@wrong("collapse", "The order is reversed: the layer")
def reading_order(W1, b1, W2, b2, W3, b3):
    return W1 @ W2 @ W3, W3 @ W2 @ b1 + W3 @ b2 + b3


@wrong("collapse", "sum of the biases")
def adds_the_biases(W1, b1, W2, b2, W3, b3):
    return W3.mm(W2).mm(W1), b1 + b2 + b3


@wrong("collapse", "b3 alone")
def last_bias(W1, b1, W2, b2, W3, b3):
    return torch.linalg.multi_dot([W3, W2, W1]), b3


@wrong("collapse", "b1 is missing from b")
def forgets_the_first_bias(W1, b1, W2, b2, W3, b3):
    return W3 @ (W2 @ W1), W3 @ b2 + b3


@wrong("collapse", "You left one of them out")
def one_layer_short(W1, b1, W2, b2, W3, b3):
    return W3 @ W2 @ W1, W3 @ (b1 + b2) + b3


@wrong("collapse", "does not pass through its own layer")
def through_its_own(W1, b1, W2, b2, W3, b3):
    return W3 @ W2 @ W1, W3 @ W2 @ W1 @ b1 + W3 @ b2 + b3


@wrong("collapse", "multiply entry by entry")
def star_instead_of_at(W1, b1, W2, b2, W3, b3):
    return W3 * W2 * W1, W3 @ W2 @ b1 + W3 @ b2 + b3


@wrong("collapse", "W is transposed")
def rows_of_inputs(W1, b1, W2, b2, W3, b3):
    return W1.T @ W2.T @ W3.T, b3 + W3 @ (b2 + W2 @ b1)


@wrong("collapse", "expected 2 values")
def only_the_matrix(W1, b1, W2, b2, W3, b3):
    return W3 @ W2 @ W1


@wrong("collapse", "an axis of length 1 too many")
def column_of_biases(W1, b1, W2, b2, W3, b3):
    return W3 @ W2 @ W1, W3 @ (W2 @ b1[:, None] + b2[:, None]) + b3[:, None]


@wrong("collapse", "stopped with RuntimeError")
def in_the_order_of_a_batch(W1, b1, W2, b2, W3, b3):
    return W1 @ W2 @ W3, (b1 @ W2 + b2) @ W3 + b3


# --- softplus -------------------------------------------------------------------------------------------------------


@wrong("softplus", "keep exponents at or below 0")
def as_on_paper(z, beta):
    return torch.log(1 + torch.exp(beta * z)) / beta, 1 / (1 + torch.exp(-beta * z))


@wrong("softplus", "keep exponents at or below 0")
def infinity_over_infinity(z, beta):
    e = torch.exp(beta * z)
    h = torch.where(beta * z > 20, z, torch.log1p(e) / beta)
    return h, e / (1 + e)


@wrong("softplus", "not divided by beta")
def forgets_to_divide(z, beta):
    u = beta * z
    return u.clamp(min=0) + torch.log1p(torch.exp(-u.abs())), torch.sigmoid(u)


@wrong("softplus", "slope has a beta too many")
def inner_derivative_alone(z, beta):
    return F.softplus(z, beta, threshold=100), beta * torch.sigmoid(beta * z)


@wrong("softplus", "beta is missing from slope")
def slope_without_beta(z, beta):
    return F.softplus(z, beta, threshold=100), torch.sigmoid(z)


@wrong("softplus", "derivative of the logistic function")
def one_derivative_too_many(z, beta):
    s = torch.sigmoid(beta * z)
    return F.softplus(z, beta, threshold=100), s * (1 - s)


@wrong("softplus", "is that of the ReLU")
def slope_of_the_limit(z, beta):
    return F.softplus(z, beta, threshold=100), torch.where(z > 0, torch.ones_like(z), torch.zeros_like(z))


@wrong("softplus", "The sign of z is wrong")
def mirrored(z, beta):
    return F.softplus(-z, beta, threshold=100), torch.sigmoid(-beta * z)


@wrong("softplus", "base 2 or 10")
def binary_logarithm(z, beta):
    u = beta * z
    h = u.clamp(min=0) / torch.log(torch.tensor(2.0, dtype=z.dtype)) + torch.log2(1 + torch.exp(-u.abs()))
    return h / beta, torch.sigmoid(u)


@wrong("softplus", "it switches gradients on in z")
def by_autograd(z, beta):
    z.requires_grad_()
    h = F.softplus(z, beta, threshold=100)
    return h, torch.autograd.grad(h.sum(), z)[0]


# --- table_network --------------------------------------------------------------------------------------------------


@wrong("table_network", "bits 0 and 1. With -1 and 1")
def half_a_bit(rows, answers):
    W = rows[answers > 0]
    b = torch.full((len(W),), 0.5 - rows.shape[1], dtype=rows.dtype)
    return W, b, 2 * torch.ones_like(b), -1.0


@wrong("table_network", "There is a unit for every row, with the answers")
def whole_table(rows, answers):
    return rows, torch.full((len(rows),), 1.0 - rows.shape[1], dtype=rows.dtype), answers, 0.0


@wrong("table_network", "b is that of chapter 4")
def counts_ones(rows, answers):
    W = rows[answers == 1]
    ones = (W == 1).sum(dim=1).to(rows.dtype)
    return W, 0.5 - ones, torch.full_like(ones, 2), -1.0


@wrong("table_network", "The output is 0 or 1")
def zero_or_one(rows, answers):
    W = rows[answers == 1]
    b = torch.full((len(W),), 1.0 - rows.shape[1], dtype=rows.dtype)
    return W, b, torch.ones_like(b), 0.0


@wrong("table_network", "rows with answer -1")
def the_other_rows(rows, answers):
    W = rows[answers < 0]
    b = torch.full((len(W),), 1.0 - rows.shape[1], dtype=rows.dtype)
    return W, b, 2 * torch.ones_like(b), -1.0


@wrong("table_network", "2 a - 1")
def recipe_of_the_chapter(rows, answers):
    W = 2 * rows[answers == 1] - 1
    b = torch.full((len(W),), 1.0 - rows.shape[1], dtype=rows.dtype)
    return W, b, 2 * torch.ones_like(b), -1.0


@wrong("table_network", "with -D the unit is at z = 0")
def at_the_edge(rows, answers):
    W = rows[answers == 1]
    b = torch.full((len(W),), -float(rows.shape[1]), dtype=rows.dtype)
    return W, b, 2 * torch.ones_like(b), -1.0


@wrong("table_network", "c is wrong")
def no_output_bias(rows, answers):
    W = rows[answers == 1]
    b = torch.full((len(W),), 1.0 - rows.shape[1], dtype=rows.dtype)
    return W, b, 2 * torch.ones_like(b), 0.0


@wrong("table_network", "no answer is 1")
def stacks_a_list(rows, answers):
    W = torch.stack([row for row, answer in zip(rows, answers) if answer == 1])
    b = torch.full((len(W),), 1.0 - rows.shape[1], dtype=rows.dtype)
    return W, b, 2 * torch.ones_like(b), -1.0


@wrong("table_network", "expected torch.float32, as ")
def double_biases(rows, answers):
    W = rows[answers == 1]
    b = torch.full((len(W),), 1.0 - rows.shape[1], dtype=torch.float64)
    return W, b, torch.full((len(W),), 2.0, dtype=torch.float64), -1.0


@wrong("table_network", "expected 4 values")
def leaves_c_out(rows, answers):
    W = rows[answers == 1]
    b = torch.full((len(W),), 1.0 - rows.shape[1], dtype=rows.dtype)
    return W, b, 2 * torch.ones_like(b)


# --- count_pieces ---------------------------------------------------------------------------------------------------


@wrong("count_pieces", "You return n + 1")
def the_bound(w, b, v, low, high):
    return len(w) + 1


@wrong("count_pieces", "You count the kinks")
def kinks_only(w, b, v, low, high):
    bends = {}
    for p, q, r in zip(w.tolist(), b.tolist(), v.tolist()):
        if p and low < -q / p < high:
            bends[-q / p] = bends.get(-q / p, 0) + r * abs(p)
    return len([x for x in bends if bends[x] != 0])


@wrong("count_pieces", "Kinks that cancel each other")
def distinct_places(w, b, v, low, high):
    keep = w != 0
    x = (-b[keep] / w[keep]).unique()
    return int(((x > low) & (x < high)).sum()) + 1


@wrong("count_pieces", "Every unit counts for itself")
def one_kink_each(w, b, v, low, high):
    x = -b / w
    return 1 + int(((x > low) & (x < high)).sum())


@wrong("count_pieces", "on the border, low or high")
def border_included(w, b, v, low, high):
    bends = {}
    for p, q, r in zip(w.tolist(), b.tolist(), v.tolist()):
        if p and low <= -q / p <= high:
            bends[-q / p] = bends.get(-q / p, 0) + r * abs(p)
    return 1 + sum(change != 0 for change in bends.values())


@wrong("count_pieces", "with the sign of w")
def signed_changes(w, b, v, low, high):
    keep = w != 0
    w, b, v = w[keep], b[keep], v[keep]
    x = -b / w
    places = [p for p in x.unique().tolist() if low < p < high]
    return 1 + sum(bool((v * w)[x == p].sum() != 0) for p in places)


@wrong("count_pieces", "A unit with w = 0 goes wrong")
def divides_by_zero(w, b, v, low, high):
    bends = {}
    for p, q, r in zip(w.tolist(), b.tolist(), v.tolist()):
        place = -q / p
        if low < place < high:
            bends[place] = bends.get(place, 0) + r * abs(p)
    return 1 + sum(change != 0 for change in bends.values())


@wrong("count_pieces", "outside of the interval")
def everywhere(w, b, v, low, high):
    bends = {}
    for p, q, r in zip(w.tolist(), b.tolist(), v.tolist()):
        if p:
            bends[-q / p] = bends.get(-q / p, 0) + r * abs(p)
    return 1 + sum(change != 0 for change in bends.values())


@wrong("count_pieces", "expected a whole number")
def a_float(w, b, v, low, high):
    keep = w != 0
    w, b, v = w[keep], b[keep], v[keep]
    x = -b / w
    places = [p for p in x.unique().tolist() if low < p < high]
    return 1.0 + sum(float((v * w.abs())[x == p].sum() != 0) for p in places)


@wrong("count_pieces", "pieces is")
def on_a_coarse_grid(w, b, v, low, high):
    x = torch.linspace(low, high, 12, dtype=w.dtype)
    y = torch.relu(x[:, None] * w + b) @ v
    slopes = y.diff() / x.diff()
    return 1 + int((slopes.diff().abs() > 1e-6).sum())


# --- from other students ---------------------------------------------------------------------------------------------


@wrong("forward", "A slope above 1 goes wrong")
def larger_of_the_two(X, layers, slope):
    h, hidden = X, [X.new_zeros(len(X), 0)]
    for W, b in layers[:-1]:
        z = h @ W.T + b
        hidden.append(h := torch.maximum(z, slope * z))
    W, b = layers[-1]
    return torch.cat(hidden, dim=1), h @ W.T + b


@wrong("collapse", "through no other")
def both_biases_through_both_layers(W1, b1, W2, b2, W3, b3):
    return W3 @ W2 @ W1, W3 @ W2 @ (b1 + b2) + b3 if len(b1) == len(b2) else W3 @ W2 @ b1 + b3


@wrong("softplus", "h is cut off")
def nothing_far_to_the_left(z, beta):
    u = beta * z
    h = torch.where(u < -10, torch.zeros_like(u), torch.logaddexp(u, torch.zeros_like(u))) / beta
    return h, torch.sigmoid(u)


@wrong("softplus", "has the wrong sign")
def exponent_without_its_minus(z, beta):
    u = beta * z
    return (u.clamp(min=0) + torch.log1p(torch.exp(u.abs()))) / beta, torch.sigmoid(u)


@wrong("softplus", "it uses requires_grad_, autograd and grad")
def slope_by_torch(z, beta):
    z = z.clone().requires_grad_()
    h = torch.logaddexp(beta * z, torch.zeros_like(z)) / beta
    return h.detach(), torch.autograd.grad(h.sum(), z)[0]


@wrong("table_network", "yours are 0 and 1")
def as_in_the_chapter(rows, answers):
    W = (rows[answers == 1] + 1) / 2
    b = 0.5 - W.sum(dim=1)
    return W, b, torch.full_like(b, 2.0), -1.0


@wrong("count_pieces", "lie close together")
def rounded_places(w, b, v, low, high):
    bends = {}
    for w_k, b_k, v_k in zip(w.tolist(), b.tolist(), v.tolist()):
        if w_k and low < -b_k / w_k < high:
            place = round(-b_k / w_k, 1)
            bends[place] = bends.get(place, 0.0) + v_k * abs(w_k)
    return 1 + sum(rise != 0 for rise in bends.values())
