"""Charts of a moving threshold: specs without rows, built once. Bands are pointwise 95 % intervals.

What moves is a chart of its own, drawn over the one that stays, on the same plane: a move then sends a few marks, and
the curves are neither sent nor drawn again.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import altair as alt

from analysis.telling.spec import ACCENT, AXIS, BLUE, FORMATS, axis, done, empty, mark_chosen

GRAY = "#8A94A0"  # readable on both grounds
INK: dict[str, Any] = {"color": "currentColor"}


TOP: dict[str, Any] = {"title": None, "orient": "top"}
UNSEEN: dict[str, Any] = {
    "axis": {**AXIS, "grid": False, "tickCount": 5, "labelOpacity": 0, "titleOpacity": 0},
    "legend": {"labelOpacity": 0, "symbolOpacity": 0},
}
"""What lies over a chart has its axes and its legend too, unseen: only then do both have the same room for marks."""


ROOM = 0.02


def roomy(ends: tuple[float, float]) -> tuple[float, float]:
    """The ends of an axis with room for whole marks at its first and last value."""
    room = ROOM * (ends[1] - ends[0])
    return round(ends[0] - room, 12), round(ends[1] + room, 12)


@dataclass(frozen=True)
class Plane:
    """What a chart and the marks over it share: where its axes run and how they are written.

    x, y: the ends of the axes. x_title, y_title, x_format, y_format: their words. height: in pixels.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    x_title: str
    y_title: str | None
    x_format: str
    y_format: str
    height: int

    def encoded(self, x: str, y: str, *, grid: bool = True) -> dict[str, Any]:
        """The encoding of two fields on this plane."""
        across = axis(format=self.x_format, title=self.x_title, tickCount=5, grid=grid)
        up = axis(format=self.y_format, title=self.y_title, tickCount=5)
        return {
            "x": alt.X(f"{x}:Q", scale=alt.Scale(domain=roomy(self.x), nice=False), axis=across),
            "y": alt.Y(f"{y}:Q", scale=alt.Scale(domain=roomy(self.y), nice=False), axis=up),
        }

    def unseen(self) -> dict[str, Any]:
        """The fields x and y on it, with axes that take the same room: a title is as high whatever it says."""
        title = None if self.y_title is None else "y"
        return {
            "x": alt.X("x:Q", scale=alt.Scale(domain=roomy(self.x), nice=False), axis=alt.Axis(format=self.x_format)),
            "y": alt.Y(
                "y:Q",
                title=title,
                scale=alt.Scale(domain=roomy(self.y), nice=False),
                axis=alt.Axis(format=self.y_format),
            ),
        }


def _over(plane: Plane, *layers: Any) -> dict[str, Any]:
    """The layers as a spec that is as short as can be, as it is sent with every move."""
    spec = done((alt.layer(*layers) if len(layers) > 1 else layers[0]).properties(height=plane.height))
    return spec | {"config": UNSEEN, "background": "transparent"}


def _dots(plane: Plane) -> Any:
    """Where the rule in force stands on a curve."""
    dot = alt.Chart(empty()).mark_point(filled=True, size=120, opacity=1, color=ACCENT, clip=True)
    return dot.encode(**plane.unseen(), description=alt.Description("aria:N"))


def _rule() -> Any:
    """Dashed rules at the thresholds in force."""
    rule = alt.Chart(empty()).mark_rule(strokeDash=[5, 4], color=ACCENT, strokeWidth=2, clip=True)
    return rule.encode(x=alt.X("x:Q"), description=alt.Description("at:N"))


def _once(**encoding: Any) -> Any:
    """A line of reference, drawn once."""
    one = alt.Chart(empty()).transform_aggregate(rows="count()")
    return one.mark_rule(strokeDash=[4, 4], opacity=0.45, aria=False, clip=True, **INK).encode(**encoding)


@lru_cache(maxsize=16)
def confusion(height: int = 230) -> dict[str, Any]:
    """Two by two: counts and shares, right decisions in one hue and wrong ones in another.

    Frame: actual_name, predicted_name, right, share, count, told, model, where, aria.
    """
    down = axis(labelFontSize=13, grid=False, labelLimit=200, labelAngle=0)
    across = axis(labelFontSize=13, grid=False, labelAngle=0, orient="top")
    base = alt.Chart(empty())
    plane: dict[str, Any] = {
        "x": alt.X("predicted_name:N", axis=across, sort=None, title=None),
        "y": alt.Y("actual_name:N", axis=down, sort=None, title=None),
    }
    cell = base.mark_rect(cornerRadius=6, stroke="currentColor", strokeOpacity=0.15).encode(
        fill=alt.condition("datum.right", alt.value(BLUE), alt.value(ACCENT)),
        fillOpacity=alt.FillOpacity("share:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=[0.08, 0.6])),
        description=alt.Description("aria:N"),
        tooltip=alt.Tooltip("aria:N", title=" "),
    )
    count = base.mark_text(fontSize=22, fontWeight=600, dy=-8, aria=False, **INK).encode(text="count:N")
    told = base.mark_text(fontSize=12.5, dy=16, opacity=0.8, aria=False, **INK).encode(text="told:N")
    return done(alt.layer(cell.add_params(mark_chosen()), count, told).encode(**plane).properties(height=height))


@lru_cache(maxsize=64)
def by_threshold(plane: Plane) -> dict[str, Any]:
    """Metrics over the threshold: a line and a band each. Frame: x, name, y, low, high, n, model, where, aria."""
    at = plane.encoded("x", "y", grid=False)
    low = plane.encoded("x", "low", grid=False)["y"]
    legend = alt.Legend(**TOP, symbolOpacity=1, symbolType="stroke", symbolStrokeWidth=3)
    base = alt.Chart(empty()).encode(x=at["x"], color=alt.Color("name:N", sort=None, legend=legend))
    band = base.mark_area(opacity=0.18, aria=False, clip=True).encode(y=low, y2="high:Q")
    line = base.mark_line(strokeWidth=2, aria=False, clip=True).encode(y=at["y"])
    hover = base.mark_point(filled=True, size=40, opacity=0, clip=True).encode(
        y=at["y"],
        description=alt.Description("aria:N"),
        tooltip=[
            alt.Tooltip("name:N", title=" "),
            alt.Tooltip("x:Q", title="threshold", format=".3f"),
            alt.Tooltip("y:Q", title="value", format=".1%"),
            alt.Tooltip("low:Q", title="low", format=".1%"),
            alt.Tooltip("high:Q", title="high", format=".1%"),
            alt.Tooltip("n:Q", title="n", format=","),
        ],
    )
    return done(alt.layer(band, line, hover.add_params(mark_chosen())).properties(height=plane.height))


@lru_cache(maxsize=64)
def by_threshold_here(plane: Plane) -> dict[str, Any]:
    """The thresholds in force over `by_threshold`. Frame: x, name, y (null: the rule alone), at, aria."""
    legend = alt.Legend(**TOP, symbolType="stroke", symbolStrokeWidth=3)
    hue = alt.Color("name:N", sort=None, legend=legend)
    dots = alt.Chart(empty()).mark_point(filled=True, size=110, opacity=1, clip=True)
    return _over(plane, _rule(), dots.encode(**plane.unseen(), color=hue, description=alt.Description("aria:N")))


@lru_cache(maxsize=64)
def curve(plane: Plane, unit: str = "share", chance: str = "") -> dict[str, Any]:
    """One curve with its band. chance: "diagonal", "one" (a level of 1) or "".

    Frame: threshold, x, y, low, high, model, where, aria.
    """
    at, low = plane.encoded("x", "y"), plane.encoded("x", "low")["y"]
    base = alt.Chart(empty()).encode(x=at["x"])
    band = base.mark_area(opacity=0.2, color=BLUE, aria=False, clip=True).encode(y=low, y2="high:Q")
    line = base.mark_line(strokeWidth=2, color=BLUE, aria=False, clip=True).encode(y=at["y"], order=alt.Order("x:Q"))
    tips = [
        alt.Tooltip("threshold:Q", title="threshold", format=".3f"),
        alt.Tooltip("x:Q", title=plane.x_title, format=".1%"),
        alt.Tooltip("y:Q", title=plane.y_title or "", format=FORMATS[unit]),
        alt.Tooltip("low:Q", title="low", format=FORMATS[unit]),
        alt.Tooltip("high:Q", title="high", format=FORMATS[unit]),
    ]
    points = base.mark_point(filled=True, color=ACCENT, size=40, opacity=0, clip=True).encode(
        y=at["y"], tooltip=tips, description=alt.Description("aria:N")
    )
    layers = [band, line, points.add_params(mark_chosen())]
    if chance:
        first, last = {"diagonal": (0, 1), "one": (1, 1)}[chance]
        layers.insert(2, _once(x=alt.datum(0), x2=alt.datum(1), y=alt.datum(first), y2=alt.datum(last)))
    return done(alt.layer(*layers).properties(height=plane.height))


@lru_cache(maxsize=64)
def curve_here(plane: Plane) -> dict[str, Any]:
    """Where the rule in force stands on a curve. Frame: x, y, aria."""
    return _over(plane, _dots(plane))


@lru_cache(maxsize=64)
def value(plane: Plane) -> dict[str, Any]:
    """Value a decision over the threshold with its band; the best threshold as a diamond.

    Frame: x, y, low, high, n, total, best, none, model, where, aria.
    """
    at = plane.encoded("x", "y", grid=False)
    low = plane.encoded("x", "low", grid=False)["y"]
    base = alt.Chart(empty()).encode(x=at["x"])
    band = base.mark_area(opacity=0.2, color=BLUE, aria=False, clip=True).encode(y=low, y2="high:Q")
    line = base.mark_line(strokeWidth=2, color=BLUE, aria=False, clip=True).encode(y=at["y"])
    tips = [
        alt.Tooltip("x:Q", title="threshold", format=".3f"),
        alt.Tooltip("y:Q", title="a decision", format=",.4~r"),
        alt.Tooltip("low:Q", title="low", format=",.4~r"),
        alt.Tooltip("high:Q", title="high", format=",.4~r"),
        alt.Tooltip("total:Q", title="in all", format=",.0f"),
    ]
    said = {"tooltip": tips, "description": alt.Description("aria:N")}
    hover = base.mark_point(filled=True, size=40, opacity=0, clip=True).encode(y=at["y"], **said)
    best = (
        base.transform_filter("datum.best")
        .mark_point(
            shape="diamond",
            size=170,
            filled=True,
            opacity=1,
            clip=True,
            color=BLUE,
            stroke="currentColor",
            strokeWidth=1.2,
        )
        .encode(y=at["y"], **said)
    )
    either = alt.Chart(empty()).mark_rule(strokeDash=[2, 4], opacity=0.55, aria=False, clip=True, **INK)
    level = either.encode(y=plane.encoded("x", "none", grid=False)["y"].aggregate("min"))
    layers = [level, band, line, hover.add_params(mark_chosen()), best]
    return done(alt.layer(*layers).properties(height=plane.height))


@lru_cache(maxsize=64)
def value_here(plane: Plane) -> dict[str, Any]:
    """The thresholds in force over `value`. Frame: x, y, at, aria."""
    return _over(plane, _rule(), _dots(plane))


@lru_cache(maxsize=64)
def distribution(plane: Plane) -> dict[str, Any]:
    """Where the scores of each class lie, as shares of the class.

    Frame: start, end, name, n, share, model, where, aria.
    """
    at = plane.encoded("start", "share", grid=False)
    hues = alt.Scale(range=[BLUE, ACCENT, GRAY])
    bars = (
        alt.Chart(empty())
        .mark_bar(opacity=0.55, binSpacing=0)
        .encode(
            x=at["x"].bin("binned"),
            x2="end:Q",
            y=at["y"].stack(None),
            color=alt.Color("name:N", sort=None, scale=hues, legend=alt.Legend(**TOP)),
            description=alt.Description("aria:N"),
            tooltip=[
                alt.Tooltip("name:N", title=" "),
                alt.Tooltip("start:Q", title="from", format=".3f"),
                alt.Tooltip("end:Q", title="to", format=".3f"),
                alt.Tooltip("n:Q", title="rows", format=","),
                alt.Tooltip("share:Q", title="share", format=".1%"),
            ],
        )
    )
    return done(alt.layer(bars.add_params(mark_chosen())).properties(height=plane.height))


@lru_cache(maxsize=64)
def distribution_here(plane: Plane) -> dict[str, Any]:
    """The thresholds in force over `distribution`. Frame: x, y (0), name, at, aria."""
    ground = alt.Chart(empty()).mark_point(opacity=0, clip=True)
    hue = alt.Color("name:N", sort=None, legend=alt.Legend(**TOP))
    return _over(plane, _rule(), ground.encode(**plane.unseen(), color=hue, description=alt.Description("at:N")))
