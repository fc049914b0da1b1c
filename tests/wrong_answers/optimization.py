"""Wrong answers to the exercises of chapter 06."""

import math

import torch

from tests.wrong_answers import collection

ANSWERS, wrong = collection()

# --- nesterov_step --------------------------------------------------------------------------------------------------


@wrong("nesterov_step", "This is plain momentum")
def polyak(w, v, g, lr, beta):
    v = beta * v + g
    w = w - lr * v
    return w, v


@wrong("nesterov_step", "uphill")
def plus(w, v, g, lr, beta):
    v = beta * v + g
    return w + lr * (g + beta * v), v


@wrong("nesterov_step", "renew the velocity first")
def uses_the_old_velocity(w, v, g, lr, beta):
    new_w = w - lr * (g + beta * v)
    return new_w, v


@wrong("nesterov_step", "factor 1 - beta")
def running_mean(w, v, g, lr, beta):
    v = v.mul(beta).add(g, alpha=1 - beta)
    return w - lr * (beta * v + g), v


@wrong("nesterov_step", "The learning rate stands inside v")
def rate_inside(w, v, g, lr, beta):
    v = beta * v + lr * g
    return w - (beta * v + lr * g), v


@wrong("nesterov_step", "v is a step, beta v - lr g, with")
def sutskever(w, v, g, lr, beta):
    v = beta * v - lr * g
    return w + (beta * v - lr * g), v


@wrong("nesterov_step", "the new v has a factor beta in the step")
def forgets_beta(w, v, g, lr, beta):
    v = beta * v + g
    return w - lr * (v + g), v


@wrong("nesterov_step", "it changes v, which belongs to the caller")
def in_place(w, v, g, lr, beta):
    v *= beta
    v += g
    return w - lr * (g + beta * v), v


@wrong("nesterov_step", "it changes w, which belongs to the caller")
def weights_in_place(w, v, g, lr, beta):
    v = beta * v + g
    w -= lr * (g + beta * v)
    return w, v


@wrong("nesterov_step", "expected 2 values")
def only_w(w, v, g, lr, beta):
    v = beta * v + g
    return w - lr * (g + beta * v)


@wrong("nesterov_step", "loop runs over the weights")
def one_weight_at_a_time(w, v, g, lr, beta):
    w, v = w.clone(), v.clone()
    flat_w, flat_v, flat_g = w.view(-1), v.view(-1), g.reshape(-1)
    for j in range(len(flat_w)):
        flat_v[j] = beta * flat_v[j] + flat_g[j]
        flat_w[j] -= lr * (flat_g[j] + beta * flat_v[j])
    return w, v


@wrong("nesterov_step", "v is wrong, and w follows from it")
def shares(w, v, g, lr, beta):
    v = (1 - beta) * v + beta * g
    return w - lr * (g + beta * v), v


@wrong("nesterov_step", "g alone is multiplied by lr")
def forgets_a_parenthesis(w, v, g, lr, beta):
    v = beta * v + g
    return w - lr * g + beta * v * -1, v


@wrong("nesterov_step", "The change of w is 1 / lr times what should be there")
def no_rate(w, v, g, lr, beta):
    v = beta * v + g
    return w - (g + beta * v), v


# --- rmsprop_step ---------------------------------------------------------------------------------------------------


@wrong("rmsprop_step", "eps stands inside the root")
def eps_inside(w, s, g, lr, rho, eps):
    s = rho * s + (1 - rho) * g * g
    return w - lr * g / torch.sqrt(s + eps), s


@wrong("rmsprop_step", "eps is missing")
def no_eps(w, s, g, lr, rho, eps):
    s = rho * s + (1 - rho) * g**2
    return w - lr * g / s.sqrt(), s


@wrong("rmsprop_step", "The root is missing")
def no_root(w, s, g, lr, rho, eps):
    s = rho * s + (1 - rho) * g**2
    return w - lr * g / (s + eps), s


@wrong("rmsprop_step", "factor 1 - rho is missing")
def adagrad_like(w, s, g, lr, rho, eps):
    s = rho * s + g**2
    return w - lr * g / (s.sqrt() + eps), s


@wrong("rmsprop_step", "renew s first")
def old_mean(w, s, g, lr, rho, eps):
    w = w - lr * g / (s.sqrt() + eps)
    s = rho * s + (1 - rho) * g**2
    return w, s


@wrong("rmsprop_step", "squared together with g")
def squares_too_much(w, s, g, lr, rho, eps):
    s = rho * s + ((1 - rho) * g).square()
    return w - lr * g / (s.sqrt() + eps), s


@wrong("rmsprop_step", "uphill")
def climbs(w, s, g, lr, rho, eps):
    s = rho * s + (1 - rho) * g**2
    return w + lr * g / (s.sqrt() + eps), s


@wrong("rmsprop_step", "Parentheses are missing")
def precedence(w, s, g, lr, rho, eps):
    s = rho * s + (1 - rho) * g**2
    return w - lr * (g / torch.sqrt(s) + eps), s


@wrong("rmsprop_step", "it changes s")
def mean_in_place(w, s, g, lr, rho, eps):
    s.mul_(rho).addcmul_(g, g, value=1 - rho)
    return w - lr * g / (s.sqrt() + eps), s


@wrong("rmsprop_step", "The power is written **")
def caret(w, s, g, lr, rho, eps):
    s = rho * s + (1 - rho) * g ^ 2
    return w - lr * g / (s.sqrt() + eps), s


@wrong("rmsprop_step", "this is AdaGrad")
def never_forgets(w, s, g, lr, rho, eps):
    s = s + g * g
    return w - lr * g / (s.sqrt() + eps), s


@wrong("rmsprop_step", "without a square")
def mean_of_gradients(w, s, g, lr, rho, eps):
    s = rho * s + (1 - rho) * g
    return w - lr * g / (s.abs().sqrt() + eps), s


# --- adam_step ------------------------------------------------------------------------------------------------------


@wrong("adam_step", "The bias correction is missing")
def no_correction(w, m, s, g, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    return w - lr * m / (s.sqrt() + eps), m, s


@wrong("adam_step", "t counts from 1, so at the first step")
def counts_from_zero(w, m, s, g, t, lr, beta1, beta2, eps):
    t = t - 1
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    m_hat, s_hat = m / (1 - beta1**t), s / (1 - beta2**t)
    return w - lr * m_hat / (s_hat.sqrt() + eps), m, s


@wrong("adam_step", "t counts from 1 already")
def adds_one(w, m, s, g, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    a, b = 1 - beta1 ** (t + 1), 1 - beta2 ** (t + 1)
    return w - lr * (m / a) / ((s / b).sqrt() + eps), m, s


@wrong("adam_step", "forgets the power t")
def without_power(w, m, s, g, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    return w - lr * (m / (1 - beta1)) / ((s / (1 - beta2)) ** 0.5 + eps), m, s


@wrong("adam_step", "eps stands inside the root")
def eps_under_the_root(w, m, s, g, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    m_hat, s_hat = m / (1 - beta1**t), s / (1 - beta2**t)
    return w - lr * m_hat / torch.sqrt(s_hat + eps), m, s


@wrong("adam_step", "come back corrected")
def keeps_the_corrected(w, m, s, g, t, lr, beta1, beta2, eps):
    m = (beta1 * m + (1 - beta1) * g) / (1 - beta1**t)
    s = (beta2 * s + (1 - beta2) * g**2) / (1 - beta2**t)
    return w - lr * m / (s.sqrt() + eps), m, s


@wrong("adam_step", "renew both first")
def not_renewed_before_use(w, m, s, g, t, lr, beta1, beta2, eps):
    w = w - lr * (m / (1 - beta1**t)) / ((s / (1 - beta2**t)).sqrt() + eps)
    return w, beta1 * m + (1 - beta1) * g, beta2 * s + (1 - beta2) * g**2


@wrong("adam_step", "it changes m")
def means_in_place(w, m, s, g, t, lr, beta1, beta2, eps):
    m.mul_(beta1).add_(g, alpha=1 - beta1)
    s = beta2 * s + (1 - beta2) * g**2
    return w - lr * (m / (1 - beta1**t)) / ((s / (1 - beta2**t)).sqrt() + eps), m, s


@wrong("adam_step", "expected 3 values")
def forgets_the_means(w, m, s, g, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    return w - lr * (m / (1 - beta1**t)) / ((s / (1 - beta2**t)).sqrt() + eps)


@wrong("adam_step", "1 minus the power")
def power_of_the_difference(w, m, s, g, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    m_hat, s_hat = m / (1 - beta1) ** t, s / (1 - beta2) ** t
    return w - lr * m_hat / (s_hat.sqrt() + eps), m, s


@wrong("adam_step", "m is wrong, and w follows from it")
def mean_of_squares_twice(w, m, s, g, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g**2
    s = beta2 * s + (1 - beta2) * g**2
    return w - lr * (m / (1 - beta1**t)) / ((s / (1 - beta2**t)).sqrt() + eps), m, s


@wrong("adam_step", "the old means, or one of them")
def old_squares(w, m, s, g, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g
    w = w - lr * (m / (1 - beta1**t)) / ((s / (1 - beta2**t)).sqrt() + eps)
    return w, m, beta2 * s + (1 - beta2) * g**2


# --- learning_rate --------------------------------------------------------------------------------------------------


@wrong("learning_rate", "The warm-up starts at 0")
def from_zero(step, lr, warm_up, total):
    if step < warm_up:
        return lr * step / warm_up
    return lr * 0.5 * (1 + math.cos(math.pi * min(1, (step - warm_up) / (total - warm_up))))


@wrong("learning_rate", "counts from step 0")
def one_wave(step, lr, warm_up, total):
    if step < warm_up:
        return lr * (step + 1) / warm_up
    return lr * 0.5 * (1 + math.cos(math.pi * min(1, step / total)))


@wrong("learning_rate", "climbs again")
def no_end(step, lr, warm_up, total):
    if step < warm_up:
        return lr * (step + 1) / warm_up
    return lr * (1 + math.cos(math.pi * (step - warm_up) / (total - warm_up))) / 2


@wrong("learning_rate", "The cosine is not halved")
def not_halved(step, lr, warm_up, total):
    if step < warm_up:
        return lr * (step + 1) / warm_up
    share = min(1.0, (step - warm_up) / (total - warm_up))
    return lr * (1 + math.cos(math.pi * share))


@wrong("learning_rate", "Without a warm-up it goes wrong")
def divides_by_zero(step, lr, warm_up, total):
    climb = (step + 1) / warm_up
    share = min(1.0, max(0.0, (step - warm_up) / (total - warm_up)))
    return lr * min(climb, 1.0) * (1 + math.cos(math.pi * share)) / 2


@wrong("learning_rate", "quarter of a wave")
def quarter(step, lr, warm_up, total):
    if step < warm_up:
        return lr * (step + 1) / warm_up
    return lr * math.cos(math.pi / 2 * min(1.0, (step - warm_up) / (total - warm_up)))


@wrong("learning_rate", "multiply it by lr")
def factor_alone(step, lr, warm_up, total):
    if step < warm_up:
        return (step + 1) / warm_up
    return (1 + math.cos(math.pi * min(1.0, (step - warm_up) / (total - warm_up)))) / 2


@wrong("learning_rate", "straight line")
def linear_decay(step, lr, warm_up, total):
    if step < warm_up:
        return lr * (step + 1) / warm_up
    return lr * max(0.0, (total - step) / (total - warm_up))


@wrong("learning_rate", "It returns nothing")
def prints(step, lr, warm_up, total):
    if step < warm_up:
        print(lr * (step + 1) / warm_up)
    else:
        print(lr)


@wrong("learning_rate", "Only the warm-up is wrong")
def whole_division(step, lr, warm_up, total):
    if step < warm_up:
        return lr * ((step + 1) // warm_up)
    return lr * (1 + math.cos(math.pi * min(1.0, (step - warm_up) / (total - warm_up)))) / 2


@wrong("learning_rate", "The warm-up is right, but not the cosine")
def decays(step, lr, warm_up, total):
    if step < warm_up:
        return lr * (step + 1) / warm_up
    return lr * math.exp(-5 * (step - warm_up) / (total - warm_up)) if step < total else 0.0


@wrong("learning_rate", "rate is the argument lr, unchanged")
def never_changes(step, lr, warm_up, total):
    class Rate(float):
        def __repr__(self):
            return repr(self)

    return Rate(lr)


# --- clip_by_norm ---------------------------------------------------------------------------------------------------


@wrong("clip_by_norm", "clipped apart")
def each_by_itself(dW, db, max_norm):
    if dW.norm() > max_norm:
        dW = dW / dW.norm() * max_norm
    if db.norm() > max_norm:
        db = db / db.norm() * max_norm
    return dW, db


@wrong("clip_by_norm", "short enough must stay as it is")
def always(dW, db, max_norm):
    norm = torch.sqrt((dW**2).sum() + (db**2).sum())
    if norm == 0:
        return dW, db
    return dW * max_norm / norm, db * max_norm / norm


@wrong("clip_by_norm", "The two lengths are added")
def adds_lengths(dW, db, max_norm):
    scale = min(1.0, max_norm / max((dW.norm() + db.norm()).item(), 1e-12))
    return dW * scale, db * scale


@wrong("clip_by_norm", "A small number is added to the length")
def as_in_torch(dW, db, max_norm):
    norm = torch.cat([dW.flatten(), db]).norm()
    factor = torch.clamp(max_norm / (norm + 1e-6), max=1.0)
    return dW * factor, db * factor


@wrong("clip_by_norm", "The direction is right, but not the length")
def half_of_the_lengths(dW, db, max_norm):
    norm = (dW.norm() + db.norm()) / 2
    return (dW * max_norm / norm, db * max_norm / norm) if norm > max_norm else (dW, db)


@wrong("clip_by_norm", "factors of their own")
def by_its_own_length(dW, db, max_norm):
    norm = torch.cat([dW.flatten(), db]).norm()
    return (dW * max_norm / norm, db * max_norm / db.norm().clamp(min=1e-9)) if norm > max_norm else (dW, db)


@wrong("clip_by_norm", "The root is missing")
def no_square_root(dW, db, max_norm):
    norm = (dW**2).sum() + (db**2).sum()
    if norm > max_norm:
        return dW / norm * max_norm, db / norm * max_norm
    return dW, db


@wrong("clip_by_norm", "A gradient of zeros goes wrong")
def divides_by_zero_length(dW, db, max_norm):
    norm = (dW.square().sum() + db.square().sum()).sqrt()
    unit_W, unit_b = dW / norm, db / norm
    length = norm.clamp(max=max_norm)
    return unit_W * length, unit_b * length


@wrong("clip_by_norm", "gets the length 1")
def to_unit_length(dW, db, max_norm):
    norm = torch.cat([dW.flatten(), db]).norm()
    return (dW / norm, db / norm) if norm > max_norm else (dW, db)


@wrong("clip_by_norm", "of dW alone")
def weights_only(dW, db, max_norm):
    norm = dW.norm()
    return (dW * max_norm / norm, db * max_norm / norm) if norm > max_norm else (dW, db)


@wrong("clip_by_norm", "it changes dW")
def clips_in_place(dW, db, max_norm):
    norm = (dW.square().sum() + db.square().sum()).sqrt()
    if norm > max_norm:
        dW *= max_norm / norm
        db *= max_norm / norm
    return dW, db


@wrong("clip_by_norm", "loop runs over the rows")
def sums_by_hand(dW, db, max_norm):
    total = 0.0
    for row, bias in zip(dW, db):
        total = total + row @ row + bias**2
    factor = min(1.0, max_norm / max(float(total) ** 0.5, 1e-300))
    return dW * factor, db * factor
