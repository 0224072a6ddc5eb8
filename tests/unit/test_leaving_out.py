"""Modules left out of an import: as if they were not installed, and only meanwhile."""

import sys

import pytest

from citychat.leaving_out import leaving_out


def test_a_module_left_out_is_not_installed_meanwhile_and_is_again_afterwards() -> None:
    sys.modules.pop("this", None)
    with leaving_out("this"), pytest.raises(ImportError):
        import this  # noqa: F401 - what is tried
    assert "this" not in sys.modules


def test_a_module_that_is_loaded_stays() -> None:
    with leaving_out("pytest"):
        assert sys.modules["pytest"] is pytest
    assert sys.modules["pytest"] is pytest
