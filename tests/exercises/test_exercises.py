"""What is asked of every checker: right answers pass, known mistakes are told by name, others get no wrong name."""

import itertools
import math
import re
import runpy

import numpy as np
import proof
import pytest

import tinyvae as tv
from tinyvae.exercises import catalogue
from tinyvae.exercises.oracles import complex_step, exact_weights, normal_nodes

# What numbers alone may say of any wrong answer, without a word on why.
FACTS = {"unknown", "scale", "shape", "nonfinite", "error", "zero", "type"}

some_seeds = pytest.mark.parametrize("seeds", [
    pytest.param(range(3), id="3 seeds"), pytest.param(range(3, 20), id="17 more", marks=pytest.mark.slow)])


def every(kind: str):
    """Parametrizes by all answers of that kind, of all exercises."""
    return pytest.mark.parametrize(("name", "answer"), [
        (name, answer) for name in proof.NAMES for answer in proof.ANSWERS[name][kind]])


@some_seeds
@every("RIGHT")
def test_a_right_answer_passes(name, answer, seeds):
    for seed in seeds:
        for verdict in proof.verdicts(name, proof.ANSWERS[name]["RIGHT"][answer], seed):
            assert verdict.ok, (seed, verdict)
            assert verdict.passed == verdict.total > 0


@some_seeds
@every("MISTAKES")
def test_a_known_mistake_is_told_by_name(name, answer, seeds):
    cause, source = proof.ANSWERS[name]["MISTAKES"][answer]
    for seed in seeds:
        assert proof.causes(name, source, seed) == {cause}, (seed, proof.verdicts(name, source, seed))


@some_seeds
@every("UNLISTED")
def test_another_mistake_fails_without_a_wrong_cause(name, answer, seeds):
    for seed in seeds:
        found = proof.causes(name, proof.ANSWERS[name]["UNLISTED"][answer], seed)
        assert found, f"passed with seed {seed}"
        assert found <= FACTS, (seed, found)


def cases(name: str, seed: int = 0):
    return list(catalogue.checker(name).cases(np.random.default_rng(seed)))


def heads(causes) -> set[str]:
    """The causes; one of many that differ in a number, such as clipped:1e-07, stands for them all."""
    return {re.sub("^(clipped|cut-off|numbers):.*", r"\1", cause) for cause in causes}


@pytest.mark.parametrize("name", proof.NAMES)
def test_every_variant_is_some_mistake_and_every_advice_is_for_something(name):
    """A variant need not have an advice, where its sentence says all there is to do."""
    tested = heads(cause for cause, _ in proof.ANSWERS[name]["MISTAKES"].values())
    known = {key for case in cases(name) for of in case.variants.values() for key in of}
    terms = {f"{word}:{term}" for case in cases(name) for of in case.terms.values() for term in of
             for word in ("missing", "twice", "sign")}
    assert heads(known) <= tested
    assert heads(catalogue.checker(name).ADVICE) <= tested | terms | FACTS | {"scale:1/M"}


# ---- what single exercises are asked besides --------------------------------------------------------


def test_what_is_wrong_for_large_logits_alone_is_no_factor():
    source = proof.ANSWERS["e03_bernoulli"]["UNLISTED"]["infinities made large numbers"]
    assert proof.causes("e03_bernoulli", source, 0) == {"unknown"}


@pytest.mark.parametrize("S", [2, 3])
def test_the_mean_over_all_draws_is_the_true_gradient(S):
    """Unbiased, over every draw of S quadrature nodes; with a baseline of all S it is too small, as the text says."""
    master = runpy.run_path(str(proof.MASTERS / "e10_score.py"))
    mu, std = np.array([0.7]), np.array([1.6])
    nodes, weights = normal_nodes(4)  # exact below degree 8

    def f(z):
        return 3 + 2 * z - z**2 + 0.5 * z**3

    (true,) = complex_step(lambda mu: (weights * f(mu + std * nodes)).sum(), mu)
    estimate = biased = 0.0
    for draw in itertools.product(range(len(nodes)), repeat=S):
        z = mu + std * nodes[list(draw), None]  # (S, 1)
        values, probability = f(z[:, 0]), weights[list(draw)].prod()
        estimate += probability * master["score_gradient"](values, z, mu, std).mean(0)
        own = (values - values.mean())[:, None] * master["score"](z, mu, std)
        biased += probability * own.mean(0)
    np.testing.assert_allclose(estimate, true, rtol=1e-12)
    np.testing.assert_allclose(biased, true * (S - 1) / S, rtol=1e-12)


def test_the_step_is_that_of_the_library():
    class Model:
        theta, grad = np.ones(4), np.zeros(4)

    adam_step = runpy.run_path(str(proof.MASTERS / "e11_adam.py"))["adam_step"]
    model, rng = Model(), np.random.default_rng(0)
    optimizer = tv.Adam(model, lr=0.1)
    theta, m, v = np.ones(4), np.zeros(4), np.zeros(4)
    for t in range(1, 21):
        grads = rng.standard_normal((3, 4))
        model.grad[:] = grads.mean(0)
        optimizer.step()
        theta, m, v = adam_step(theta, grads, m, v, t, 0.1, 0.9, 0.999, 1e-8)
    np.testing.assert_allclose(theta, model.theta, rtol=1e-12)


@pytest.mark.parametrize("answer", proof.ANSWERS["e14_conditional"]["LABELS"])
def test_a_wrong_label_is_told_wherever_it_is_used(answer):
    cause, source = proof.ANSWERS["e14_conditional"]["MISTAKES"][answer]
    assert [v.causes for v in proof.verdicts("e14_conditional", source, 0)] == [(cause,)] * 3


@some_seeds
def test_to_a_linear_layer_each_class_has_a_bias_of_its_own(seeds):
    """Equation (5), for what the checker takes for the truth; the bias is that of the class in both networks."""
    for seed in seeds:
        rng = np.random.default_rng(seed)
        for case in catalogue.checker("e14_conditional").cases(rng):
            if case.function != "one_hot":
                a, y, C = case.args.values()
                V, U = rng.standard_normal((a.shape[-1], 2)), rng.standard_normal((C, 2))
                np.testing.assert_allclose(case.true[case.function] @ np.vstack([V, U]), a @ V + U[y], atol=1e-12)


@pytest.mark.parametrize("answer", proof.ANSWERS["e15_iwae"]["WEIGHTS"])
def test_wrong_weights_are_told_in_the_gradient_too(answer):
    cause, source = proof.ANSWERS["e15_iwae"]["WEIGHTS"][answer]
    assert [v.causes for v in proof.verdicts("e15_iwae", source, 0)] == [(), (cause,), (cause,)]


@some_seeds
def test_what_the_checker_takes_for_the_truth_agrees_with_itself(seeds):
    """The gradient is the average of the derivatives under the exact weights; the bound is at least the ELBO."""
    for case in itertools.chain.from_iterable(cases("e15_iwae", seed) for seed in seeds):
        log_w = case.args["log_w"]
        bound, w = exact_weights(log_w)
        if "gradient" in case.true:
            expected = np.einsum("km,kmp->p", w, case.args["dlog_w"]) / log_w.shape[1]
            np.testing.assert_allclose(case.true["gradient"], expected, rtol=1e-12, atol=1e-13)
        assert (bound >= log_w.mean(0) - 1e-12).all()
        assert [math.fsum(column) for column in w.T] == pytest.approx(np.ones(w.shape[1]), abs=1e-14)
