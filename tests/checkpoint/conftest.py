"""What the tests of checkpoints need."""

import os

import pytest


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    """What fsync is for can't be tested without cutting the power; the order of the calls is, in test_replacing."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
