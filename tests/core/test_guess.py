"""The guess of roles: graded on tables as tools and public datasets write them, and held to what it promises."""

import datetime as dt
import random
import time
from dataclasses import fields

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from analysis.core.errors import BadRequest, UnknownName
from analysis.core.guess import guess
from analysis.core.guess_words import likeness, words
from analysis.core.roles import TABLE, TASKS, ColumnFacts, ModelColumns, Roles
from tests.core.guess_corpus import held_out_first, held_out_second, tuned
from tests.core.guess_corpus.grading import Grade, grade
from tests.core.guess_corpus.making import Maker, Table, facts_of

HELD_OUT = (*held_out_first.TABLES, *held_out_second.TABLES)
EVERY = (*tuned.TABLES, *HELD_OUT)
MANY = ("segments", "protected", "features", "text")


def report(name: str, graded: Grade) -> None:
    each = ", ".join(f"{role} {graded.wrong[role]}/{graded.items[role]}" for role in sorted(graded.items))
    print(f"{name}: {sum(graded.wrong.values())} of {sum(graded.items.values())} wrong = {graded.rate:.1%} ({each})")  # noqa: T201
    print(*graded.notes, sep="\n")  # noqa: T201


def within(graded: Grade, overall: float, each: float) -> None:
    assert graded.rate <= overall, graded.notes
    for role, count in graded.items.items():
        assert graded.wrong[role] <= each * count, (role, graded.notes)


def test_wrong_guesses_on_the_tables_it_was_developed_on() -> None:
    """42 tables: 0 of 246 decisive roles wrong. An invented role counts as wrong. This is no estimate of anything:
    the guesser was made to pass here; the held-out tables below are."""
    graded = grade(tuned.TABLES)
    report("developed on", graded)
    assert len(tuned.TABLES) >= 30
    within(graded, 0.01, 0.03)


def test_wrong_guesses_on_held_out_tables() -> None:
    """Unseen headers of published prediction files. Before anything was learnt from them: first round (17 tables)
    21 of 87 decisive roles wrong, 24.1 %, 11 of these being columns named as an algorithm alone ("ARIMA"); second
    round (13 tables), after the first had taught, 10 of 62 wrong, 16.1 %. Four of these tables hold predictions under
    the label's own name, which no table can tell: 8 wrong that remain. Now 4 of 88 and 5 of 59: 6.1 % together."""
    assert len(held_out_first.TABLES) >= 12
    graded = grade(HELD_OUT)
    report("held out", graded)
    within(graded, 0.07, 0.2)


def test_grading_counts_wrong_missing_and_invented_roles() -> None:
    def make(m: Maker) -> dict[str, list[object]]:
        y = m.flag(0.3)
        return {"id": list(range(200)), "target": y, "score": m.chance(y, 1)}

    wrong = tuned.Truth("binary", None, None, (), "date", models={"model": {"prediction": "score"}})
    graded = grade((Table("mistaken", make, wrong),))
    # task right; label and id invented; time missing; the column's kind wrong
    assert sum(graded.items.values()) == 5
    assert sum(graded.wrong.values()) == 4


@pytest.mark.parametrize("table", EVERY, ids=lambda table: table.name)
def test_the_promises_of_a_guess(table: Table) -> None:
    facts = table.facts()
    found = guess(facts)
    assert found == guess(facts)
    used = found.roles.used()
    assert set(used) <= {each.name for each in facts}
    assert found.task in (*TASKS, TABLE)
    for column, roles in used.items():
        assert found.reasons.get(column, "").endswith("."), (column, roles)
        alone = set(roles) - {"protected", "segment", "feature", "amount"}
        assert len(alone) <= 1 or (column in found.roles.id and alone <= {"id", "unit", "time"}), (column, roles)
    assert found.reasons["task"]
    assert all(doubt.endswith(".") and len(doubt) < 400 for doubt in found.doubts)
    assert (found.roles.positive is not None) <= (found.task == "binary")


@pytest.mark.parametrize("table", EVERY, ids=lambda table: table.name)
def test_what_was_given_stays(table: Table) -> None:
    facts = table.facts()
    first = guess(facts)
    again = guess(facts, task=first.task if first.task != TABLE else None, given=first.roles)
    for field in fields(Roles):
        before = getattr(first.roles, field.name)
        if before not in (None, ()):
            assert getattr(again.roles, field.name) == before, field.name


@pytest.mark.parametrize("table", tuned.TABLES, ids=lambda table: table.name)
def test_protected_attributes_units_and_versions(table: Table) -> None:
    found = guess(table.facts()).roles
    assert set(found.protected) == set(table.truth.protected)
    assert found.unit == table.truth.unit
    assert found.model_version == table.truth.version


def column(name: str, values: list[object]) -> ColumnFacts:
    return facts_of(name, values)


def loans() -> list[ColumnFacts]:
    m = Maker("loans")
    y = m.flag(0.2)
    return [
        column("loan_id", m.ids()),
        column("approved_on", m.dates()),
        column("gender", m.pick("f", "m")),
        column("region", m.pick("north", "south", "west")),
        column("purpose_flag", m.flag(0.4)),
        column("loan_amnt", m.real(500, 40_000, 2)),
        column("defaulted", y),
        column("score", m.chance(y, 1)),
        column("decision", m.decided(y)),
    ]


def test_given_roles_are_not_overridden_and_the_rest_fits_them() -> None:
    given = Roles(label="purpose_flag", positive="0", id=("region",), features=("loan_amnt",), protected=("region",))
    found = guess(loans(), given=given)
    assert (found.roles.label, found.roles.positive, found.roles.id) == ("purpose_flag", "0", ("region",))
    assert (found.roles.features, found.roles.protected) == (("loan_amnt",), ("region",))
    assert "purpose_flag" not in found.roles.segments
    assert "purpose_flag" not in found.reasons
    assert found.roles.models[0].scores == ((None, "score"),)


def test_a_given_model_is_completed_but_not_changed() -> None:
    given = Roles(models=(ModelColumns("champion", prediction="decision"),))
    found = guess(loans(), given=given)
    assert found.roles.models == (ModelColumns("champion", "decision", ((None, "score"),)),)
    assert found.roles.label == "defaulted"
    both = (ModelColumns("a", prediction="decision"), ModelColumns("b", scores=((None, "score"),)))
    assert guess(loans(), given=Roles(models=both)).roles.models == both


def test_a_given_protected_attribute_still_makes_a_segment_and_a_feature() -> None:
    found = guess(loans(), given=Roles(protected=("gender",))).roles
    assert "gender" in found.segments
    assert "gender" in found.features


def test_a_given_task_decides_what_may_be_the_label() -> None:
    found = guess(loans(), task="regression")
    assert found.task == "regression"
    assert found.roles.label != "defaulted"
    assert found.roles.positive is None


def test_requests_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'defaulted'"):
        guess(loans(), given=Roles(label="defautled"))
    with pytest.raises(BadRequest, match="not a task"):
        guess(loans(), task="ranking")


def test_a_table_without_a_model_or_an_outcome_is_a_table() -> None:
    m = Maker("plain")
    found = guess([column("city", m.pick("Bern", "Genf")), column("altitude", m.real(300, 900))])
    assert found.task == TABLE
    assert found.roles.label is None
    assert any("label-free" in doubt for doubt in found.doubts)
    assert guess([]).task == TABLE


@pytest.mark.parametrize(
    ("values", "positive", "sure"),
    [
        (("no", "yes"), "yes", True),
        (("benign", "malignant"), "malignant", True),
        (("stayed", "churned"), "churned", True),
        (("0", "1"), "1", True),
        (("-1", "1"), "1", True),
        (("<=50K", ">50K"), ">50K", True),
        (("not readmitted", "readmitted"), "readmitted", True),
        (("nein", "ja"), "ja", True),
        (("good", "bad"), "bad", True),
        (("blue", "red"), "red", False),
        (("1", "2"), "2", False),
    ],
)
def test_the_positive_value_comes_from_words_else_it_is_the_rarer_with_a_doubt(
    values: tuple[str, str], positive: str, sure: bool
) -> None:
    common, rare = values
    m = Maker("positive")
    found = guess([column("id", m.ids()), column("label", m.pick(common, rare, weights=(3, 1)))])
    assert found.roles.positive == positive
    assert sure == (not any("Confirm that" in doubt for doubt in found.doubts))
    if sure:
        assert guess([column("label", m.pick(rare, common, weights=(3, 1)))]).roles.positive == positive


def test_a_score_of_the_predicted_label_is_left_out_and_said() -> None:
    table = next(each for each in tuned.TABLES if each.name == "pycaret")
    found = guess(table.facts())
    assert "prediction_score" not in found.roles.used()
    assert any("'prediction_score'" in doubt and "never below 0.5" in doubt for doubt in found.doubts)


@pytest.mark.parametrize(
    ("table", "words_of_doubt"),
    [
        ("spark", "'probability' holds a list"),
        ("prophet", "'yhat_lower' names no level"),
        ("unlabelled", "No column looks like the label"),
        ("nixtla", "No column alone tells rows apart"),
        ("yardstick", "Confirm that"),
        ("lone sales", "'Sales' stands alone"),
        ("beaches", "by its values alone"),
    ],
)
def test_what_could_not_be_told_is_a_doubt(table: str, words_of_doubt: str) -> None:
    found = guess(next(each for each in EVERY if each.name == table).facts())
    assert any(words_of_doubt in doubt for doubt in found.doubts), found.doubts


def test_grades_of_few_whole_numbers_are_a_doubt_either_way() -> None:
    m = Maker("stars")
    for name, task in (("rating", "regression"), ("species", "multiclass")):
        found = guess([column("id", m.ids()), column(name, m.whole(1, 5))])
        assert (found.task, found.roles.label) == (task, name)
        assert any("whole numbers" in doubt for doubt in found.doubts)


def test_several_plausible_labels_are_named() -> None:
    m = Maker("rivals")
    found = guess([column("is_recid", m.flag(0.4)), column("two_year_recid", m.flag(0.4))])
    assert found.roles.label is not None
    assert any("could also be it" in doubt for doubt in found.doubts)
    assert not found.roles.features


@pytest.mark.parametrize(
    ("name", "values", "role"),
    [
        ("weight", [round(70 + each / 7, 1) for each in range(200)], "feature"),
        ("weight", [round(0.2 + each / 90, 3) for each in range(200)], "weight"),
        ("credit_score", [300 + each for each in range(200)], "feature"),
        ("birth_date", [dt.date(1960, 1, 1) + dt.timedelta(days=90 * each) for each in range(200)], "protected"),
        ("event_date", [dt.date(2024, 1, 1) + dt.timedelta(days=each) for each in range(200)], "time"),
        ("response_time_ms", [each + 0.5 for each in range(200)], "latency"),
        ("unit_cost", [each / 100 for each in range(200)], "cost"),
        ("order_value", [each * 1.1 for each in range(200)], "amount"),
        ("partition", ["train", "train", "test", "train"] * 50, "split"),
        ("schooltype", ["public", "private"] * 100, "segment"),
        ("house_age", list(range(200)), "feature"),
        ("column_1", list(range(200)), "id"),  # what a first column without a name is called: a frame's index
    ],
)
def test_single_columns_beside_a_labelled_and_scored_table(name: str, values: list[object], role: str) -> None:
    m = Maker("beside")
    y = m.flag(0.3)
    facts = [column("target", y), column("proba", m.chance(y, 1)), column(name, values)]
    assert role in guess(facts).roles.used().get(name, []), guess(facts)


def test_one_column_is_both_birth_date_and_not_the_time_when_an_event_date_exists() -> None:
    m = Maker("dates")
    found = guess([column("dob", m.dates("1950-01-01", 90)), column("decision_time", m.stamps()), *loans()[4:]])
    assert found.roles.time == "decision_time"


def test_numbered_scores_of_a_multiclass_label_take_the_classes_in_order_with_a_doubt() -> None:
    m = Maker("numbered")
    y = m.pick("ash", "birch", "oak")
    shares = m.per_class(y, (0, 1, 2), "proba_{}")
    found = guess([column("species", y), *(column(name, values) for name, values in shares.items())])
    assert found.roles.models[0].scores == (("ash", "proba_0"), ("birch", "proba_1"), ("oak", "proba_2"))
    assert any("sorted order" in doubt for doubt in found.doubts)


def test_scores_numbered_beyond_the_classes_are_models() -> None:
    m = Maker("models")
    y = m.flag(0.3)
    facts = [column("label", y), *(column(f"score_{i}", m.chance(y, 1)) for i in (1, 2, 3))]
    assert [model.name for model in guess(facts).roles.models] == ["model 1", "model 2", "model 3"]


def test_models_and_classes_in_one_name() -> None:
    m = Maker("crossed")
    y = m.pick("ash", "elm", "oak")
    columns = {"species": y, "xgb_pred": m.decided(y), "rf_pred": m.decided(y)}
    for name in ("xgb", "rf"):
        columns |= m.per_class(y, ("ash", "elm", "oak"), name + "_prob_{}")
    found = guess([column(name, values) for name, values in columns.items()]).roles
    assert found.models == tuple(
        ModelColumns(name, f"{name}_pred", tuple((each, f"{name}_prob_{each}") for each in ("ash", "elm", "oak")))
        for name in ("xgb", "rf")
    )


def test_scores_and_latencies_of_the_same_model_go_together() -> None:
    m = Maker("latencies")
    y = m.flag(0.3)
    facts = [column("label", y), column("model_a_score", m.chance(y, 1)), column("model_b_score", m.chance(y, 1))]
    facts += [column("model_a_latency_ms", m.real(1, 9)), column("model_b_latency_ms", m.real(1, 9))]
    assert guess(facts).roles.models == (
        ModelColumns("model_a", scores=((None, "model_a_score"),), latency="model_a_latency_ms"),
        ModelColumns("model_b", scores=((None, "model_b_score"),), latency="model_b_latency_ms"),
    )


@pytest.mark.parametrize(
    ("label", "prediction"), [("price_true", "price"), ("actual_price", "price"), ("BAD", "I_BAD")]
)
def test_a_prediction_may_be_named_as_the_label_alone(label: str, prediction: str) -> None:
    m = Maker("echo")
    y = m.flag(0.3) if label == "BAD" else m.real(10, 90)
    found = guess([column(label, y), column(prediction, m.decided(y) if label == "BAD" else m.about(y, 1))]).roles
    assert (found.label, found.models[0].prediction) == (label, prediction)


def test_names_are_taken_apart_in_any_usual_way() -> None:
    for name in ("sale_price", "SalePrice", "sale.price", "Sale Price", "SALE-PRICE", "salePrice"):
        assert [word.text for word in words(name)] == ["sale", "price"]
    assert [word.text for word in words("Kündigung_2")] == ["kundigung", "2"]
    assert [word.text for word in words("customerid")] == ["customer", "id"]
    assert likeness(("order", "id"), "id") > likeness(("id", "order"), "id") > likeness(("order",), "id")


def test_two_thousand_columns_are_guessed_in_seconds() -> None:
    m = Maker("wide")
    base = column("x", m.real(0, 100))
    facts = [ColumnFacts(**{**base.__dict__, "name": f"sensor_{i}_mean"}) for i in range(1_990)]
    start = time.perf_counter()
    found = guess([*loans(), *facts])
    assert found.roles.label == "defaulted"
    assert time.perf_counter() - start < 5


NAMES = (
    st.sampled_from(["", "p1", "q10", "q90", "score", "score_v2", "pred", "prediction", "y", "target", "label", "id"])
    | st.sampled_from(["model", "yhat", "yhat_lower", "proba_yes", "proba_no", "0.1", "0.9", "date", "split", "weight"])
    | st.sampled_from(["class", "Yes", "No", "ARIMA", "fraud_flag", "fraud_probability"])
    | st.text(max_size=12)
)
VALUES = st.one_of(
    st.lists(st.booleans(), min_size=1, max_size=30),
    st.lists(st.integers(-5, 5), min_size=1, max_size=30),
    st.lists(st.floats(0, 1), min_size=1, max_size=30),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30),
    st.lists(st.sampled_from(["Yes", "No", "", "train", "test", "[1,2]", "a b c d e f g h"]), min_size=1, max_size=30),
    st.lists(st.dates(), min_size=1, max_size=30),
)


@settings(max_examples=150, deadline=None)
@drawn(st.dictionaries(NAMES, VALUES, max_size=9), st.sampled_from([None, *TASKS]))
def test_any_table_gets_a_consistent_guess(columns: dict[str, list[object]], task: str | None) -> None:
    found = guess([facts_of(name, values) for name, values in columns.items()], task=task)
    used = found.roles.used()
    assert set(used) <= set(columns)
    assert task is None or found.task == task
    models = [model.name for model in found.roles.models]
    assert len(models) == len(set(models))
    for model in found.roles.models:
        groups = [group for group, _ in model.scores]
        assert len(groups) == len(set(groups))
        assert found.task != "regression" or not model.scores
    if found.roles.label is not None:
        assert used[found.roles.label] == ["label"]


def test_the_order_of_columns_matters_little() -> None:
    for table in tuned.TABLES:
        facts = table.facts()
        random.Random(table.name).shuffle(facts)
        found = guess(facts)
        assert (found.task, found.roles.label) == (table.truth.task, table.truth.label), table.name
