"""e11: answers, right and wrong, on Adam's step."""

RIGHT = {
    "the master": "",
    "loops": """
def adam_step(theta, grads, m, v, t, lr, beta1, beta2, eps):
    M, P = grads.shape
    new_theta, new_m, new_v = [0.0] * P, [0.0] * P, [0.0] * P
    for p in range(P):
        g = sum(grads[i, p] for i in range(M)) / M
        new_m[p] = beta1 * m[p] + (1 - beta1) * g
        new_v[p] = beta2 * v[p] + (1 - beta2) * g * g
        m_hat, v_hat = new_m[p] / (1 - beta1 ** t), new_v[p] / (1 - beta2 ** t)
        new_theta[p] = theta[p] - lr * m_hat / (v_hat ** 0.5 + eps)
    return new_theta, new_m, new_v
""",
    "one step size for both corrections, and eps rescaled": """
def adam_step(theta, grads, m, v, t, lr, beta1, beta2, eps):
    g = np.full(len(grads), 1 / len(grads)) @ grads
    m = m + (1 - beta1) * (g - m)
    v = v + (1 - beta2) * (g * g - v)
    root = np.sqrt(1 - beta2 ** t)
    return theta - lr * root / (1 - beta1 ** t) * m / (np.sqrt(v) + eps * root), m, v
""",
    "in place, on copies": """
def adam_step(theta, grads, m, v, t, lr, beta1, beta2, eps):
    theta, m, v = theta.copy(), m.copy(), v.copy()
    g = np.einsum("mp->p", grads) / len(grads)
    m *= beta1
    m += (1 - beta1) * g
    v *= beta2
    v += (1 - beta2) * np.square(g)
    theta -= lr * (m / (1 - np.power(beta1, t))) / (eps + np.sqrt(v / (1 - np.power(beta2, t))))
    return [theta, m, v]
""",
    "float32": """
def adam_step(theta, grads, m, v, t, lr, beta1, beta2, eps):
    theta, grads, m, v = (a.astype(np.float32) for a in (theta, grads, m, v))
    g = grads.mean(0)
    m = np.float32(beta1) * m + np.float32(1 - beta1) * g
    v = np.float32(beta2) * v + np.float32(1 - beta2) * g * g
    c1, c2 = np.float32(1 / (1 - beta1 ** t)), np.float32(1 / (1 - beta2 ** t))
    return theta - np.float32(lr) * (c1 * m) / (np.sqrt(c2 * v) + np.float32(eps)), m, v
""",
}


def adam(g="grads.mean(axis=0)", m="beta1 * m + (1 - beta1) * g", v="beta2 * v + (1 - beta2) * g**2",
         m_hat="m / (1 - beta1**t)", v_hat="v / (1 - beta2**t)", theta="theta - lr * m_hat / (np.sqrt(v_hat) + eps)",
         returned="theta, m, v", first="pass"):
    """The function with other lines in the place of some."""
    return f"""
def adam_step(theta, grads, m, v, t, lr, beta1, beta2, eps):
    {first}
    g = {g}
    old_m, old_v = m, v
    m = {m}
    v = {v}
    m_hat = {m_hat}
    v_hat = {v_hat}
    theta = {theta}
    return {returned}
"""


MISTAKES = {
    "no bias correction": ("no-correction", adam(m_hat="m", v_hat="v")),
    "no bias correction of m": ("no-correction-m", adam(m_hat="m")),
    "no bias correction of v": ("no-correction-v", adam(v_hat="v")),
    "t from zero": ("t-1", adam(first="t = t - 1")),
    "t from zero, in one formula": ("t-1", """
def adam_step(theta, grads, m, v, t, lr, beta1, beta2, eps):
    g = grads.mean(0)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return theta - lr * m / (1 - beta1 ** (t - 1)) / (np.sqrt(v / (1 - beta2 ** (t - 1))) + eps), m, v
"""),
    "t from zero, dividing by a number": ("t-1", adam(first="t -= 1", m_hat="1 / (1 - beta1**t) * m")),
    "t one ahead": ("t+1", adam(first="t += 1")),
    "eps inside the root": ("eps-inside", adam(theta="theta - lr * m_hat / np.sqrt(v_hat + eps)")),
    "eps added before the correction": ("eps-to-v", """
def adam_step(theta, grads, m, v, t, lr, beta1, beta2, eps):
    g = grads.mean(0)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    lr_t = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
    return theta - lr_t * m / (np.sqrt(v) + eps), m, v
"""),
    "eps forgotten": ("no-eps", adam(theta="theta - lr * m_hat / np.sqrt(v_hat)")),
    "an eps of its own": ("no-eps", adam(first="eps = 1e-10")),
    "root forgotten": ("no-root", adam(theta="theta - lr * m_hat / (v_hat + eps)")),
    "v not used": ("v-unused", adam(theta="theta - lr * m_hat")),
    "m not used": ("g-for-m", adam(theta="theta - lr * g / (np.sqrt(v_hat) + eps)")),
    "moments used before they are updated": ("old-moments", """
def adam_step(theta, grads, m, v, t, lr, beta1, beta2, eps):
    g = grads.mean(axis=0)
    theta = theta - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps)
    return theta, beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
"""),
    "old m lost": ("m-lost", adam(m="(1 - beta1) * g")),
    "old v lost": ("v-lost", adam(v="(1 - beta2) * g**2")),
    "m is the gradient": ("m-is-g", adam(m="g")),
    "v is the square": ("v-is-g^2", adam(v="g * g")),
    "m not given back": ("echo:m", adam(returned="theta, old_m, v")),
    "v not given back": ("echo:v", adam(returned="theta, m, old_v")),
    "gradient not squared": ("not-squared", adam(v="beta2 * v + (1 - beta2) * g")),
    "average of the squares": ("mean-of-squares", adam(v="beta2 * v + (1 - beta2) * (grads**2).mean(axis=0)")),
    "one minus beta forgotten in m": ("full-weight", adam(returned="theta, beta1 * old_m + g, v")),
    "one minus beta forgotten": ("full-weight", adam(m="beta1 * m + g", v="beta2 * v + g**2")),
    "weights swapped": ("weights-swapped", adam(m="(1 - beta1) * m + beta1 * g", v="(1 - beta2) * v + beta2 * g**2")),
    "betas swapped": ("wrong-beta", adam(first="beta1, beta2 = beta2, beta1")),
    "betas swapped, written out": ("wrong-beta", adam(
        m="beta2 * m + (1 - beta2) * g", v="beta1 * v + (1 - beta1) * g**2",
        m_hat="m / (1 - beta2**t)", v_hat="v / (1 - beta1**t)")),
    "summed": ("sum-of-grads", adam(g="grads.sum(axis=0)")),
    "summed in a loop": ("sum-of-grads", adam(g="sum(grads[i] for i in range(len(grads)))")),
    "not averaged": ("not-averaged", adam(g="grads")),
    "averaged to one number": ("mean-of-all", adam(g="grads.mean()")),
    "averaged over the parameters": ("wrong-axis", adam(g="grads.mean(axis=1)")),
    "one update for each example": ("per-example", """
def adam_step(theta, grads, m, v, t, lr, beta1, beta2, eps):
    for g in grads:
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        theta = theta - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps)
    return theta, m, v
"""),
    "corrected moments given back": ("corrected", adam(returned="theta, m_hat, v_hat")),
    "corrected moments stored": ("corrected", """
def adam_step(theta, grads, m, v, t, lr, beta1, beta2, eps):
    g = grads.mean(axis=0)
    m = (beta1 * m + (1 - beta1) * g) / (1 - beta1**t)
    v = (beta2 * v + (1 - beta2) * g**2) / (1 - beta2**t)
    return theta - lr * m / (np.sqrt(v) + eps), m, v
"""),
    "corrected m given back": ("corrected", adam(returned="theta, m_hat, v")),
    "sign": ("sign:the update", adam(theta="theta + lr * m_hat / (np.sqrt(v_hat) + eps)")),
    "theta not moved": ("missing:the update", adam(theta="theta")),
    "the step alone": ("missing:the old theta", adam(theta="-lr * m_hat / (np.sqrt(v_hat) + eps)")),
    "theta in place": ("inplace", """
def adam_step(theta, grads, m, v, t, lr, beta1, beta2, eps):
    g = grads.mean(axis=0)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    theta -= lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps)
    return theta, m, v
"""),
    "moments in place": ("inplace", """
def adam_step(theta, grads, m, v, t, lr, beta1, beta2, eps):
    g = grads.mean(axis=0)
    m[:] = beta1 * m + (1 - beta1) * g
    v[:] = beta2 * v + (1 - beta2) * g**2
    return theta - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v
"""),
    "grads squared in place": ("inplace", """
def adam_step(theta, grads, m, v, t, lr, beta1, beta2, eps):
    g = grads.mean(axis=0)
    grads *= grads
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    return theta - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v
"""),
    "eps outside of the fraction": ("eps-outside", adam(theta="theta - lr * m_hat / np.sqrt(v_hat) + eps")),
    "no power of t": ("no-power", adam(m_hat="m / (1 - beta1)", v_hat="v / (1 - beta2)")),
}

UNLISTED = {
    "a small constant under the root": adam(theta="theta - lr * m_hat / (np.sqrt(v_hat + 1e-8) + eps)"),
    "a small constant besides eps": adam(theta="theta - lr * m_hat / (np.sqrt(v_hat) + eps + 1e-8)"),
    "the usual constants, whatever is given": adam(first="beta1, beta2 = 0.9, 0.999"),
    "Nesterov's momentum": adam(m_hat="(beta1 * m + (1 - beta1) * g) / (1 - beta1**t)"),
    "the largest v so far": adam(v="np.maximum(v, beta2 * v + (1 - beta2) * g**2)"),
    "weight decay": adam(theta="theta - lr * (m_hat / (np.sqrt(v_hat) + eps) + 0.1 * theta)"),
    "betas swapped in the correction": adam(m_hat="m / (1 - beta2**t)", v_hat="v / (1 - beta1**t)"),
    "t multiplied": adam(m_hat="m / (1 - beta1 * t)"),
    "lr under the root of t": adam(first="lr = lr / np.sqrt(t)"),
    "the first example alone": adam(g="grads[0]"),
    "a clipped gradient": adam(g="np.clip(grads.mean(axis=0), -0.2, 0.2)"),
}
