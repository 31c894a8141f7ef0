"""The paper's equations against the layer formulas, over random shapes."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

import antcost
from antcost.cost.equations import eq1_separable_madds, eq9_attention_madds

sizes = st.integers(1, 40)
channels = st.integers(1, 64)


def analyze_stages(input_shape: tuple[int, int, int], *stages: dict) -> antcost.analyze:
    return antcost.analyze(
        {"name": "net", "input": input_shape, "classes": 10, "stages": list(stages)}
    )


@given(channels, sizes, sizes, channels, st.integers(1, 7), st.integers(1, 3))
def test_eq1_is_the_separable_block(
    c_i: int, h: int, w: int, c_o: int, k: int, stride: int
) -> None:
    stage = {"name": "s", "block": "separable", "kernel": k, "channels": c_o, "stride": stride}
    cost = analyze_stages((c_i, h, w), stage)
    _, h_o, w_o = cost.graph.output.dims
    assert cost.madds == eq1_separable_madds(h_o, w_o, c_i, c_o, k)


def test_eq1_by_hand() -> None:
    assert eq1_separable_madds(14, 14, 96, 64, 3) == 14 * 14 * 96 * (9 + 64)


@given(
    st.integers(1, 32),
    st.integers(1, 6),
    st.integers(1, 4),
    st.integers(1, 16),
    st.integers(1, 2),
    sizes,
)
def test_eq9_is_what_attention_adds(
    narrow: int, expansion: int, repeat: int, reduction: int, stride: int, size: int
) -> None:
    """Where r divides the hidden width, exactly; MAdds and parameters alike."""
    c = narrow * reduction
    stage = {
        "name": "s",
        "block": "ant",
        "channels": c,
        "expansion": expansion,
        "repeat": repeat,
        "stride": stride,
    }
    attended = analyze_stages((c, size, size), stage | {"reduction": reduction})
    plain = analyze_stages((c, size, size), stage | {"reduction": None})
    added = eq9_attention_madds([(reduction, repeat, expansion * c)])
    assert attended.madds - plain.madds == added
    assert attended.params - plain.params == added


def test_eq9_gives_the_attention_of_antnet() -> None:
    widths = [(1, 16, 8, 1), (6, 24, 8, 2), (6, 32, 12, 3), (6, 64, 16, 4)]
    widths += [(6, 96, 24, 3), (6, 160, 32, 3), (6, 320, 64, 1)]
    c_in, groups = 32, []
    for expansion, channels_, reduction, repeat in widths:
        groups.append((reduction, 1, expansion * c_in))
        groups.append((reduction, repeat - 1, expansion * channels_))
        c_in = channels_
    attended = antcost.analyze("antnet_g1")
    plain = antcost.analyze("antnet_g1", ["ant*.attention=none"])
    assert attended.madds - plain.madds == eq9_attention_madds(groups)


def test_eq9_keeps_what_rounding_would_lose() -> None:
    assert eq9_attention_madds([(3, 1, 10)]) == Fraction(200, 3)
    assert eq9_attention_madds([]) == 0
