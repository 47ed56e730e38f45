# SPDX-License-Identifier: MIT
import pytest
from wording.text import ascii_only, magnitude, plain, scaled


@pytest.mark.parametrize(
    "value, text",
    [(0, "0"), (1, "1.000"), (999.94, "999.9"), (999.96, "1.000k"), (41193456, "41.19M"), (999960000, "1.000G")],
)
def test_scaled(value, text):
    assert scaled(value) == text


@pytest.mark.parametrize(
    "value, text", [(0, "0"), (0.0041, "0.004100"), (9.9996, "10.00"), (4334.4, "4334"), (123456, "123500")]
)
def test_plain(value, text):
    assert plain(value) == text


@pytest.mark.parametrize("value, text", [(0, "0"), (20, "20"), (0.5, "0.5"), (1e4, "10k"), (2.5e9, "2.5G")])
def test_magnitude(value, text):
    assert magnitude(value) == text


def test_ascii_only():
    assert ascii_only("Core® i9") == "Core? i9"
