# SPDX-License-Identifier: MIT
"""README's first screen is what the records under results/ say."""

import re
import shutil

import pytest
from conftest import ROOT

from report import front


@pytest.fixture
def tree(tmp_path):
    """What scripts/front-page reads and writes."""
    for name in ("README.md", front.PICTURE, front.MEASURED, *front.SIMULATION, front.TABLE):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_readme_says_what_the_records_say(tree):
    assert front.check(tree) == ""


def test_a_number_that_no_record_holds_is_found(tree):
    readme = tree / "README.md"
    text = readme.read_text()
    readme.write_text(re.sub(r"\| ([\d.]+)M \|", "| 999.9M |", text, count=1))
    assert "README.md" in front.check(tree)
    assert front.write(tree) == "" and readme.read_text() == text


def test_a_picture_of_other_records_is_found(tree):
    picture = tree / front.PICTURE
    picture.write_text(picture.read_text().replace("refcount 1 ", "refcount 1 9"))
    assert front.PICTURE in front.check(tree)
