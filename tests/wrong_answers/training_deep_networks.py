"""Wrong answers to the exercises of chapter 07."""

import math

import torch

from tests.wrong_answers import collection

ANSWERS, wrong = collection()

# --- weight_std -----------------------------------------------------------------------------------------------------


def fan(shape, mode):
    k = math.prod(shape[2:])
    return {"in": shape[1] * k, "out": shape[0] * k, "mean": (shape[0] + shape[1]) * k / 2}[mode]


@wrong("weight_std", "You return the variance")
def variance(shape, gain, mode):
    return gain * gain / fan(shape, mode)


@wrong("weight_std", "Fan-in and fan-out are exchanged")
def in_first(shape, gain, mode):
    n_in, n_out, *kernel = shape
    k = math.prod(kernel)
    n = {"in": n_in * k, "out": n_out * k, "mean": (n_in + n_out) * k / 2}[mode]
    return gain / n**0.5


@wrong("weight_std", "both fans have the number of entries of the kernel")
def linear_layers_only(shape, gain, mode):
    n = {"in": shape[1], "out": shape[0], "mean": (shape[0] + shape[1]) / 2}[mode]
    return gain / math.sqrt(n)


@wrong("weight_std", "use the sum of the two fans")
def sum_of_fans(shape, gain, mode):
    n_in, n_out = fan(shape, "in"), fan(shape, "out")
    n = n_in if mode == "in" else n_out if mode == "out" else n_in + n_out
    return gain / math.sqrt(n)


@wrong("weight_std", "mean of two standard deviations")
def mean_of_deviations(shape, gain, mode):
    a, b = gain / math.sqrt(fan(shape, "in")), gain / math.sqrt(fan(shape, "out"))
    return {"in": a, "out": b, "mean": (a + b) / 2}[mode]


@wrong("weight_std", "factor 2 of He is there already")
def he_twice(shape, gain, mode):
    return gain * math.sqrt(2 / fan(shape, mode))


@wrong("weight_std", "Only the fan-in counts the kernel")
def forgets_kernel_out(shape, gain, mode):
    n_in = math.prod(shape[1:])
    n_out = shape[0]
    n = {"in": n_in, "out": n_out, "mean": 0.5 * (n_in + n_out)}[mode]
    return gain / math.sqrt(n)


@wrong("weight_std", "mode has no effect")
def ignores_mode(shape, gain, mode):
    return gain / math.sqrt(math.prod(shape[1:]))


@wrong("weight_std", 'Only mode "mean" is wrong')
def smaller_fan(shape, gain, mode):
    kernel = math.prod(shape[2:])
    fans = {"in": shape[1] * kernel, "out": shape[0] * kernel, "mean": min(shape[:2]) * kernel}
    return gain / math.sqrt(fans[mode])


# --- batch_norm_step ------------------------------------------------------------------------------------------------


@wrong("batch_norm_step", "divided by B; there it is divided by B - 1")
def biased_running_variance(z, gamma, beta, running_mean, running_var, momentum, eps):
    mu, v = z.mean(0), z.var(0, correction=0)
    y = gamma * (z - mu) / torch.sqrt(v + eps) + beta
    return y, (1 - momentum) * running_mean + momentum * mu, (1 - momentum) * running_var + momentum * v


@wrong("batch_norm_step", "for y divide by B")
def plain_var(z, gamma, beta, running_mean, running_var, momentum, eps):
    mu, v = z.mean(0), z.var(0)
    y = gamma * (z - mu) / torch.sqrt(v + eps) + beta
    return y, running_mean + momentum * (mu - running_mean), running_var + momentum * (v - running_var)


@wrong("batch_norm_step", "momentum is the wrong way round: it is the share of the batch")
def momentum_reversed(z, gamma, beta, running_mean, running_var, momentum, eps):
    mu, v = z.mean(0), z.var(0, correction=0)
    y = gamma * (z - mu) / torch.sqrt(v + eps) + beta
    return y, momentum * running_mean + (1 - momentum) * mu, momentum * running_var + (1 - momentum) * z.var(0)


@wrong("batch_norm_step", "as in evaluation mode")
def normalizes_by_the_old_statistics(z, gamma, beta, running_mean, running_var, momentum, eps):
    y = gamma * (z - running_mean) / (running_var + eps).sqrt() + beta
    new_mean = (1 - momentum) * running_mean + momentum * z.mean(dim=0)
    new_var = (1 - momentum) * running_var + momentum * z.var(dim=0)
    return y, new_mean, new_var


@wrong("batch_norm_step", "eps stands outside the root")
def eps_outside(z, gamma, beta, running_mean, running_var, momentum, eps):
    mu, v = z.mean(0), z.var(0, correction=0)
    y = gamma * (z - mu) / (torch.sqrt(v) + eps) + beta
    return y, (1 - momentum) * running_mean + momentum * mu, (1 - momentum) * running_var + momentum * z.var(0)


@wrong("batch_norm_step", "The shift is multiplied by gamma too")
def parentheses(z, gamma, beta, running_mean, running_var, momentum, eps):
    mu, v = z.mean(0), z.var(0, correction=0)
    y = gamma * ((z - mu) / (v + eps).sqrt() + beta)
    return y, (1 - momentum) * running_mean + momentum * mu, (1 - momentum) * running_var + momentum * z.var(0)


@wrong("batch_norm_step", "it changes running_mean")
def statistics_in_place(z, gamma, beta, running_mean, running_var, momentum, eps):
    mu, v = z.mean(0), z.var(0, correction=0)
    y = gamma * (z - mu) / (v + eps).sqrt() + beta
    running_mean += momentum * (mu - running_mean)
    running_var += momentum * (z.var(0) - running_var)
    return y, running_mean, running_var


@wrong("batch_norm_step", "expected 3 values")
def only_y(z, gamma, beta, running_mean, running_var, momentum, eps):
    return gamma * (z - z.mean(0)) / (z.var(0, correction=0) + eps).sqrt() + beta


@wrong("batch_norm_step", "loop runs over the units")
def unit_by_unit(z, gamma, beta, running_mean, running_var, momentum, eps):
    y, mean, var = torch.empty_like(z), running_mean.clone(), running_var.clone()
    for c in range(z.shape[1]):
        column = z[:, c]
        m = column.mean()
        v = ((column - m) ** 2).mean()
        y[:, c] = gamma[c] * (column - m) / (v + eps).sqrt() + beta[c]
        mean[c] = (1 - momentum) * mean[c] + momentum * m
        var[c] = (1 - momentum) * var[c] + momentum * v * len(z) / (len(z) - 1)
    return y, mean, var


@wrong("batch_norm_step", "far from zero it goes wrong")
def mean_of_squares_minus_square_of_mean(z, gamma, beta, running_mean, running_var, momentum, eps):
    mu, B = z.mean(dim=0), len(z)
    v = (z**2).mean(dim=0) - mu**2
    y = gamma * (z - mu) / (v.clamp(min=0) + eps).sqrt() + beta
    return y, torch.lerp(running_mean, mu, momentum), torch.lerp(running_var, v * B / (B - 1), momentum)


@wrong("batch_norm_step", "Only the running statistics are wrong")
def statistics_of_the_output(z, gamma, beta, running_mean, running_var, momentum, eps):
    y = gamma * (z - z.mean(dim=0)) / (z.var(dim=0, correction=0) + eps).sqrt() + beta
    return y, torch.lerp(running_mean, y.mean(dim=0), momentum), torch.lerp(running_var, y.var(dim=0), momentum)


@wrong("batch_norm_step", "Only y is wrong")
def scales_before_it_centers(z, gamma, beta, running_mean, running_var, momentum, eps):
    mu, v = z.mean(dim=0), z.var(dim=0, correction=0)
    y = (gamma * z - mu) / (v + eps).sqrt() + beta
    return y, torch.lerp(running_mean, mu, momentum), torch.lerp(running_var, z.var(dim=0), momentum)


@wrong("batch_norm_step", "has shape (1, 1); expected (1,)")
def keeps_the_axis(z, gamma, beta, running_mean, running_var, momentum, eps):
    mu, v = z.mean(dim=0, keepdim=True), z.var(dim=0, correction=0, keepdim=True)
    y = gamma * (z - mu) / (v + eps).sqrt() + beta
    return (
        y,
        torch.lerp(running_mean[None], mu, momentum),
        torch.lerp(running_var[None], v * len(z) / (len(z) - 1), momentum),
    )


# --- layer_norm_backward --------------------------------------------------------------------------------------------


def parts(x, eps):
    mu = x.mean(1, keepdim=True)
    s = (x.var(1, correction=0, keepdim=True) + eps).sqrt()
    return (x - mu) / s, s


@wrong("layer_norm_backward", "Mean and variance are taken as constants")
def constants(y_bar, x, gamma, eps):
    x_hat, s = parts(x, eps)
    return gamma * y_bar / s, (y_bar * x_hat).sum(0), y_bar.sum(0)


@wrong("layer_norm_backward", "multiply before the means are taken")
def gamma_last(y_bar, x, gamma, eps):
    x_hat, s = parts(x, eps)
    x_bar = y_bar - y_bar.mean(1, keepdim=True) - x_hat * (x_hat * y_bar).mean(1, keepdim=True)
    return gamma * x_bar / s, (y_bar * x_hat).sum(0), y_bar.sum(0)


@wrong("layer_norm_backward", "This is batch norm")
def down_the_columns(y_bar, x, gamma, eps):
    s = (x.var(0, correction=0) + eps).sqrt()
    x_hat = (x - x.mean(0)) / s
    g = gamma * y_bar
    return (g - g.mean(0) - x_hat * (x_hat * g).mean(0)) / s, (y_bar * x_hat).sum(0), y_bar.sum(0)


@wrong("layer_norm_backward", "The variance is taken as a constant")
def forgets_the_variance(y_bar, x, gamma, eps):
    x_hat, s = parts(x, eps)
    g = gamma * y_bar
    return (g - g.mean(1, keepdim=True)) / s, (y_bar * x_hat).sum(0), y_bar.sum(0)


@wrong("layer_norm_backward", "gamma_bar uses x itself")
def raw_x(y_bar, x, gamma, eps):
    x_hat, s = parts(x, eps)
    g = gamma * y_bar
    x_bar = (g - g.mean(1, keepdim=True) - x_hat * (x_hat * g).mean(1, keepdim=True)) / s
    return x_bar, (y_bar * x).sum(0), y_bar.sum(0)


@wrong("layer_norm_backward", "divided by D - 1")
def unbiased(y_bar, x, gamma, eps):
    s = (x.var(1, keepdim=True) + eps).sqrt()
    x_hat = (x - x.mean(1, keepdim=True)) / s
    g = gamma * y_bar
    x_bar = (g - g.mean(1, keepdim=True) - x_hat * (x_hat * g).mean(1, keepdim=True)) / s
    return x_bar, (y_bar * x_hat).sum(0), y_bar.sum(0)


@wrong("layer_norm_backward", "all examples share them")
def sums_over_units(y_bar, x, gamma, eps):
    x_hat, s = parts(x, eps)
    g = gamma * y_bar
    x_bar = (g - g.mean(1, keepdim=True) - x_hat * (x_hat * g).mean(1, keepdim=True)) / s
    return x_bar, (y_bar * x_hat).sum(1), y_bar.sum(1)


@wrong("layer_norm_backward", "loop runs over the examples")
def row_by_row(y_bar, x, gamma, eps):
    x_hat, s = parts(x, eps)
    rows = []
    for n in range(len(x)):
        g = gamma * y_bar[n]
        rows.append((g - g.mean() - x_hat[n] * (x_hat[n] * g).mean()) / s[n])
    return torch.stack(rows), (y_bar * x_hat).sum(0), y_bar.sum(0)


@wrong("layer_norm_backward", "sums over the units where means should be")
def sums_in_x_bar(y_bar, x, gamma, eps):
    s = (x.var(dim=1, correction=0, keepdim=True) + eps).sqrt()
    x_hat = (x - x.mean(dim=1, keepdim=True)) / s
    bar = gamma * y_bar
    x_bar = (bar - bar.sum(dim=1, keepdim=True) - x_hat * (x_hat * bar).sum(dim=1, keepdim=True)) / s
    return x_bar, (y_bar * x_hat).sum(dim=0), y_bar.sum(dim=0)


@wrong("layer_norm_backward", "Only x_bar is wrong, and x_hat is right")
def means_of_y_bar(y_bar, x, gamma, eps):
    s = (x.var(dim=1, correction=0, keepdim=True) + eps).sqrt()
    x_hat = (x - x.mean(dim=1, keepdim=True)) / s
    x_bar = (gamma * y_bar - y_bar.mean(dim=1, keepdim=True) - x_hat * (x_hat * y_bar).mean(dim=1, keepdim=True)) / s
    return x_bar, (y_bar * x_hat).sum(dim=0), y_bar.sum(dim=0)


# --- revive ---------------------------------------------------------------------------------------------------------


@wrong("revive", "dead if it is zero on any example")
def any_example(X, W, b, rows):
    dead = ((X @ W.T + b) <= 0).any(dim=0)
    return dead, torch.where(dead, -(W * X[rows]).sum(dim=1), b)


@wrong("revive", "exactly zero")
def strictly_below(X, W, b, rows):
    dead = ((X @ W.T + b) < 0).all(dim=0)
    return dead, torch.where(dead, -(W * X[rows]).sum(dim=1), b)


@wrong("revive", "it changes b")
def biases_in_place(X, W, b, rows):
    dead = torch.relu(X @ W.T + b).sum(dim=0) == 0
    b[dead] = -(W[dead] * X[rows[dead]]).sum(dim=1)
    return dead, b


@wrong("revive", "wrong sign")
def forgets_the_minus(X, W, b, rows):
    dead = ((X @ W.T + b) <= 0).all(dim=0)
    return dead, torch.where(dead, (W * X[rows]).sum(dim=1), b)


@wrong("revive", "You change all biases")
def everybody(X, W, b, rows):
    dead = ((X @ W.T + b) <= 0).all(dim=0)
    return dead, -(W * X[rows]).sum(dim=1)


@wrong("revive", "The bias is missing from the pre-activation")
def no_bias(X, W, b, rows):
    dead = ((X @ W.T) <= 0).all(dim=0)
    return dead, torch.where(dead, -(W * X[rows]).sum(dim=1), b)


@wrong("revive", "loop runs over the units")
def one_by_one(X, W, b, rows):
    b, dead = b.clone(), torch.zeros(len(b), dtype=torch.bool)
    for j in range(len(b)):
        if ((X @ W[j] + b[j]) <= 0).all():
            dead[j] = True
            b[j] = -(W[j] @ X[rows[j]])
    return dead, b


@wrong("revive", "Every unit gets the first example")
def ignores_rows(X, W, b, rows):
    dead = (X @ W.T + b <= 0).all(dim=0)
    return dead, torch.where(dead, -W @ X[0], b)


@wrong("revive", "dead is wrong, and b follows from it")
def never_rectifies(X, W, b, rows):
    dead = (X @ W.T + b).sum(dim=0) == 0
    return dead, torch.where(dead, -(W * X[rows]).sum(dim=1), b)


# --- highway --------------------------------------------------------------------------------------------------------


@wrong("highway", "The gate is the wrong way round")
def reversed_gate(x, W, b, W_gate, b_gate):
    T = torch.sigmoid(x @ W_gate.T + b_gate)
    return (1 - T) * torch.relu(x @ W.T + b) + T * x


@wrong("highway", "the input has the factor 1 - T")
def gated_residual(x, W, b, W_gate, b_gate):
    return x + torch.sigmoid(x @ W_gate.T + b_gate) * torch.relu(x @ W.T + b)


@wrong("highway", "Both weight matrices are transposed")
def no_transposes(x, W, b, W_gate, b_gate):
    T = torch.sigmoid(x @ W_gate + b_gate)
    return T * torch.relu(x @ W + b) + (1 - T) * x


@wrong("highway", "The gate sees the transformed signal")
def gate_after(x, W, b, W_gate, b_gate):
    h = torch.relu(x @ W.T + b)
    T = torch.sigmoid(h @ W_gate.T + b_gate)
    return T * h + (1 - T) * x


@wrong("highway", "The carried part is missing")
def no_carry(x, W, b, W_gate, b_gate):
    return torch.sigmoid(x @ W_gate.T + b_gate) * torch.relu(x @ W.T + b)


@wrong("highway", "The ReLU is missing")
def linear_transform(x, W, b, W_gate, b_gate):
    T = torch.sigmoid(x @ W_gate.T + b_gate)
    return T * (x @ W.T + b) + (1 - T) * x


@wrong("highway", "With open gates it goes wrong")
def unsafe_sigmoid(x, W, b, W_gate, b_gate):
    z = x @ W_gate.T + b_gate
    T = z.exp() / (1 + z.exp())
    return T * torch.relu(x @ W.T + b) + (1 - T) * x


@wrong("highway", "loop runs over the examples")
def example_by_example(x, W, b, W_gate, b_gate):
    rows = []
    for row in x:
        T = torch.sigmoid(W_gate @ row + b_gate)
        rows.append(T * torch.relu(W @ row + b) + (1 - T) * row)
    return torch.stack(rows)


@wrong("highway", "The gate goes through a step from 0 to 1")
def all_or_nothing(x, W, b, W_gate, b_gate):
    gate = (x @ W_gate.T + b_gate > 0).to(x.dtype)
    return gate * torch.relu(x @ W.T + b) + (1 - gate) * x


@wrong("highway", "the gate in between is not sigmoid")
def gate_of_the_pre_activation(x, W, b, W_gate, b_gate):
    z = x @ W.T + b
    gate = torch.sigmoid(z @ W_gate.T + b_gate)
    return gate * torch.relu(z) + (1 - gate) * x


@wrong("highway", "with closed ones x itself should come out")
def subtracts_the_rest(x, W, b, W_gate, b_gate):
    gate = torch.sigmoid(x @ W_gate.T + b_gate)
    return gate * torch.relu(x @ W.T + b) - (1 - gate) * x
