"""The page of a report in a real browser: what it shows, does, and asks for."""

import subprocess
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("vl_convert", reason="needs the report extra")
pytest.importorskip("playwright", reason="needs the dev extra")

from browser import chromium, visit
from conftest import ROOT, require_program
from hatchling.builders.wheel import WheelBuilder
from playwright.sync_api import Browser, Locator, Page, expect

from antcost import analyze
from antcost.charts.dot_plots import dot_plots
from antcost.cost.convention import CONVENTIONS
from antcost.document.contents import Figure, Report, Section, TableItem
from antcost.document.page import page
from antcost.sources.network import network_of
from antcost.sources.specs.load import load
from antcost.tables.formats import render
from antcost.tables.latex import latex
from antcost.tables.table import Column, Formula, Interval, Table
from antcost.units import COUNT_UNITS, read_printed
from antcost.views.comparison import ComparedNetwork, compare_table
from antcost.views.network import network_table

if TYPE_CHECKING:
    import altair as alt

MADDS = CONVENTIONS["madds"]
NAMES = (
    "antnet_g1", "antnet_g2", "e_antnet", "mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small",
    "clcnet", "resnet_18", "shufflenet_1.5x", "squeezenext",
)  # fmt: skip
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
BIBTEX = "@article{antnets,\n  title = {{ANTNets}},\n}\n"
METHODS = ("One multiply-add is one multiplication & one addition.", "Biases are not counted.")


def entry(name: str) -> ComparedNetwork:
    spec = load(name)
    return ComparedNetwork(network_of(spec, name))


def scatter(entries: Sequence[ComparedNetwork], x: str, y: str) -> "alt.Chart":
    import altair as alt

    rows = [
        {
            "network": each.title,
            "x": getattr(each.cost, x),
            "y": each.published(y),
            "exact": f"{getattr(each.cost, x):,}",
        }
        for each in entries
    ]
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_circle(size=60)
        .encode(
            x=alt.X("x:Q", title=x),
            y=alt.Y("y:Q", title=y, scale=alt.Scale(zero=False)),
            tooltip=["network:N", "exact:N"],
        )
    )
    return chart


def network_section(each: ComparedNetwork, key: str) -> Section:
    layers = TableItem(f"{key}_layers", network_table(each.cost, MADDS), long=True)
    stages = TableItem(f"{key}_stages", network_table(each.cost, MADDS, by="stage"), exact=True)
    figure = Figure(f"{key}_figure", "Cost.", partial(scatter, [each], "params", "top1"))
    return Section(key, each.title, (stages, figure, layers), of_network=True)


def report_on(entries: Sequence[ComparedNetwork], title: str = "Ten networks") -> Report:
    """A report with all that a page can show."""
    keys = [Path(each.reference).stem for each in entries]
    figures = [
        Figure(f"{x}_{y}", f"{x} and {y}.", partial(scatter, entries, x, y), (x, y))
        for x, y in [("params", "top1"), ("params", "top5"), ("madds", "top1")]
    ]
    comparison = TableItem("networks", compare_table(entries, MADDS), tuple(keys))
    zoo = Figure("zoo", "Networks by their accuracy.", lambda: dot_plots(entries))
    sections = (
        Section("comparison", "Comparison", ("All of them.", comparison, zoo)),
        Section("tradeoff", "Cost and accuracy", tuple(figures)),
        Section("methods", "Methods", METHODS),
        *map(network_section, entries, keys),
    )
    return Report(title, sections, BIBTEX)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def ten() -> Report:
    return report_on([entry(name) for name in NAMES])


@pytest.fixture(scope="module")
def file(ten: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page(ten), encoding="utf-8")
    return path


def write(path: Path, *sections: Section, title: str = "A report") -> Path:
    file = path / "report.html"
    file.write_text(page(Report(title, sections, "")), encoding="utf-8")
    return file


def table(page: Page, key: str) -> Locator:
    return page.locator(f"[id='table:{key}']")


def column(root: Locator, index: int) -> list[str]:
    """The cells of a column as they are read, from top to bottom, without the total."""
    script = "(rows, i) => rows.filter((row) => !row.hidden).map((row) => row.cells[i].innerText)"
    texts: list[str] = root.locator("tbody tr").evaluate_all(script, index)
    return texts


def header(root: Locator, name: str) -> Locator:
    return root.locator("thead").get_by_role("button", name=name, exact=True)


def test_tables_are_sorted_by_value_up_down_and_back(browser: Browser, file: Path) -> None:
    with visit(browser, file) as shown:
        networks = table(shown, "networks")
        names = column(networks, 0)
        by_params = [
            each.title for each in sorted(map(entry, NAMES), key=lambda each: each.cost.params)
        ]
        button = header(networks, "params")
        button.click()
        assert column(networks, 0) == by_params
        assert button.locator("..").get_attribute("aria-sort") == "ascending"
        button.press("Enter")
        assert column(networks, 0) == by_params[::-1]
        assert button.locator("..").get_attribute("aria-sort") == "descending"
        header(networks, "network").click()
        assert "network" in networks.locator("[aria-sort]").inner_text()
        assert column(networks, 0) == sorted(names, key=str.casefold)
        header(networks, "params").click(click_count=3)
        assert column(networks, 0) == names
        assert networks.locator("[aria-sort]").count() == 0


def test_empty_cells_are_last_and_the_total_below_all(browser: Browser, tmp_path: Path) -> None:
    values = [2**50 + 1, None, 2**50, Fraction(1, 3), 5, None, 2**50 + 1]
    names = ["net-10", "net-9", "Net-100", "b", None, "a", Formula("h*w^2", "h w^2")]
    columns: list[Column[Any]] = [
        Column("name", "name", lambda row: row[0]),
        Column("count", "count", lambda row: row[1], "ratio"),
        Column("place", "place", lambda row: row[2]),
    ]
    items = [
        (name, value, str(i)) for i, (name, value) in enumerate(zip(names, values, strict=True))
    ]
    total = ("total", Fraction(1), "total")
    item = TableItem(
        "t", Table("Numbers", columns, items, [("A note: ", Formula("a^2", "a^{2}"))], total=total)
    )
    with visit(browser, write(tmp_path, Section("s", "S", (item,)))) as shown:
        numbers = table(shown, "t")
        for name, orders in {
            "count": ["3420615", "0624315"],
            "name": ["5361024", "2016354"],
        }.items():
            for order in orders:
                header(numbers, name).click()
                assert "".join(column(numbers, 2)) == order
                assert numbers.locator("tr").last.inner_text().startswith("total")
        assert numbers.locator("sup").all_inner_texts() == ["2", "2"]


def test_printed_figures_and_intervals_are_sorted_by_value(
    browser: Browser, tmp_path: Path
) -> None:
    items = [
        (read_printed("0.39G", COUNT_UNITS), Interval(0.9, 0.8, 1.2)),
        (read_printed("4.09G", COUNT_UNITS), Interval(10.0, 9.0, 11.0)),
        (read_printed("900M", COUNT_UNITS), Interval(2.0, 0.1, 30.0)),
    ]
    columns: list[Column[Any]] = [
        Column("printed", "printed", lambda row: row[0], "count"),
        Column("factor", "factor", lambda row: row[1]),
    ]
    item = TableItem("t", Table("Numbers", columns, items, ()))
    with visit(browser, write(tmp_path, Section("s", "S", (item,)))) as shown:
        numbers = table(shown, "t")
        for name in ("printed", "factor"):
            header(numbers, name).click()
            assert column(numbers, 0) == ["0.39G", "900M", "4.09G"]
            header(numbers, name).click()
            assert column(numbers, 0) == ["4.09G", "900M", "0.39G"]


def test_rows_are_filtered_by_words(browser: Browser, file: Path) -> None:
    with visit(browser, file, "#squeezenext") as shown:
        networks = table(shown, "networks")
        box = networks.get_by_label("Filter")
        box.fill("ANT g")
        assert column(networks, 0) == ["ANTNet (g = 1)", "ANTNet (g = 2)"]
        assert networks.get_by_role("status").inner_text() == "2 of 10 shown"
        box.fill("nothing")
        assert column(networks, 0) == []
        assert networks.get_by_role("status").inner_text() == "0 of 10 shown"
        box.fill("")
        assert len(column(networks, 0)) == 10
        stages = table(shown, "squeezenext_stages")
        stages.get_by_label("Filter").fill("conv1")
        assert len(column(stages, 0)) == 1
        assert stages.locator("tfoot tr").is_visible()


def test_a_name_leads_to_its_network(browser: Browser, file: Path) -> None:
    with visit(browser, file) as shown:
        networks = table(shown, "networks")
        stages = table(shown, "mobilenet_v2_stages")
        assert not stages.is_visible()
        networks.get_by_role("link", name="MobileNetV2").press("Enter")
        expect(stages).to_be_visible()
        expect(shown.get_by_role("heading", name="MobileNetV2")).to_be_in_viewport()
        assert shown.url.endswith("#mobilenet_v2")
        shown.get_by_role("heading", name="ResNet-18").click()
        expect(table(shown, "resnet_18_stages")).to_be_visible()
        shown.get_by_role("heading", name="ResNet-18").click()
        expect(table(shown, "resnet_18_stages")).not_to_be_visible()


def test_the_address_leads_to_a_network(browser: Browser, file: Path) -> None:
    with visit(browser, file, "#antnet_g2") as shown:
        expect(table(shown, "antnet_g2_stages")).to_be_visible()
        expect(shown.get_by_role("heading", name="ANTNet (g = 2)")).to_be_in_viewport()
        assert shown.locator("details.network[open]").count() == 1


def test_one_network_is_shown_at_once(browser: Browser, tmp_path: Path) -> None:
    with visit(browser, write(tmp_path, network_section(entry("antnet_g2"), "g2"))) as shown:
        assert shown.get_by_role("heading", level=2).all_inner_texts() == ["ANTNet (g = 2)"]
        assert table(shown, "g2_stages").is_visible()
        assert shown.get_by_role("combobox").count() == 0
        shown.get_by_role("link", name="ANTNet (g = 2)").click()


def test_figures_are_drawn_when_they_are_shown(browser: Browser, file: Path) -> None:
    with visit(browser, file) as shown:
        shown.locator("[id='figure:params_top1'] svg.marks").wait_for()
        drawn = shown.locator("figure:has(svg.marks)")
        assert drawn.evaluate_all("all => all.map((each) => each.dataset.key)") == [
            "zoo",
            "params_top1",
        ]
        table(shown, "networks").get_by_role("link", name="MobileNetV2").click()
        shown.locator("[id='figure:mobilenet_v2_figure'] svg.marks").wait_for()
        assert drawn.count() == 3


def test_axes_are_chosen(browser: Browser, file: Path) -> None:
    with visit(browser, file) as shown:
        captions = shown.locator("figure.choice figcaption:visible")
        axes = shown.get_by_label("Axes")
        assert captions.all_inner_texts() == ["params and top1."]
        axes.select_option("madds, top1")
        assert captions.all_inner_texts() == ["madds and top1."]
        shown.locator("[id='figure:madds_top1'] svg.marks").wait_for()


def test_tooltips_of_figures_have_all_digits(browser: Browser, file: Path) -> None:
    with visit(browser, file) as shown:
        shown.locator("[id='figure:params_top1'] svg.marks").wait_for()
        shown.locator("[id='figure:params_top1'] .mark-symbol path").first.hover()
        tip = shown.locator(".vg-tooltip.visible")
        assert "ANTNet (g = 1)" in tip.inner_text()
        assert f"{entry('antnet_g1').cost.params:,}" in tip.inner_text()


def test_all_digits_of_a_cell_are_shown_by_pointer_and_on_demand(
    browser: Browser, file: Path
) -> None:
    with visit(browser, file) as shown:
        params = table(shown, "networks").locator("tbody tr").first.locator("td").first
        exact = f"{entry('antnet_g1').cost.params:,}"
        rounded = params.inner_text()
        assert rounded != exact
        assert params.get_attribute("title") == exact
        box = shown.get_by_label("All digits")
        box.check()
        assert params.inner_text() == exact
        box.uncheck()
        assert params.inner_text() == rounded


CLIPBOARD = {"permissions": ["clipboard-read", "clipboard-write"]}
REFUSED = "void (navigator.clipboard.writeText = () => Promise.reject())"


def test_tables_are_copied(browser: Browser, file: Path, ten: Report) -> None:
    with visit(browser, file, "#antnet_g2", **CLIPBOARD) as shown:
        items = {item.key: item for item in ten.tables}
        shown.get_by_text("rows").locator("visible=true").click()
        for key in ("networks", "antnet_g2_stages", "antnet_g2_layers"):
            item, root = items[key], table(shown, key)
            for name, expected in (
                ("LaTeX", latex(item.table, item.exact, f"tab:{key}")),
                ("Markdown", render(item.table, "markdown", exact=item.exact)),
                ("CSV", render(item.table, "csv")),
            ):
                root.get_by_role("button", name=name, exact=True).click()
                expect(root.get_by_role("status")).to_have_text(f"{name} copied")
                assert shown.evaluate("navigator.clipboard.readText()") == expected


def test_what_could_not_be_copied_is_said(browser: Browser, file: Path) -> None:
    with visit(browser, file) as shown:
        shown.evaluate(REFUSED)
        networks = table(shown, "networks")
        networks.get_by_role("button", name="CSV").click()
        expect(networks.get_by_role("status")).to_have_text("CSV could not be copied")


@pytest.mark.parametrize(("suffix", "start"), [("svg", b"<svg"), ("png", b"\x89PNG")])
def test_figures_are_saved(browser: Browser, file: Path, suffix: str, start: bytes) -> None:
    with visit(browser, file) as shown:
        figure = shown.locator("[id='figure:zoo']")
        figure.locator("summary").click()
        with shown.expect_download() as saved:
            figure.get_by_role("link", name=suffix.upper()).click()
        assert saved.value.suggested_filename == f"zoo.{suffix}"
        assert saved.value.path().read_bytes().startswith(start)


def brightness(shown: Page, element: str, color: str) -> float:
    """The mean of red, green and blue, from 0 to 255."""
    script = "(element, color) => getComputedStyle(element)[color].match(/[0-9.]+/g).slice(0, 3)"
    return sum(map(float, shown.locator(element).first.evaluate(script, color))) / 3


def test_dark_pages_are_dark(browser: Browser, file: Path) -> None:
    for scheme, is_dark in [("light", False), ("dark", True)]:
        with visit(browser, file, color_scheme=scheme) as shown:
            chart = shown.locator(".chart svg.marks").first
            inverted = "invert" in chart.evaluate("svg => getComputedStyle(svg).filter")
            paper = brightness(shown, "body", "backgroundColor")
            assert inverted == is_dark
            assert (paper < 50) == is_dark
            for element in ("p", "td", ".note", "a:visible", ".tools button", "thead button"):
                assert abs(brightness(shown, element, "color") - paper) > 90, element


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(browser: Browser, file: Path, scheme: str) -> None:
    with visit(browser, file, "#antnet_g2", color_scheme=scheme, **PHONE) as shown:
        shown.get_by_text("rows").locator("visible=true").click()
        shown.locator("[id='figure:antnet_g2_figure'] svg.marks").wait_for()
        assert shown.evaluate("document.documentElement.scrollWidth") == 360
        box = table(shown, "networks").locator(".scroll")
        assert box.evaluate("box => box.scrollWidth > box.clientWidth")
        assert box.get_attribute("tabindex") == "0"
        name = box.locator("tbody th").first
        left = name.bounding_box()
        box.evaluate("box => box.scrollTo(10000, 100)")
        assert left is not None
        assert (name.bounding_box() or {})["x"] == left["x"]


def test_headers_stay_in_sight(browser: Browser, file: Path) -> None:
    with visit(browser, file, viewport={"width": 1280, "height": 300}) as shown:
        networks = table(shown, "networks")
        networks.locator(".scroll").evaluate("box => (box.scrollIntoView(), box.scrollTo(0, 999))")
        expect(networks.locator("tbody tr").last).to_be_in_viewport()
        expect(networks.locator("tbody tr").first).not_to_be_in_viewport()
        expect(networks.locator("thead th").first).to_be_in_viewport()


def test_print_has_the_tables_and_no_controls(browser: Browser, file: Path, tmp_path: Path) -> None:
    pdftotext = require_program("pdftotext")
    with visit(browser, file, "#antnet_g2", color_scheme="dark") as shown:
        shown.locator("[id='figure:antnet_g2_figure'] svg.marks").wait_for()
        shown.pdf(path=tmp_path / "page.pdf", format="A4")
        shown.emulate_media(media="print")
        controls = shown.locator(".tools, nav, select, input, figure summary")
        assert controls.locator("visible=true").count() == 0
        assert brightness(shown, "body", "backgroundColor") == 255
    text = subprocess.check_output([pdftotext, "-layout", tmp_path / "page.pdf", "-"], text=True)
    for word in ("ANTNet (g = 1)", "SqueezeNext", "top-5 publ.", "Networks by their", *METHODS):
        assert word in text
    for word in ("Markdown", "Filter", "Skip", "SVG"):
        assert word not in text


def test_all_is_shown_without_scripts(browser: Browser, file: Path, ten: Report) -> None:
    with visit(browser, file, java_script_enabled=False) as shown:
        for item in ten.tables:
            assert table(shown, item.key).is_visible() == (item.key == "networks")
        assert shown.get_by_role("button").count() == 0
        assert shown.get_by_role("combobox").count() == 0
        networks = table(shown, "networks")
        networks.get_by_role("link", name="ResNet-18").click()
        assert shown.url.endswith("#resnet_18")
        shown.get_by_role("heading", name="ResNet-18").click()
        assert table(shown, "resnet_18_stages").is_visible()
        assert shown.locator("noscript p").is_visible()


def test_all_controls_have_names(browser: Browser, file: Path) -> None:
    with visit(browser, file, "#antnet_g2") as shown:
        tree = shown.context.new_cdp_session(shown).send("Accessibility.getFullAXTree")
        nodes = [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in tree["nodes"]
            if not node["ignored"]
        ]
        roles = {role for role, _ in nodes}
        named = {"button", "link", "combobox", "searchbox", "table", "figure", "navigation"}
        assert named - roles == set()
        assert [node for node in nodes if node[0] in named and not node[1].strip()] == []
        levels = shown.locator("h1, h2, h3").evaluate_all("all => all.map((h) => +h.tagName[1])")
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))
        assert shown.title() == "Ten networks"
        assert shown.locator("html").get_attribute("lang") == "en"


def test_keys_are_enough(browser: Browser, file: Path) -> None:
    with visit(browser, file) as shown:
        focused = shown.locator(":focus")
        shown.keyboard.press("Tab")
        expect(focused).to_have_text("Comparison")
        shown.get_by_label("All digits").focus()
        networks = table(shown, "networks")
        reached = ["filter", "LaTeX", "Markdown", "CSV", "table", "network", "params"]
        for name in reached:
            shown.keyboard.press("Tab")
            outline = focused.evaluate("element => getComputedStyle(element).outlineStyle")
            assert outline != "none", name
            if name not in ("filter", "table"):
                expect(focused).to_have_text(name)
        shown.keyboard.press("Space")
        assert header(networks, "params").locator("..").get_attribute("aria-sort") == "ascending"
        networks.get_by_role("link", name="MobileNetV1").focus()
        shown.keyboard.press("Enter")
        expect(table(shown, "mobilenet_v1_stages")).to_be_visible()


HOSTILE = (
    "<script>window.hacked = 1</script>",
    '"><img src=x onerror=window.hacked=1>',
    "</script><script>window.hacked = 1</script><!--",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:window.hacked=1",
    "&lt;b&gt; ' \u202e \N{COMBINING ACUTE ACCENT} <b>",
    "n" * 200,
)


def hostile_entry(number: int, text: str) -> ComparedNetwork:
    plain = load("antnet_g2")
    published = plain.published[0].model_copy(update={"source": text, "top1": 70.0 + number})
    spec = replace(plain, name=text, published=(published,))
    return ComparedNetwork(network_of(spec, f"{number}.yaml"))


def test_hostile_texts_are_shown_and_never_run(browser: Browser, tmp_path: Path) -> None:
    entries = [hostile_entry(number, text) for number, text in enumerate(HOSTILE)]
    report = report_on(entries, title=HOSTILE[0])
    rest = tuple(Section(f"s{i}", text, (text,)) for i, text in enumerate(HOSTILE))
    report = replace(report, sections=(*report.sections, *rest), bibliography="\n".join(HOSTILE))
    file = tmp_path / "report.html"
    file.write_text(page(report), encoding="utf-8")
    with visit(browser, file, "#2", **PHONE) as shown:
        assert shown.title() == HOSTILE[0]
        assert shown.get_by_role("heading", level=1).inner_text() == HOSTILE[0]
        networks = table(shown, "networks")
        assert networks.locator("tbody th").all_text_contents() == list(HOSTILE)
        assert HOSTILE[1] in networks.locator(".note").nth(1).inner_text()
        assert shown.get_by_role("heading", level=3).all_text_contents() == list(HOSTILE)
        assert shown.locator("pre").text_content() == "\n".join(HOSTILE)
        for i, text in enumerate(HOSTILE):
            assert shown.locator(f"#s{i} p").text_content() == text
        shown.locator("[id='figure:params_top1'] svg.marks").wait_for()
        for i, text in enumerate(HOSTILE):
            shown.locator("[id='figure:params_top1'] .mark-symbol path").nth(i).hover()
            tip = shown.locator(".vg-tooltip.visible .value").first
            tip.get_by_text(text, exact=True).wait_for()
        assert shown.evaluate("window.hacked") is None
        assert shown.locator("img").count() == 0
        assert shown.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize(
    "code",
    [
        "<img src='https://example.invalid/x.png'>",
        "<link rel=stylesheet href='https://example.invalid/x.css'>",
    ],
)
def test_the_policy_of_the_page_stops_every_request(
    browser: Browser, tmp_path: Path, code: str
) -> None:
    file = write(tmp_path, Section("s", "S", ("Text.",)))
    file.write_text(file.read_text(encoding="utf-8").replace("</main>", f"{code}</main>"))
    with (
        pytest.raises(AssertionError, match="Content Security Policy"),
        visit(browser, file),
    ):
        pass


def test_the_same_report_is_the_same_page(ten: Report) -> None:
    text = page(ten)
    assert text.startswith("<!DOCTYPE html>\n")
    assert page(ten) == text


def test_its_parts_ship_inside_the_wheel(tmp_path: Path) -> None:
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path))
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for name in ("page.html", "page.css", "page.js", "methods.txt"):
        assert f"antcost/document/templates/{name}" in names
    assert {"antcost/document/references.bib", "antcost/document/papers/antnets.yaml"} <= {*names}


def test_an_exact_table_has_every_digit_wherever_it_goes() -> None:
    stages = network_table(analyze("antnet_g2"), MADDS, by="stage")
    exact, rounded = (
        page(Report("t", (Section("a", "A", (TableItem("x", stages, exact=exact),)),), ""))
        for exact in (True, False)
    )
    body = exact[exact.index("<table") : exact.index("</table>")]
    assert "258M" not in body
    assert body.count("258,089,152") == 1
    assert "258M" in rounded
