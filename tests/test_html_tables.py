"""Tables of texts in a notebook."""

from spikelearn._html_tables import html_table


def test_texts_are_escaped_and_long_tables_end_with_what_is_left():
    html = html_table(("a<b",), [("<i>",), *(("x" * 1000,) for _ in range(40))])
    assert "<th>a&lt;b</th>" in html
    assert "<td>&lt;i&gt;</td>" in html
    assert "... 11 more" in html
    assert len(html) < 20_000
