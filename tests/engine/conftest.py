"""The contract's asserts explain themselves like those of a test module."""

import pytest

pytest.register_assert_rewrite("tests.engine.contract")
