"""Wrong answers to the exercises of chapter 08."""

import torch

from tests.wrong_answers import collection

ANSWERS, wrong = collection()

# --- sparse_step ----------------------------------------------------------------------------------------------------


@wrong("sparse_step", "jumps over zero")
def subgradient(w, g, lr, l1, decay):
    return w - lr * (g + decay * w + l1 * torch.sign(w))


@wrong("sparse_step", "you use l1 alone")
def threshold_without_rate(w, g, lr, l1, decay):
    w = w - lr * g - lr * decay * w
    return torch.nn.functional.softshrink(w, l1)


@wrong("sparse_step", "forgets the learning rate")
def decay_without_rate(w, g, lr, l1, decay):
    w = w * (1 - decay) - lr * g
    return torch.sign(w) * torch.relu(w.abs() - lr * l1)


@wrong("sparse_step", "only the old w gets the factor")
def decays_after(w, g, lr, l1, decay):
    w = w - lr * g
    w = w - lr * decay * w
    return torch.sign(w) * torch.relu(w.abs() - lr * l1)


@wrong("sparse_step", "jump to the other side")
def no_clamp(w, g, lr, l1, decay):
    u = w - lr * (g + decay * w)
    return torch.where(u > 0, u - lr * l1, torch.where(u < 0, u + lr * l1, u))


@wrong("sparse_step", "hard threshold")
def only_cuts(w, g, lr, l1, decay):
    u = w - lr * (g + decay * w)
    return torch.where(u.abs() <= lr * l1, torch.zeros_like(u), u)


@wrong("sparse_step", "The sign is lost")
def sizes(w, g, lr, l1, decay):
    u = (1 - lr * decay) * w - lr * g
    return torch.maximum(u.abs() - lr * l1, torch.zeros_like(u))


@wrong("sparse_step", "Negative weights become zero")
def relu_only(w, g, lr, l1, decay):
    return torch.relu((1 - lr * decay) * w - lr * g - lr * l1)


@wrong("sparse_step", "that of the old w")
def old_sign(w, g, lr, l1, decay):
    u = (1 - lr * decay) * w - lr * g
    return w.sign() * torch.relu(u.abs() - lr * l1)


@wrong("sparse_step", "belongs to the caller")
def in_place(w, g, lr, l1, decay):
    w *= 1 - lr * decay
    w -= lr * g
    return w.sign() * (w.abs() - lr * l1).clamp(min=0)


@wrong("sparse_step", "loop runs over the weights")
def one_by_one(w, g, lr, l1, decay):
    u = ((1 - lr * decay) * w - lr * g).flatten()
    out = [x - lr * l1 if x > lr * l1 else x + lr * l1 if x < -lr * l1 else x * 0 for x in u]
    return torch.stack(out).reshape(w.shape)


@wrong("sparse_step", "soft threshold is missing")
def decay_alone(w, g, lr, l1, decay):
    return w - lr * g - lr * decay * w


@wrong("sparse_step", "With l1 = 0 it is right")
def forgets_the_sign_of_the_rest(w, g, lr, l1, decay):
    u = (1 - lr * decay) * w - lr * g
    return torch.where(u.abs() <= lr * l1, torch.zeros_like(u), u - lr * l1)


@wrong("sparse_step", "Without decay it is right")
def decays_last(w, g, lr, l1, decay):
    u = w - lr * g
    return (1 - lr * decay) * u.sign() * (u.abs() - lr * l1).clamp(min=0)


# --- dropout --------------------------------------------------------------------------------------------------------


@wrong("dropout", "The scale is missing in both")
def no_scale(h, u, p, grad):
    mask = u >= p
    return h * mask, grad * mask


@wrong("dropout", "a unit is dropped where u < p")
def keeps_the_dropped(h, u, p, grad):
    mask = (u < p).to(h.dtype) / (1 - p)
    return h * mask, grad * mask


@wrong("dropout", "You divide by p")
def scale_by_p(h, u, p, grad):
    mask = (u >= p).to(h.dtype)
    return h * mask / max(p, 1e-300), grad * mask / max(p, 1e-300)


@wrong("dropout", "Where u equals p")
def strictly_above(h, u, p, grad):
    mask = (u > p).to(h.dtype) / (1 - p)
    return mask * h, mask * grad


@wrong("dropout", "dh lacks the scale")
def backward_without_scale(h, u, p, grad):
    mask = (u >= p).to(h.dtype)
    return h * mask / (1 - p), grad * mask


@wrong("dropout", "goes through dropped units")
def backward_without_mask(h, u, p, grad):
    out = torch.where(u < p, torch.zeros_like(h), h / (1 - p))
    return out, grad / (1 - p)


@wrong("dropout", "A unit that is zero by itself")
def mask_from_output(h, u, p, grad):
    out = torch.where(u < p, torch.zeros_like(h), h / (1 - p))
    return out, torch.where(out != 0, grad / (1 - p), torch.zeros_like(grad))


@wrong("dropout", "dh does not use grad")
def slope_alone(h, u, p, grad):
    keep = (u >= p).to(h.dtype) / (1 - p)
    return h * keep, keep


@wrong("dropout", "happened to be kept")
def by_the_count(h, u, p, grad):
    keep = (u >= p).to(h.dtype)
    keep = keep / keep.mean()
    return h * keep, grad * keep


@wrong("dropout", "loop runs over the examples")
def row_by_row(h, u, p, grad):
    out, dh = torch.zeros_like(h), torch.zeros_like(h)
    for i in range(len(h)):
        keep = (u[i] >= p).to(h.dtype) / (1 - p)
        out[i] = h[i] * keep
        dh[i] = grad[i] * keep
    return out, dh


@wrong("dropout", "expected 2 values")
def forward_alone(h, u, p, grad):
    return h * (u >= p) / (1 - p)


@wrong("dropout", "dh fits out, but the factor is wrong in both")
def one_mask_for_a_row(h, u, p, grad):
    factor = (u[..., :1] >= p).to(h.dtype) / (1 - p)
    return h * factor, grad * factor


# --- early_stop -----------------------------------------------------------------------------------------------------


@wrong("early_stop", "after the stop, which never run")
def best_of_all(costs, patience):
    best, waited = float("inf"), 0
    for epoch, cost in enumerate(costs):
        if cost < best:
            best, waited = cost, 0
        else:
            waited += 1
            if waited >= patience:
                break
    return costs.index(min(costs)), epoch


@wrong("early_stop", "one epoch too late")
def too_late(costs, patience):
    best = 0
    for epoch in range(1, len(costs)):
        if costs[epoch] < costs[best]:
            best = epoch
        elif epoch - best > patience:
            return best, epoch
    return best, len(costs) - 1


@wrong("early_stop", "counted in all")
def counts_all(costs, patience):
    best, bad = 0, 0
    for epoch in range(1, len(costs)):
        if costs[epoch] < costs[best]:
            best = epoch
        else:
            bad += 1
        if bad == patience:
            return best, epoch
    return best, len(costs) - 1


@wrong("early_stop", "with the epoch before")
def looks_at_the_last(costs, patience):
    bad, epoch = 0, 0
    for epoch in range(1, len(costs)):
        bad = bad + 1 if costs[epoch] >= costs[epoch - 1] else 0
        if bad == patience:
            break
    seen = costs[: epoch + 1]
    return seen.index(min(seen)), epoch


@wrong("early_stop", "equal to the best")
def ties_count(costs, patience):
    best, waited = 0, 0
    for epoch, cost in enumerate(costs):
        if cost <= costs[best]:
            best, waited = epoch, 0
        else:
            waited += 1
        if waited == patience:
            break
    return best, epoch


@wrong("early_stop", "best is a cost")
def returns_the_cost(costs, patience):
    best, waited = float("inf"), 0
    for epoch, cost in enumerate(costs):
        if cost < best:
            best, waited = cost, 0
        else:
            waited += 1
        if waited == patience:
            break
    return best, epoch


@wrong("early_stop", "number of epochs that ran")
def counts_epochs(costs, patience):
    best = 0
    for epoch in range(len(costs)):
        if costs[epoch] < costs[best]:
            best = epoch
        if epoch - best == patience:
            break
    return best, epoch + 1


@wrong("early_stop", "whatever the patience")
def impatient(costs, patience):
    for epoch in range(1, len(costs)):
        if costs[epoch] >= costs[epoch - 1]:
            return epoch - 1, epoch
    return len(costs) - 1, len(costs) - 1


@wrong("early_stop", "It never stops")
def no_stop(costs, patience):
    best = min(range(len(costs)), key=costs.__getitem__)
    return best, len(costs) - 1


@wrong("early_stop", "after the end of the list")
def beyond_the_end(costs, patience):
    best = 0
    for epoch in range(len(costs)):
        if costs[epoch] < costs[best]:
            best = epoch
        if epoch - best >= patience:
            break
    return best, best + patience


@wrong("early_stop", "A small improvement goes wrong")
def wants_a_clear_improvement(costs, patience):
    best, waited = 0, 0
    for epoch, cost in enumerate(costs):
        if cost < costs[best] - 1e-2:
            best, waited = epoch, 0
        elif epoch:
            waited += 1
        if waited == patience:
            break
    return best, epoch


@wrong("early_stop", "also of epochs after the stop")
def knows_the_future(costs, patience):
    best = costs.index(min(costs))
    return best, min(best + patience, len(costs) - 1)


@wrong("early_stop", "Only last is wrong")
def runs_on(costs, patience):
    best = 0
    for epoch, cost in enumerate(costs):
        if cost < costs[best]:
            best = epoch
        if epoch - best >= patience:
            break
    return best, len(costs) - 1


# --- shift ----------------------------------------------------------------------------------------------------------


@wrong("shift", "comes in on the other")
def rolls(images, down, right):
    return images.roll(down, dims=1).roll(right, dims=2)


@wrong("shift", "down and right are exchanged")
def exchanged(images, down, right):
    N, H, W = images.shape
    canvas = torch.nn.functional.pad(images, (abs(down),) * 2 + (abs(right),) * 2)
    return canvas[:, abs(right) - right : abs(right) - right + H, abs(down) - down : abs(down) - down + W]


@wrong("shift", "other way")
def opposite(images, down, right):
    N, H, W = images.shape
    canvas = torch.nn.functional.pad(images, (abs(right),) * 2 + (abs(down),) * 2)
    return canvas[:, abs(down) + down : abs(down) + down + H, abs(right) + right : abs(right) + right + W]


@wrong("shift", "Negative shifts go wrong")
def positive_only(images, down, right):
    N, H, W = images.shape
    moved = torch.zeros_like(images)
    if down >= 0 and right >= 0:
        moved[:, down:, right:] = images[:, : H - down, : W - right]
    return moved


@wrong("shift", "as large as the image")
def too_far_raises(images, down, right):
    N, H, W = images.shape
    moved = torch.zeros_like(images)
    if down >= H or down <= -H or right >= W or right <= -W:
        return images.clone()
    moved[:, max(down, 0) : H + min(down, 0), max(right, 0) : W + min(right, 0)] = images[
        :, max(-down, 0) : H + min(-down, 0), max(-right, 0) : W + min(-right, 0)
    ]
    return moved


@wrong("shift", "other places are not zero")
def clamps(images, down, right):
    N, H, W = images.shape
    rows = (torch.arange(H) - down).clamp(0, H - 1)
    columns = (torch.arange(W) - right).clamp(0, W - 1)
    return images[:, rows][:, :, columns]


@wrong("shift", "wrong rows or columns are set to zero")
def erases_the_front(images, down, right):
    out = torch.roll(images, shifts=(down, right), dims=(1, 2))
    out[:, : abs(down), :] = 0
    out[:, :, : abs(right)] = 0
    return out


@wrong("shift", "loop runs over the rows")
def pixel_by_pixel(images, down, right):
    N, H, W = images.shape
    out = torch.zeros_like(images)
    for i in range(H):
        for j in range(W):
            if 0 <= i - down < H and 0 <= j - right < W:
                out[:, i, j] = images[:, i - down, j - right]
    return out


@wrong("shift", "loop runs over the images")
def image_by_image(images, down, right):
    N, H, W = images.shape
    out = []
    for image in images:
        canvas = torch.nn.functional.pad(image, (abs(right),) * 2 + (abs(down),) * 2)
        out.append(canvas[abs(down) - down : abs(down) - down + H, abs(right) - right : abs(right) - right + W])
    return torch.stack(out)


@wrong("shift", "axis of the images")
def wrong_axes(images, down, right):
    return torch.roll(images, shifts=(down, right), dims=(0, 1))


@wrong("shift", "Only negative shifts are wrong")
def slices(images, down, right):
    N, H, W = images.shape
    moved = torch.zeros_like(images)
    moved[:, down:, right:] = images[:, : H - down, : W - right]  # stops for most of them
    return moved


@wrong("shift", "The first image is right")
def moves_one(images, down, right):
    moved = torch.nn.functional.pad(images, (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0)))
    u, v = max(-down, 0), max(-right, 0)
    moved = moved[:, u : u + images.shape[1], v : v + images.shape[2]]
    return moved[:1].expand_as(images)


@wrong("shift", "other places are not zero")
def over_the_old_ones(images, down, right):
    N, H, W = images.shape
    moved = images.clone()
    if abs(down) < H and abs(right) < W:
        d, r, u, v = max(down, 0), max(right, 0), max(-down, 0), max(-right, 0)
        moved[:, d : H - u, r : W - v] = images[:, u : H - d, v : W - r]
    return moved


# --- out_of_bag_error -----------------------------------------------------------------------------------------------


@wrong("out_of_bag_error", "All members are averaged")
def everybody(y, out_of_bag, t):
    average = y.mean(dim=0)
    return average, (average.argmax(dim=1) != t).to(y.dtype).mean()


@wrong("out_of_bag_error", "wrong way round")
def in_bag(y, out_of_bag, t):
    seen = (~out_of_bag)[..., None].to(y.dtype)
    count = seen.sum(dim=0)
    average = (y * seen).sum(dim=0) / count.clamp(min=1)
    return average, (average.argmax(dim=1) != t)[count[:, 0] > 0].to(y.dtype).mean()


@wrong("out_of_bag_error", "number M of members")
def divides_by_members(y, out_of_bag, t):
    average = (y * out_of_bag.unsqueeze(-1)).mean(dim=0)
    wrong = (average.argmax(dim=1) != t)[out_of_bag.any(dim=0)]
    return average, wrong.to(y.dtype).mean()


@wrong("out_of_bag_error", "error counts all examples")
def counts_everything(y, out_of_bag, t):
    average = (y * out_of_bag[..., None]).sum(dim=0) / out_of_bag.sum(dim=0).clamp(min=1)[:, None]
    return average, (average.argmax(dim=1) != t).to(y.dtype).mean()


@wrong("out_of_bag_error", "share of right answers")
def accuracy(y, out_of_bag, t):
    n = out_of_bag.sum(dim=0)
    average = (y * out_of_bag[..., None]).sum(dim=0) / n.clamp(min=1)[:, None]
    return average, (average.argmax(dim=1) == t)[n > 0].to(y.dtype).mean()


@wrong("out_of_bag_error", "votes for one class each")
def majority(y, out_of_bag, t):
    votes = torch.zeros_like(y).scatter_(2, y.argmax(dim=2, keepdim=True), 1.0)
    n = out_of_bag.sum(dim=0)
    average = (votes * out_of_bag[..., None]).sum(dim=0) / n.clamp(min=1)[:, None]
    return average, (average.argmax(dim=1) != t)[n > 0].to(y.dtype).mean()


@wrong("out_of_bag_error", "0 / 0")
def divides_by_zero(y, out_of_bag, t):
    n = out_of_bag.sum(dim=0)
    average = (y * out_of_bag[..., None]).sum(dim=0) / n[:, None]
    return average, (average.argmax(dim=1) != t)[n > 0].to(y.dtype).mean()


@wrong("out_of_bag_error", "errors of single members")
def single_errors(y, out_of_bag, t):
    n = out_of_bag.sum(dim=0)
    average = (y * out_of_bag[..., None]).sum(dim=0) / n.clamp(min=1)[:, None]
    wrong = (y.argmax(dim=2) != t) & out_of_bag
    return average, (wrong.sum() / out_of_bag.sum()).to(y.dtype)


@wrong("out_of_bag_error", "average is a sum")
def sums(y, out_of_bag, t):
    total = (y * out_of_bag[..., None]).sum(dim=0)
    return total, (total.argmax(dim=1) != t)[out_of_bag.any(dim=0)].to(y.dtype).mean()


@wrong("out_of_bag_error", "loop runs over the examples")
def example_by_example(y, out_of_bag, t):
    average, wrong = torch.zeros_like(y[0]), []
    for n in range(len(t)):
        judges = y[out_of_bag[:, n], n]
        if len(judges):
            average[n] = judges.mean(dim=0)
            wrong.append(float(average[n].argmax() != t[n]))
    return average, y.new_tensor(sum(wrong) / len(wrong))


@wrong("out_of_bag_error", "average is wrong, and error follows from it")
def first_judge(y, out_of_bag, t):
    first = out_of_bag.to(torch.int8).argmax(dim=0)
    has = out_of_bag.any(dim=0)
    average = y[first, torch.arange(len(t))] * has[:, None]
    return average, (average.argmax(dim=1) != t)[has].to(y.dtype).mean()


@wrong("out_of_bag_error", "Only error is wrong")
def squares(y, out_of_bag, t):
    count = out_of_bag.sum(dim=0)
    average = (y * out_of_bag[..., None]).sum(dim=0) / count.clamp(min=1)[:, None]
    target = torch.nn.functional.one_hot(t, y.shape[2])
    return average, (average - target)[count > 0].square().mean()
