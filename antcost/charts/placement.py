"""Place labels in a figure so that none covers another label, a point or a line; in pixels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from unicodedata import east_asian_width

FONT = 8
LETTERS = {
    191: "'", 222: "ijl", 260: "|", 278: " !,./:;I[\\]ft", 333: "()-`r", 334: "{}", 355: '"',
    389: "*", 469: "^", 500: "Jcksvxyz", 556: "#$0123456789?L_abdeghnopqu", 584: "+<=>~",
    611: "FTZ", 667: "&ABEKPSVXY", 722: "CDHNRUw", 778: "GOQ", 833: "Mm", 889: "%", 944: "W",
    1000: "…→", 1015: "@",
}  # fmt: skip
WIDTHS = {letter: width / 1000 for width, letters in LETTERS.items() for letter in letters}
"""Widths of Helvetica's letters, as its metrics (AFM) give them, in font sizes."""
NEAR, GAP = 2.0, 4.0
"""Pixels between a point's mark and its label, and between labels beside each other."""
RINGS = (9.0, 13.0, 17.0, 22.0, 27.0, 33.0, 39.0)
ROUND = (
    (1.0, 0.0), (-1.0, 0.0), (0.7, -0.7), (0.7, 0.7), (-0.7, -0.7), (-0.7, 0.7), (0.0, -1.0),
    (0.0, 1.0), (0.9, -0.4), (0.9, 0.4), (-0.9, -0.4), (-0.9, 0.4), (0.4, -0.9), (0.4, 0.9),
    (-0.4, -0.9), (-0.4, 0.9),
)  # fmt: skip
"""Right and left of a point, then oblique, above and below it, and in between; y grows down."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box") -> bool:
        """Return whether the two have any area in common."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def holds(self, other: "Box") -> bool:
        """Return whether the other one lies inside."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.top <= other.top
            and other.bottom <= self.bottom
        )


@dataclass(frozen=True, slots=True)
class Anchor:
    """A point with a mark of this radius, which no label may cover, and perhaps with a label.

    A `needed` one is placed even where there is no room.
    """

    x: float
    y: float
    text: str = ""
    color: str = "black"
    needed: bool = False
    radius: float = 3.0


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a label is; far from its point, a leader line from (x, y) leads to it."""

    box: Box
    leader: tuple[float, float] | None


def box_around(x: float, y: float, radius: float) -> Box:
    """Return a square around a point."""
    return Box(x - radius, y - radius, x + radius, y + radius)


def steps(pixels: Sequence[tuple[float, float]]) -> Iterator[Box]:
    """Yield boxes along lines that lead from each point to the right, then up to the next one."""
    for (x, y), (next_x, next_y) in pairwise(pixels):
        yield Box(x, y - 1, next_x, y + 1)
        yield Box(next_x - 1, min(y, next_y), next_x + 1, max(y, next_y))


def text_width(text: str) -> float:
    """Return how wide a text is in Helvetica; letters without metrics are taken to be wide."""
    return FONT * sum(WIDTHS[letter] if letter in WIDTHS else _em(letter) for letter in text)


def _em(letter: str) -> float:
    if east_asian_width(letter) in "WF":
        return 1.0
    return 0.8 if letter.isupper() else 0.65


def cut(text: str, width: float) -> str:
    """Return the text, or as much of its beginning as is not wider, with an ellipsis."""
    if text_width(text) <= width:
        return text
    kept = len(text)
    while kept and text_width(f"{text[:kept]}…") > width:
        kept -= 1
    return f"{text[:kept].rstrip()}…"


def place(anchors: Sequence[Anchor], taken: Sequence[Box], room: Box) -> list[Spot | None]:
    """Return a spot for each label inside of the room, or None where there is none.

    The first are placed first. `taken` is what no label may cover beside the points.
    """
    boxes = [*taken, *(box_around(anchor.x, anchor.y, anchor.radius) for anchor in anchors)]
    spots: list[Spot | None] = []
    for anchor in anchors:
        every = list(_spots(anchor)) if anchor.text else []
        spot = next((one for one in every if _fits(one, anchor, boxes, room)), None)
        if spot is None and anchor.needed:
            spot = next((one for one in every if room.holds(one.box)), None)
        if spot is not None:
            box = spot.box
            boxes += [Box(box.left - GAP, box.top, box.right + GAP, box.bottom)]
            boxes += _along(anchor, spot)
        spots.append(spot)
    return spots


def _spots(anchor: Anchor) -> Iterator[Spot]:
    """Yield spots next to the point, then further and further away."""
    width, height = text_width(anchor.text), FONT + 1
    for distance in (NEAR, *RINGS):
        for right, down in ROUND:
            reach = anchor.radius + distance
            x, y = anchor.x + right * reach, anchor.y + down * reach
            if right == 0:
                y += down * (height / 2 - 1)
            left = x - width * (1 - right / abs(right)) / 2 if right else x - width / 2
            box = Box(left, y - height / 2, left + width, y + height / 2)
            yield Spot(box, (x - right, y - down * height / 2) if distance > NEAR else None)


def _fits(spot: Spot, anchor: Anchor, boxes: Sequence[Box], room: Box) -> bool:
    if not room.holds(spot.box) or any(box.meets(spot.box) for box in boxes):
        return False
    return not any(box.meets(step) for step in _along(anchor, spot) for box in boxes)


def _along(anchor: Anchor, spot: Spot) -> list[Box]:
    """Return small boxes along the leader line, from where it leaves the point's own mark."""
    if spot.leader is None:
        return []
    x, y = spot.leader
    length = max(abs(x - anchor.x), abs(y - anchor.y))
    shares = [step / length for step in range(1 + ceil(anchor.radius), int(length), 2)]
    return [
        box_around(anchor.x + share * (x - anchor.x), anchor.y + share * (y - anchor.y), 0.5)
        for share in shares
    ]
