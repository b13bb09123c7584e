"""Threads and memory: faster, and not a bit different."""

import re
import subprocess
import sys
import threading
import tracemalloc

import numpy as np
import pytest
import threadpoolctl

import tinyvae as tv
from tinyvae import evaluation
from tinyvae.foundation import machine


def blas_threads() -> list[int]:
    return [library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"]


@pytest.fixture(autouse=True)
def two_threads_of_blas():
    """conftest.py leaves each process one; here there have to be some to share out."""
    with threadpoolctl.threadpool_limits(2, "blas"):
        yield


def test_results_come_in_the_order_of_the_tasks_which_are_taken_as_needed():
    taken, threads = [], min(max(blas_threads(), default=1), machine.MOST)

    def tasks():
        for i in range(50):
            taken.append(i)
            yield i, i + 1

    results, ahead = [], []

    def take(result):
        results.append(result)
        ahead.append(len(taken) - len(results))

    machine.in_threads(lambda a, b: a * b, tasks(), take)
    assert results == [i * (i + 1) for i in range(50)]
    assert max(ahead) == threads


def test_work_runs_elsewhere_with_one_blas_thread_and_the_callers_errstate():
    def look(_):
        return threading.get_ident(), blas_threads(), np.geterr()["over"]

    before = blas_threads()
    with np.errstate(over="raise"):
        seen = []
        machine.in_threads(look, [(i,) for i in range(8)], seen.append)
    for thread, threads, over in seen:
        assert thread != threading.get_ident()
        assert set(threads) <= {1}
        assert over == "raise"
    assert blas_threads() == before


def test_an_error_reaches_the_caller_and_leaves_blas_as_it_was():
    before = blas_threads()
    with pytest.raises(ZeroDivisionError):
        machine.in_threads(lambda a: 1 / a, [(1,), (0,), (1,)], [].append)
    assert blas_threads() == before


def test_no_tasks_no_results():
    results = []
    machine.in_threads(lambda: 0, [], results.append)
    assert results == []


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


def test_each_thread_has_a_likelihood_of_its_own():
    used = []

    class Watched(tv.Bernoulli):
        def log_prob(self, x, out):
            used.append((self, threading.get_ident()))
            return super().log_prob(x, out)

    tv.log_likelihood(tv.VAE(5, 2, (), Watched(), rng=0), np.zeros((3, 5)), 4000, rng=0)
    threads = {id(likelihood): {t for one, t in used if one is likelihood} for likelihood, _ in used}
    assert len(threads) > 1
    assert all(len(t) == 1 for t in threads.values())


def test_copies_for_the_threads_are_small_whatever_the_model_remembers():
    vae = tv.VAE(784, 5, (40,), rng=0)
    vae.encode(np.zeros((40_000, 784), np.float32))  # remembers 125 MB
    x = np.zeros((2, 784), np.float32)
    tracemalloc.start()
    tv.log_likelihood(vae, x, 10, rng=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60e6  # of which 33 are never touched


def test_of_two_calls_at_a_time_the_second_works_where_it_is_called():
    before, inner = blas_threads(), []

    def outer(_):
        machine.in_threads(lambda i: (i, threading.get_ident()), [(1,), (2,)], inner.append)
        return threading.get_ident()

    threads = []
    machine.in_threads(outer, [(0,)], threads.append)
    assert inner == [(1, threads[0]), (2, threads[0])]
    assert blas_threads() == before


AFTER = """
import threading
import numpy as np
import tinyvae as tv

def late():
    threading.main_thread().join()
    print(tv.log_likelihood(tv.VAE(3, 2, (), rng=0), np.zeros((1, 3)), 2000, rng=0).shape)

threading.Thread(target=late).start()
"""


def test_a_thread_that_outlives_the_main_thread_gets_its_answer():
    run = subprocess.run([sys.executable, "-c", AFTER], capture_output=True, check=True, text=True)
    assert (run.stdout, run.stderr) == ("(1,)\n", "")


FAULTS = """
import sys, resource
import numpy as np
from tinyvae.foundation import machine
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


def test_a_run_says_what_its_matrix_products_ran_on():
    said = machine.blas()
    assert said.count("threads: ") == len(blas_threads())
    with threadpoolctl.threadpool_limits(limits=1, user_api="blas"):
        assert [int(n) for n in re.findall(r"threads: (\d+)", machine.blas())] == [1] * len(blas_threads())
