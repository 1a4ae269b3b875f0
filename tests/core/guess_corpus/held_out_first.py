"""Tables the guesser had not seen when it was finished: headers as found in published prediction files, new values.

They were chosen by their projects' topics, before their headers were read. Two of them ("lone sales", "lone label")
hold predictions under the label's own name, which nothing in the table can tell.
"""

from tests.core.guess_corpus.making import ROWS, Columns, Maker, Table, Truth


def churn_models(m: Maker) -> Columns:
    y = m.flag(0.25)
    return {
        "Actual_Class": y,
        "LogisticRegression_Prob": m.chance(y, 1),
        "LogisticRegression_Class": m.decided(y),
        "RandomForest_Prob": m.chance(y, 1),
        "RandomForest_Class": m.decided(y),
        "Model_Agreement": m.pick(True, False, weights=(4, 1)),
    }


def subscription(m: Maker) -> Columns:
    y = m.flag(0.3)
    return {
        "CustomerID": m.count(),
        "Age": m.whole(18, 65),
        "Gender": m.pick("Female", "Male"),
        "Tenure": m.whole(1, 60),
        "Usage Frequency": m.whole(1, 30),
        "Support Calls": m.whole(0, 10),
        "Payment Delay": m.whole(0, 30),
        "Subscription Type": m.pick("Basic", "Standard", "Premium"),
        "Contract Length": m.pick("Monthly", "Quarterly", "Annual"),
        "Total Spend": m.whole(100, 1000),
        "Last Interaction": m.whole(1, 30),
        "Churn": y,
        "Churn_Prediction": [float(each) for each in m.decided(y)],
        "Churn_Probability": m.chance(y, 1),
    }


def segmentation(m: Maker) -> Columns:
    y = m.flag(0.2)
    return {
        "CustomerID": m.count(12_347),
        "Recency": m.whole(1, 200),
        "Frequency": m.whole(1, 50),
        "Monetary": m.real(100, 30_000, 2),
        "R_Score": m.whole(1, 5),
        "F_Score": m.whole(1, 5),
        "M_Score": m.whole(1, 5),
        "RFM_Score": m.pick(555, 455, 111, 312, 431),
        "RFM_Total": m.whole(3, 15),
        "Segment": m.pick("Champions", "At risk", "Lost"),
        "Churned": y,
        "AvgOrderValue": m.real(90, 145, 6),
        "Tenure": m.whole(60, 480),
        "Churn_Probability": m.chance(y, 1),
        "Expected_LTV": m.real(1_000, 5_000, 4),
    }


def employees(m: Maker) -> Columns:
    y = m.flag(0.17)
    return {
        "row_id": m.ids(1, 12_000),
        "actual": y,
        "baseline_score": [0.16611065] * ROWS,
        "logistic_regression_score": m.chance(y, 1),
        "random_forest_score": m.chance(y, 1),
        "predicted": m.decided(y),
    }


def cards(m: Maker) -> Columns:
    y = m.flag(0.05)
    return {
        "Time": [float(each) for each in m.whole(0, 172_000)],
        "V1": m.real(-16, 2, 9),
        "V2": m.real(-8, 9, 9),
        "V3": m.real(-19, 4, 9),
        "Amount": m.real(0, 600, 2),
        "Class": y,
        "fraud_probability": m.chance(y, 1),
        "fraud_flag": m.decided(y),
    }


def beaches(m: Maker) -> Columns:
    y = [float(each) for each in m.whole(5, 900)]
    return {
        "SITE_NAME": m.pick("Akaroa at main beach", "Corsair Bay beach", "Purau beach"),
        "DateTime": m.stamps("2013-11-13"),
        "Harbour": m.pick("Akaroa", "Lyttelton"),
        "Enterococci": y,
        "3H": m.real(0, 3, 1),
        "24H": m.real(0, 30, 1),
        "tidal_state": m.pick("incoming", "ebbing"),
        "Shallowness": m.pick("medium", "shallow"),
        "watercraft_use": m.pick(0, 1),
        "wind_direction_3h": m.real(0, 360, 6),
        "Latitude": m.real(-43.9, -43.5, 6),
        "MONTH": m.whole(1, 12),
        "DAY_OF_WEEK": m.whole(0, 6),
        "lightgbm_predictions": m.about(y, 40),
        "matrix_decomposition_framework_predictions": m.about(y, 90),
    }


def methylation(m: Maker) -> Columns:
    samples = m.codes("R0")[:50]
    y = m.real(18, 88, 2)[:50]
    return {
        "model": [name for name in ("ElasticNet", "RandomForest", "AltumAge", "XGBoost") for _ in range(50)],
        "sample_id": samples * 4,
        "y_true": y * 4,
        "y_pred": m.about(y * 4, 5),
    }


def lone_sales(m: Maker) -> Columns:
    return {"Id": m.count(29_105), "Sales": m.real(6_000, 7_300, 4)}


def lone_label(m: Maker) -> Columns:
    return {"column0": m.count(0), "Lable": m.flag(0.1)}


def responses(m: Maker) -> Columns:
    y = m.pick("relational", "intrinsic", "instrumental")
    return {
        "id": [f"resp_{i:04}" for i in range(ROWS)],
        "language": m.pick("nl", "de", "en"),
        "distance_level": m.whole(1, 4),
        "text": m.prose(),
        "gold_label": y,
        "pred_label": m.decided(y),
    }


def benchmark(m: Maker) -> Columns:
    y = [float(each) for each in m.whole(37, 310)]
    return {
        "sample_id": m.ids(0, 441),
        "Actual": y,
        "Mean baseline": [153.7365] * ROWS,
        "Linear regression": m.about(y, 40),
        "Polynomial ridge": m.about(y, 40),
        "RBF SVR": m.about(y, 50),
        "Decision tree": m.about(y, 60),
        "Random forest": m.about(y, 45),
    }


def nowcast(m: Maker) -> Columns:
    y = m.real(2.8, 5.1, 2)
    return {
        "date": m.dates("2008-03-01", 30),
        "actual": y,
        "Persistence": m.about(y, 0.1),
        "ARIMA": m.about(y, 0.1, 9),
        "SARIMAX": m.about(y, 0.1, 9),
        "ElasticNet": m.about(y, 0.1, 9),
        "XGBoost": m.about(y, 0.1, 7),
    }


def batch(m: Maker) -> Columns:
    hidden = m.flag(0.3)
    return {"customerID": m.codes("VHVEG-"), "churn_pred": m.decided(hidden), "churn_proba": m.chance(hidden, 1)}


def energy(m: Maker) -> Columns:
    y = m.real(11_000, 17_800, 6)
    return {
        "Datetime": m.stamps("2023-08-08"),
        "Energy_Demand_MW": y,
        "Hour": m.whole(0, 23),
        "DayOfWeek": m.whole(0, 6),
        "Month": m.whole(1, 12),
        "DayOfYear": m.whole(1, 365),
        "Lag_1h": m.about(y, 900),
        "Lag_24h": m.about(y, 700),
        "Rolling_Mean_24h": m.real(14_000, 15_000, 6),
        "Rolling_Std_24h": m.real(2_000, 2_200, 6),
        "RF_Prediction": m.about(y, 300),
        "GB_Prediction": m.about(y, 300),
    }


def scans(m: Maker) -> Columns:
    hidden = m.flag(0.5)
    return {"id": m.count(), "prediction": m.decided(hidden), "confidence": m.chance(hidden, 1)}


def deliveries(m: Maker) -> Columns:
    y = [float(each) for each in m.whole(24, 120)]
    return {"Actual_Delivery_Time": y, "Predicted_Delivery_Time": m.about(y, 10, 9)}


def syndrome(m: Maker) -> Columns:
    return {"column0": m.count(0), "Predicted": m.flag(0.3)}


def of(prediction: str | None = None, score: str | None = None) -> dict[str, object]:
    """One model's columns."""
    found: dict[str, object] = {"prediction": prediction} if prediction else {}
    return found | ({"scores": {None: score}} if score else {})


TABLES = (
    Table(
        "churn models",
        churn_models,
        Truth(
            "binary",
            "Actual_Class",
            "1",
            models={
                "LogisticRegression": of("LogisticRegression_Class", "LogisticRegression_Prob"),
                "RandomForest": of("RandomForest_Class", "RandomForest_Prob"),
            },
        ),
    ),
    Table(
        "subscription",
        subscription,
        Truth(
            "binary",
            "Churn",
            "1",
            ("CustomerID",),
            models={"model": of("Churn_Prediction", "Churn_Probability")},
            protected=("Age", "Gender"),
        ),
    ),
    Table(
        "segmentation",
        segmentation,
        Truth("binary", "Churned", "1", ("CustomerID",), models={"model": of(None, "Churn_Probability")}),
    ),
    Table(
        "employees",
        employees,
        Truth(
            "binary",
            "actual",
            "1",
            ("row_id",),
            models={
                "model": of("predicted"),
                "baseline": of(None, "baseline_score"),
                "logistic_regression": of(None, "logistic_regression_score"),
                "random_forest": of(None, "random_forest_score"),
            },
        ),
    ),
    Table("cards", cards, Truth("binary", "Class", "1", models={"model": of("fraud_flag", "fraud_probability")})),
    Table(
        "beaches",
        beaches,
        Truth(
            "regression",
            "Enterococci",
            time="DateTime",
            models={
                "lightgbm": of("lightgbm_predictions"),
                "matrix_decomposition_framework": of("matrix_decomposition_framework_predictions"),
            },
        ),
    ),
    Table(
        "methylation",
        methylation,
        Truth("regression", "y_true", None, ("sample_id",), models={"model": of("y_pred")}, version="model"),
    ),
    Table("lone sales", lone_sales, Truth("regression", None, None, ("Id",), models={"model": of("Sales")})),
    Table("lone label", lone_label, Truth("binary", None, None, ("column0",), models={"model": of("Lable")})),
    Table("responses", responses, Truth("multiclass", "gold_label", None, ("id",), models={"model": of("pred_label")})),
    Table(
        "benchmark",
        benchmark,
        Truth(
            "regression",
            "Actual",
            None,
            ("sample_id",),
            models={
                each: of(each)
                for each in (
                    "Mean baseline",
                    "Linear regression",
                    "Polynomial ridge",
                    "RBF SVR",
                    "Decision tree",
                    "Random forest",
                )
            },
        ),
    ),
    Table(
        "nowcast",
        nowcast,
        Truth(
            "regression",
            "actual",
            time="date",
            models={each: of(each) for each in ("Persistence", "ARIMA", "SARIMAX", "ElasticNet", "XGBoost")},
        ),
    ),
    Table(
        "batch", batch, Truth("binary", None, None, ("customerID",), models={"model": of("churn_pred", "churn_proba")})
    ),
    Table(
        "energy",
        energy,
        Truth(
            "regression",
            "Energy_Demand_MW",
            time="Datetime",
            models={"RF": of("RF_Prediction"), "GB": of("GB_Prediction")},
        ),
    ),
    Table("scans", scans, Truth("binary", None, None, ("id",), models={"model": of("prediction", "confidence")})),
    Table(
        "deliveries",
        deliveries,
        Truth("regression", "Actual_Delivery_Time", models={"model": of("Predicted_Delivery_Time")}),
    ),
    Table("syndrome", syndrome, Truth("binary", None, None, ("column0",), models={"model": of("Predicted")})),
)
