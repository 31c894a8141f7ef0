"""The shape rule of every layer."""

from math import gcd
from typing import assert_never

from antcost.errors import ShapeError
from antcost.graph import layers as L
from antcost.graph.shape import MAX_SIDE, Shape, certain


def output_shape(layer: L.Layer, inputs: tuple[Shape, ...]) -> Shape:
    """Return the shape that `layer` makes of the shapes it reads.

    Raises ShapeError if the layer cannot read them.
    """
    x = inputs[0]
    match layer:
        case L.Conv2d(channels=channels, groups=groups):
            _require_map(x)
            _require_division(groups, x.c, channels)
            return Shape((channels, *_map_size(x, layer, layer.dilation)))
        case L.ConvTranspose2d(channels=channels, groups=groups):
            _require_map(x)
            _require_division(groups, x.c, channels)
            return Shape((channels, *_transposed_size(x, layer)))
        case L.Linear(channels=channels):
            if x.rank != 1:
                raise ShapeError(f"a linear layer reads a vector, not {x}; flatten it first")
            return Shape((channels,))
        case L.MaxPool2d() | L.AvgPool2d():
            _require_map(x)
            _require_half_padding(layer)
            if isinstance(layer, L.MaxPool2d) and layer.ceil and layer.padding == "same":
                raise ShapeError("padding: same rounds up already; use ceil with valid", "ceil")
            return Shape((x.c, *_map_size(x, layer, (1, 1))))
        case L.GlobalAvgPool():
            _require_map(x)
            return Shape((x.c, 1, 1))
        case L.BatchNorm() | L.Activation() | L.Complement() | L.Dropout():
            return x
        case L.Add() | L.WeightedSum():
            if any(other != x for other in inputs):
                raise ShapeError(f"cannot add different shapes {_list(inputs)}")
            return x
        case L.Multiply():
            _, factor = inputs
            if factor.dims + (1,) * (x.rank - factor.rank) not in (
                x.dims,
                (x.c,) + (1,) * (x.rank - 1),
            ):
                raise ShapeError(f"cannot broadcast {factor} over {x}")
            return x
        case L.Concat():
            if any(other.dims[1:] != x.dims[1:] for other in inputs):
                raise ShapeError(f"cannot concatenate maps of different sizes {_list(inputs)}")
            return Shape((sum(other.c for other in inputs), *x.dims[1:]))
        case L.ChannelShuffle(groups=groups):
            _require_map(x)
            if certain(x.c % groups > 0):
                raise ShapeError(f"groups={groups} does not divide {x.c} channels", "groups")
            return x
        case L.SelectChannels(channels=channels):
            return Shape((channels, *x.dims[1:]))
        case L.Shift():
            _require_map(x)
            return x
        case L.SliceChannels(start=start, channels=channels):
            if certain(channels < 1) or certain(start + channels > x.c):
                last = start + channels - 1
                raise ShapeError(f"there are no channels {start} to {last} in {x}", "channels")
            return Shape((channels, *x.dims[1:]))
        case L.Flatten():
            return Shape((x.numel,))
        case _:
            assert_never(layer)


def end_padding(size: int, kernel: int, stride: int, dilation: int = 1) -> int:
    """Return the rows that "same" padding adds at the end only: 1 if a kernel reaches one."""
    reach = dilation * (kernel - 1) + 1
    last = (size + stride - 1) // stride - 1
    excess = last * stride + reach - size - 2 * ((reach - 1) // 2)
    return (excess + abs(excess)) // 2  # the larger of 0 and the excess, of symbols, too


def _require_map(x: Shape) -> None:
    if x.rank != 3:
        raise ShapeError(f"expected a map of channels x height x width, got {x}")


def _require_division(groups: int, c_in: int, c_out: int) -> None:
    if certain(c_in % groups > 0) or certain(c_out % groups > 0):
        raise ShapeError(
            f"groups={groups} does not divide {c_in} -> {c_out} channels; "
            f"use {_common_divisors(c_in, c_out)}",
            "groups",
        )


def _common_divisors(c_in: int, c_out: int) -> str:
    """Return what groups may be; dimensions of several networks at once, or symbols, have no
    one gcd.
    """
    if not (isinstance(c_in, int) and isinstance(c_out, int)):
        return "a common divisor"
    divisor = gcd(c_in, c_out)
    return "1" if divisor == 1 else f"a divisor of {divisor}"


def _require_half_padding(pool: L.MaxPool2d | L.AvgPool2d) -> None:
    """Refuse a window of padding only, which has no maximum and no mean, as frameworks do."""
    if not isinstance(pool.padding, tuple):
        return
    if any(certain(2 * p > k) for p, k in zip(pool.padding, pool.kernel, strict=True)):
        raise ShapeError("a pool's padding is at most half of its kernel", "padding")


def _map_size(x: Shape, layer: L.Conv2d | L.MaxPool2d | L.AvgPool2d, dilation: L.Pair) -> L.Pair:
    """Return height and width that a sliding window leaves."""
    (k_h, k_w), (s_h, s_w), (d_h, d_w) = layer.kernel, layer.stride, dilation
    if layer.padding == "same":
        return (x.h + s_h - 1) // s_h, (x.w + s_w - 1) // s_w
    p_h, p_w = (0, 0) if layer.padding == "valid" else layer.padding
    if isinstance(layer, L.MaxPool2d) and layer.ceil:
        return _places_rounded_up(x.h, k_h, s_h, p_h), _places_rounded_up(x.w, k_w, s_w, p_w)
    return _places(x.h, k_h, s_h, d_h, p_h), _places(x.w, k_w, s_w, d_w, p_w)


def _transposed_size(x: Shape, layer: L.ConvTranspose2d) -> L.Pair:
    """Return the size of the map whose convolution with this window would leave x."""
    (k_h, k_w), (s_h, s_w), (p_h, p_w) = layer.kernel, layer.stride, layer.padding
    h, w = (x.h - 1) * s_h + k_h - 2 * p_h, (x.w - 1) * s_w + k_w - 2 * p_w
    if certain(h < 1) or certain(w < 1):
        raise ShapeError(f"the padding leaves nothing of a map of {x.h}x{x.w}", "padding")
    if certain(h > MAX_SIDE) or certain(w > MAX_SIDE):
        raise ShapeError(f"a map of {h}x{w} is larger than {MAX_SIDE:,} a side", "stride")
    return h, w


def _places_rounded_up(size: int, kernel: int, stride: int, pad: int) -> int:
    """Return the places of a window that may end outside, but starts on the padded map.

    The rule of Caffe's pooling layers, and of torch's with ceil_mode.
    """
    places = _places(size, kernel, stride, 1, pad, beyond=stride - 1)
    return places - 1 if certain((places - 1) * stride >= size + pad) else places


def _places(size: int, kernel: int, stride: int, dilation: int, pad: int, beyond: int = 0) -> int:
    """Return the places of a window along one axis with `pad` on both sides, or `beyond`."""
    reach = dilation * (kernel - 1) + 1
    if certain(reach > size + 2 * pad + beyond):
        raise ShapeError(
            f"a window of {reach} is larger than its map of {size}"
            + (f" + 2 * {pad} padding" if pad else "")
            + f"; use at most {size + 2 * pad + beyond}, or padding: same",
            "kernel",
        )
    return (size + 2 * pad + beyond - reach + stride) // stride


def _list(shapes: tuple[Shape, ...]) -> str:
    return ", ".join(map(str, shapes))
