"""A second round of unseen tables, after the first had taught the guesser: again published files' headers, new values.

In "lone duration" and "clients" the predictions stand under the label's own name, which nothing in the table can tell.
"""

from tests.core.guess_corpus.held_out_first import of
from tests.core.guess_corpus.making import Columns, Maker, Table, Truth


def three_models(m: Maker) -> Columns:
    y = m.flag(0.2)
    columns: Columns = {"y_true": y}
    for name in ("lr", "dt", "knn"):
        columns |= {f"{name}_proba": m.chance(y, 1), f"{name}_pred": m.decided(y)}
    return columns


def molecules(m: Maker) -> Columns:
    y = m.flag(0.6)
    return {
        "SMILES": [f"C{'C' * (each % 9)}(=O)N{each}c1ccccc1" for each in m.ids()],
        "y_pred": m.decided(y),
        "y_prob": m.chance(y, 1),
        "status": m.pick("BBB+", "BBB-"),
        "BBB_labels": y,
    }


def retail(m: Maker) -> Columns:
    y = m.real(600_000, 1_380_000, 6)
    return {"Date": m.dates("2017-05-18"), "Actual Sales": y, "Predicted Sales": m.about(y, 90_000)}


def clients(m: Maker) -> Columns:
    return {
        "column0": m.count(0),
        "idx": m.ids(0, 1_300),
        "time_to_first_matter": [None if each < 500_000 else float(each) for each in m.whole(78, 1_200_000)],
        "page_views_in_first_hour": [float(each) for each in m.whole(1, 90)],
        "page_views_in_first_day": [float(each) for each in m.whole(1, 407)],
        "isConverted": m.flag(0.2),
    }


def scores_only(m: Maker) -> Columns:
    return {"y_prob": m.chance(m.flag(0.8), 1)}


def lone_duration(m: Maker) -> Columns:
    return {"row_id": m.count(0), "duration": m.real(150, 3_700, 9)}


def tiers(m: Maker) -> Columns:
    y = m.flag(0.3, "Yes", "No")
    return {
        "customerID": m.codes("GMJOT-"),
        "ActualChurn": y,
        "PredictedChurn": m.decided(y),
        "ChurnProbability": m.chance(y, "Yes"),
        "RiskTier": m.pick("High Risk", "Medium Risk", "Low Risk"),
    }


def recency(m: Maker) -> Columns:
    y = m.flag(0.35)
    return {
        "CustomerID": m.count(12_346),
        "Recency": m.whole(1, 374),
        "Frequency": m.whole(1, 49),
        "Monetary": m.real(15, 50_000, 2),
        "Quantity": m.whole(1, 30_000),
        "Churn": y,
        "PredictedChurn": m.decided(y),
        "Probability": m.chance(y, 1),
    }


def intrusion(m: Maker) -> Columns:
    y = m.flag(0.45)
    return {
        "duration": m.whole(0, 8_000),
        "protocol_type": m.pick("tcp", "udp", "icmp"),
        "service": m.pick("http", "private", "telnet", "smtp", "ftp"),
        "flag": m.pick("SF", "REJ", "S0", "RSTO"),
        "src_bytes": m.whole(0, 54_000),
        "land": m.flag(0.02),
        "logged_in": m.flag(0.4),
        "count": m.whole(1, 511),
        "serror_rate": m.real(0, 1, 2),
        "dst_host_count": m.whole(1, 255),
        "label": y,
        "predicted_label": ["attack" if each else "normal" for each in m.decided(y)],
    }


def pumps(m: Maker) -> Columns:
    return {
        "asset_id": [f"PUMP_{1_001 + i % 40}" for i in range(200)],
        "timestamp": m.stamps("2026-07-20"),
        "pressure_bar": m.real(1.5, 4.5, 1),
        "vibration_mm_s": m.real(1, 11, 1),
        "pump_runtime_hours": m.whole(2_000, 7_000),
        "maintenance_risk_score": m.real(0, 1, 2),
        "pump_utilisation_score": m.real(0, 1, 2),
        "pressure_health_score": m.real(0, 1, 2),
        "flow_efficiency": m.real(0.6, 1, 2),
        "failure_probability": m.real(0, 1, 2),
        "risk_level": m.pick("HIGH", "LOW"),
        "recommendation": m.pick(
            "Immediate inspection and preventive maintenance required", "Continue normal operation"
        ),
    }


def phishing(m: Maker) -> Columns:
    return {
        "timestamp": m.stamps("2025-09-16"),
        "features": [f"[{a}, {b}, 1, -1]" for a, b in zip(m.whole(-1, 1), m.whole(-1, 1), strict=True)],
        "prediction": m.flag(0.4, "Phishing 🚨", "Legit ✅"),
    }


def insurance(m: Maker) -> Columns:
    y = m.real(1_100, 64_000, 5)
    return {"True Values": y, "Predictions": m.about(y, 6_000, 9)}


def surnames(m: Maker) -> Columns:
    hidden = m.flag(0.2)
    return {
        "id": m.count(165_034),
        "CustomerId": [15_565_000 + each % 150 for each in m.whole(0, 10_000)],
        "Surname": m.pick("Hsueh", "Walker", "Mazzanti", "Ting", "Smith", "Kao", "Rizzo", "Genovese"),
        "ChurnProbability": m.chance(hidden, 1),
        "PredictedChurn": m.decided(hidden),
    }


TABLES = (
    Table(
        "three models",
        three_models,
        Truth("binary", "y_true", "1", models={n: of(f"{n}_pred", f"{n}_proba") for n in ("lr", "dt", "knn")}),
    ),
    Table("molecules", molecules, Truth("binary", "BBB_labels", "1", models={"model": of("y_pred", "y_prob")})),
    Table(
        "retail",
        retail,
        Truth("regression", "Actual Sales", time="Date", models={"model": of("Predicted Sales")}),
    ),
    Table("clients", clients, Truth("binary", None, None, ("idx",), models={"model": of("isConverted")})),
    Table("scores only", scores_only, Truth("binary", models={"model": of(None, "y_prob")})),
    Table("lone duration", lone_duration, Truth("regression", id=("row_id",), models={"model": of("duration")})),
    Table(
        "tiers",
        tiers,
        Truth(
            "binary",
            "ActualChurn",
            "Yes",
            ("customerID",),
            models={"model": of("PredictedChurn", "ChurnProbability")},
        ),
    ),
    Table(
        "recency",
        recency,
        Truth("binary", "Churn", "1", ("CustomerID",), models={"model": of("PredictedChurn", "Probability")}),
    ),
    Table("intrusion", intrusion, Truth("binary", "label", "1", models={"model": of("predicted_label")})),
    Table(
        "pumps",
        pumps,
        Truth(
            "binary",
            id=("asset_id", "timestamp"),
            time="timestamp",
            unit="asset_id",
            models={"model": of(None, "failure_probability")},
        ),
    ),
    Table("phishing", phishing, Truth("binary", time="timestamp", models={"model": of("prediction")})),
    Table("insurance", insurance, Truth("regression", "True Values", models={"model": of("Predictions")})),
    Table(
        "surnames",
        surnames,
        Truth(
            "binary",
            id=("id",),
            models={"model": of("PredictedChurn", "ChurnProbability")},
            unit="CustomerId",
        ),
    ),
)
