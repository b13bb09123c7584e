"""Checks of e11: three steps, whose truth is the recursion unrolled: weighted sums over all gradients so far."""

import numpy as np

from tinyvae.exercises.check import Case

FUNCTIONS = ("adam_step",)
SIZES = [{"M": 7, "P": 11}, {"M": 3, "P": 2}, {"M": 5, "P": 5}]

ADVICE = {
    "sum-of-grads": "The loss is an average over the batch, and so is its gradient: equation (1).",
    "not-averaged": "Start with equation (1): the average over the rows, axis 0, has the shape (P,).",
    "per-example": "Average the M gradients first, equation (1); then (2) to (5) once.",
    "no-correction": "m and v start as zeros, and are too small in the first steps: equation (4).",
    "t-1": "t counts from 1: the first call has t = 1, and (4) has t as it is given.",
    "t+1": "t counts from 1: the first call has t = 1, and (4) has t as it is given.",
    "no-power": "(4) has beta to the power t, beta1**t: the zeros of the start count less with each step.",
    "eps-outside": "In Python, / goes before +: put the denominator of (5), sqrt(v_hat) + eps, into brackets.",
    "eps-inside": "In (5), eps is added after the root is taken.",
    "corrected": "Give back m and v as (2) and (3) make them; otherwise the next step corrects them once more.",
    "missing:the old theta": "Give back the new theta, not the step that leads to it: equation (5).",
    "sign:the update": "The gradient points uphill: (5) has a minus.",
    "g-for-m": "(5) moves by m_hat, which remembers the gradients of earlier steps.",
}
HINTS = [
    "Write (1) to (5) one under another, a line for each, and give every new quantity a name of its own.",
    "The average over the rows of grads is along axis 0. In (4), ** is the power: beta1**t.",
    "g = grads.mean(axis=0); m = beta1 * m + (1 - beta1) * g, v likewise with g**2; m_hat = m / (1 - beta1**t), v_hat "
    "likewise; theta - lr * m_hat / (np.sqrt(v_hat) + eps).",
]


def cases(rng):
    for sizes in SIZES:
        yield from of_size(rng, **sizes)


def of_size(rng, M, P):
    # An eps that is seen, and betas that forget soon: a mistake in any of them is far above rounding.
    lr, eps, beta1, beta2 = rng.uniform(0.2, 0.5), rng.uniform(0.1, 0.3), rng.uniform(0.5, 0.7), rng.uniform(0.8, 0.95)
    grads = rng.standard_normal((3, 1, P)) + rng.standard_normal((3, M, P))
    g = grads.sum(1) / M
    theta, m, v = rng.standard_normal(P), np.zeros(P), np.zeros(P)
    for t in (1, 2, 3):
        # How much each gradient so far counts against the newest. What weights and their own sum make is an average.
        w1, w2 = (beta ** np.arange(t - 1.0, -1, -1) for beta in (beta1, beta2))
        step = w1 @ g[:t] / w1.sum() / (np.sqrt(w2 @ g[:t] ** 2 / w2.sum()) + eps)
        true = {"theta": theta - lr * step, "m": (1 - beta1) * w1 @ g[:t], "v": (1 - beta2) * w2 @ g[:t] ** 2}
        args = {"theta": theta, "grads": grads[t - 1], "m": m, "v": v, "t": t,
                "lr": lr, "beta1": beta1, "beta2": beta2, "eps": eps}
        yield Case("adam_step", args, true, {"M": M, "P": P}, variants=mistakes(**args),
                   terms={"theta": {"the update": -lr * step, "the old theta": theta}},
                   label=f"t = {t}, M = {M}, P = {P}")
        theta, m, v = true.values()


@np.errstate(divide="ignore", invalid="ignore")
def mistakes(theta, grads, m, v, t, lr, beta1, beta2, eps):
    """{output: {cause: (what it then is, why)}}."""
    g, old_m, old_v = grads.mean(0), m, v

    def mix(old, new, beta):
        return beta * old + (1 - beta) * new

    def move(m, v, t=t, beta1=beta1, beta2=beta2, theta=theta):
        return theta - lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)

    m, v = mix(m, g, beta1), mix(v, g**2, beta2)
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    found = {
        "theta": {
            "no-correction": (theta - lr * m / (np.sqrt(v) + eps), "the bias correction (4) is missing"),
            "no-correction-m": (theta - lr * m / (np.sqrt(v_hat) + eps), "m is not corrected; (5) has m_hat"),
            "no-correction-v": (theta - lr * m_hat / (np.sqrt(v) + eps), "v is not corrected; (5) has v_hat"),
            "t-1": (move(m, v, t - 1), "the bias correction (4) is that of step t - 1"),
            "t+1": (move(m, v, t + 1), "the bias correction (4) is that of step t + 1"),
            "eps-inside": (theta - lr * m_hat / np.sqrt(v_hat + eps), "eps is under the root"),
            "eps-outside": (theta - lr * m_hat / np.sqrt(v_hat) + eps,
                            "eps is added to theta, not to the root of v_hat"),
            "no-power": (theta - lr * (m / (1 - beta1)) / (np.sqrt(v / (1 - beta2)) + eps),
                         "the bias correction (4) has 1 - beta, whatever t is: beta^t is missing"),
            "eps-to-v": (theta - lr * m_hat * np.sqrt(1 - beta2**t) / (np.sqrt(v) + eps),
                         "eps is added to the root of v, before the correction; (5) adds it to the root of v_hat"),
            "no-eps": (theta - lr * m_hat / np.sqrt(v_hat), "eps is missing, or is not the eps that was given"),
            "no-root": (theta - lr * m_hat / (v_hat + eps), "the square root is missing"),
            "v-unused": (theta - lr * m_hat, "its step is lr m_hat, not divided by sqrt(v_hat) + eps"),
            "g-for-m": (theta - lr * g / (np.sqrt(v_hat) + eps), "its step has the gradient g where m_hat belongs"),
            "old-moments": (move(old_m, old_v), "its step has m and v as they were before (2) and (3)"),
            "wrong-beta": (move(mix(old_m, g, beta2), mix(old_v, g**2, beta1), beta1=beta2, beta2=beta1),
                           "beta1 and beta2 have changed places"),
            "full-weight": (move(beta1 * old_m + g, beta2 * old_v + g**2), "1 - beta is missing in (2) and (3)"),
        },
        "m": {"corrected": (m_hat, "it is m_hat; for the next step, (2) is given back as it is"),
              "wrong-beta": (mix(old_m, g, beta2), "it has beta2 where beta1 belongs"),
              "full-weight": (beta1 * old_m + g, "1 - beta1 is missing in (2)")},
        "v": {"corrected": (v_hat, "it is v_hat; for the next step, (3) is given back as it is"),
              "wrong-beta": (mix(old_v, g**2, beta1), "it has beta1 where beta2 belongs"),
              "full-weight": (beta2 * old_v + g**2, "1 - beta2 is missing in (3)")},
    }

    def know(key, text, m=m, v=v, theta=None):
        """A mistake in m or v; theta follows from them."""
        arrays = {"theta": move(m, v) if theta is None else theta, "m": m, "v": v}
        for name, a in arrays.items():
            found[name][key] = a, text

    know("weights-swapped", "the old average has the weight 1 - beta and the gradient beta; in (2) and (3) it is the "
                            "other way round", mix(g, old_m, beta1), mix(g**2, old_v, beta2))
    know("m-lost", "the old m is lost; (2) keeps beta1 of it", m=(1 - beta1) * g)
    know("v-lost", "the old v is lost; (3) keeps beta2 of it", v=(1 - beta2) * g**2)
    know("m-is-g", "the gradient g stands where m belongs", m=g)
    know("v-is-g^2", "g^2 stands where v belongs", v=g**2)
    know("not-squared", "g is not squared in (3)", v=mix(old_v, g, beta2))
    know("mean-of-squares", "(3) has the square of the average gradient, not the average of the examples' squares",
         v=mix(old_v, (grads**2).mean(0), beta2))

    averages = {
        "sum-of-grads": (grads.sum(0), "grads is summed over the batch, not averaged"),
        "not-averaged": (grads, "grads is not averaged over the batch"),
        "mean-of-all": (grads.mean(), "grads is averaged over all its entries to one number; (1) gives P numbers"),
    }
    if len(grads) == len(theta):  # elsewhere NumPy refuses
        averages["wrong-axis"] = grads.mean(1), "grads is averaged over the parameters, axis 1, not over the batch"
    for key, (wrong, text) in averages.items():
        know(key, text, mix(old_m, wrong, beta1), mix(old_v, wrong**2, beta2))

    each, m, v = theta, old_m, old_v
    for one in grads:
        m, v = mix(m, one, beta1), mix(v, one**2, beta2)
        each = move(m, v, theta=each)
    know("per-example", "there are M updates, one for each example; a batch makes one", m, v, each)
    return found
