"""The pages made from the code say what the code says."""

import pytest

from docs.generate import HERE, PAGES


@pytest.mark.parametrize("page", PAGES)
def test_a_page_made_from_the_code_is_up_to_date(page: str) -> None:
    assert (HERE / page).read_text("utf-8") == PAGES[page](), "run: make docs"
