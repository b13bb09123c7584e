"""Threads and memory: faster, and not a bit different."""

import subprocess
import sys
import threading

import numpy as np
import pytest
import threadpoolctl

import tinyvae as tv
from tinyvae import evaluation, machine


def blas_threads() -> list[int]:
    return [library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"]


def test_results_come_in_the_order_of_the_tasks_which_are_taken_as_needed():
    taken, threads = [], min(max(blas_threads(), default=1), machine.MOST)

    def tasks():
        for i in range(50):
            taken.append(i)
            yield i, i + 1

    results = machine.in_threads(lambda a, b: a * b, tasks())
    assert next(results) == 0
    assert len(taken) == threads + 1
    assert list(results) == [i * (i + 1) for i in range(1, 50)]


def test_work_runs_elsewhere_with_one_blas_thread_and_the_callers_errstate():
    def look(_):
        return threading.get_ident(), blas_threads(), np.geterr()["over"]

    before = blas_threads()
    with np.errstate(over="raise"):
        for thread, threads, over in machine.in_threads(look, [(i,) for i in range(8)]):
            assert thread != threading.get_ident()
            assert set(threads) <= {1}
            assert over == "raise"
    assert blas_threads() == before


def test_an_error_reaches_the_caller_and_leaves_blas_as_it_was():
    before = blas_threads()
    with pytest.raises(ZeroDivisionError):
        list(machine.in_threads(lambda a: 1 / a, [(1,), (0,), (1,)]))
    assert blas_threads() == before


def test_no_tasks_no_results():
    assert list(machine.in_threads(lambda: 0, [])) == []


@pytest.mark.parametrize("n_samples", [7, 600])
def test_importance_sampling_gives_the_same_bits_on_any_number_of_threads(n_samples):
    vae = tv.VAE(784, 5, (40,), rng=0)
    x = (np.random.default_rng(0).random((3, 784)) < 0.2).astype(np.float32)
    found = []
    for threads in (1, 2, 3):
        with threadpoolctl.threadpool_limits(threads, "blas"):
            found.append(evaluation.importance_sampling(vae, x, n_samples, rng=1))
    for other in found[1:]:
        np.testing.assert_array_equal(other.log_p, found[0].log_p)
        np.testing.assert_array_equal(other.effective_samples, found[0].effective_samples)


def test_importance_sampling_leaves_the_models_latest_forward_alone():
    vae = tv.VAE(11, 3, (5,), rng=0)
    elbo, x = tv.ELBO(vae), np.zeros((7, 11), np.float32)
    elbo.forward(x, np.ones((7, 3), np.float32))
    elbo.backward()
    before = vae.grad.copy()
    elbo.forward(x, np.ones((7, 3), np.float32))
    tv.log_likelihood(vae, x[:2], 10, rng=0)
    elbo.backward()
    np.testing.assert_array_equal(vae.grad, before)


FAULTS = """
import sys, resource
import numpy as np
from tinyvae import machine
if sys.argv[1] == "keep":
    machine.keep_freed_memory()
def work():
    for _ in range(20):
        arrays = [np.ones(500_000, np.float32) for _ in range(4)]
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_freed_memory_is_used_again():
    pytest.importorskip("resource", reason="page faults are counted on Linux and macOS alone")
    kept, returned = (int(subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, check=True).stdout)
                      for how in ("keep", "return"))
    if returned < 10_000:  # of 4 * 8 MB / 4 kB * 20
        pytest.skip("this allocator keeps freed memory anyway")
    assert kept < returned / 10
