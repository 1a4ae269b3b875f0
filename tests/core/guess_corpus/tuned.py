"""Tables the guesser was developed on: headers as tools and public datasets write them, with what they mean."""

from tests.core.guess_corpus.making import Columns, Maker, Table, Truth

IRIS = ("Iris-setosa", "Iris-versicolor", "Iris-virginica")


def azure(m: Maker) -> Columns:
    y = m.flag(0.25, ">50K", "<=50K")
    return {
        "age": m.whole(17, 90),
        "workclass": m.pick("Private", "State-gov", "Self-emp"),
        "education-num": m.whole(1, 16),
        "hours-per-week": m.whole(1, 99),
        "income": y,
        "Scored Labels": m.decided(y),
        "Scored Probabilities": m.chance(y, ">50K"),
    }


def azure_classes(m: Maker) -> Columns:
    y = m.pick(*IRIS)
    return {
        "sepal-length": m.real(4, 8, 1),
        "petal-width": m.real(0.1, 2.5, 1),
        "Class": y,
        **m.per_class(y, IRIS, 'Scored Probabilities for Class "{}"'),
        "Scored Labels": m.decided(y),
    }


def pycaret(m: Maker) -> Columns:
    y = m.flag(0.4, "MM", "CH")
    return {
        "Id": m.count(),
        "WeekofPurchase": m.whole(227, 278),
        "StoreID": m.pick(1, 2, 3, 4, 7),
        "PriceCH": m.real(1.6, 2.1, 2),
        "LoyalCH": m.real(0, 1, 6),
        "Purchase": y,
        "prediction_label": m.decided(y),
        "prediction_score": m.winner(m.chance(y, "MM")),
    }


def pycaret_raw(m: Maker) -> Columns:
    y = m.flag(0.2)
    p = m.chance(y, 1)
    return {
        "LIMIT_BAL": m.whole(10_000, 500_000),
        "SEX": m.pick(1, 2),
        "AGE": m.whole(21, 75),
        "PAY_1": m.whole(-2, 8),
        "default": y,
        "prediction_label": m.decided(y),
        "prediction_score_0": m.rest(p),
        "prediction_score_1": p,
    }


def h2o(m: Maker) -> Columns:
    y = m.flag(0.3)
    p = m.chance(y, 1)
    return {
        "CAPSULE": y,
        "AGE": m.whole(40, 80),
        "PSA": m.real(0.3, 140, 1),
        "target": y,
        "predict": m.decided(y),
        "p0": m.rest(p),
        "p1": p,
    }


def h2o_names(m: Maker) -> Columns:
    y = m.flag(0.2, "Yes", "No")
    p = m.chance(y, "Yes")
    return {
        "EmployeeNumber": m.count(),
        "Age": m.whole(18, 60),
        "Department": m.pick("Sales", "R&D", "HR"),
        "MonthlyIncome": m.whole(1_000, 20_000),
        "Attrition": y,
        "predict": m.decided(y),
        "No": m.rest(p),
        "Yes": p,
    }


def spark(m: Maker) -> Columns:
    y = [float(each) for each in m.flag(0.4)]
    p = m.chance(y, 1.0)
    return {
        "label": y,
        "features": [f"[{a},{b}]" for a, b in zip(m.real(0, 1), m.real(0, 1), strict=True)],
        "rawPrediction": [f"[{a},{-a}]" for a in m.real(-2, 2)],
        "probability": [f"[{1 - a},{a}]" for a in p],
        "prediction": m.decided(y),
    }


def datarobot(m: Maker) -> Columns:
    y = m.flag(0.4, "True", "False")
    p = m.chance(y, "True")
    return {
        "rowid": m.count(0),
        "readmitted": y,
        "age": m.pick("[50-60)", "[60-70)", "[70-80)", "[80-90)"),
        "num_medications": m.whole(1, 40),
        "readmitted_True_PREDICTION": p,
        "readmitted_False_PREDICTION": m.rest(p),
        "readmitted_PREDICTION": m.decided(y),
        "THRESHOLD": [0.5] * 200,
        "POSITIVE_CLASS": ["True"] * 200,
    }


def sagemaker(m: Maker) -> Columns:
    y = m.flag(0.15, "yes", "no")
    return {
        "y": y,
        "age": m.whole(18, 90),
        "job": m.pick("admin.", "technician", "services"),
        "default": m.pick("no", "unknown", "yes", weights=(80, 15, 5)),
        "housing": m.pick("no", "yes"),
        "duration": m.whole(4, 4000),
        "predicted_label": m.decided(y),
        "probability": m.winner(m.chance(y, "yes")),
    }


def bigquery(m: Maker) -> Columns:
    y = m.flag(0.3)
    p = m.chance(y, 1)
    return {
        "predicted_will_buy": m.decided(y),
        "predicted_will_buy_probs_1": p,
        "predicted_will_buy_probs_0": m.rest(p),
        "fullVisitorId": m.codes("73"),
        "bounces": m.pick(0, 1),
        "time_on_site": m.whole(0, 4000),
        "will_buy": y,
    }


def vertex(m: Maker) -> Columns:
    y = m.pick("1", "2", "3", "4")
    return {
        "Elevation": m.whole(1800, 3900),
        "Slope": m.whole(0, 60),
        "Cover_Type": y,
        "predicted_Cover_Type": m.decided(y),
        **m.per_class(y, ("1", "2", "3", "4"), "Cover_Type_{}_score"),
    }


def weka(m: Maker) -> Columns:
    y = m.flag(0.35, "2:tested_positive", "1:tested_negative")
    return {
        "inst#": m.count(),
        "actual": y,
        "predicted": m.decided(y),
        "error": m.pick("", "+"),
        "prediction": m.winner(m.chance(y, "2:tested_positive")),
    }


def knime(m: Maker) -> Columns:
    y = m.flag(0.3, "yes", "no")
    p = m.chance(y, "yes")
    return {
        "Row ID": [f"Row{i}" for i in range(200)],
        "region": m.pick("north", "south", "west"),
        "income": m.real(900, 9_000, 2),
        "class": y,
        "P (class=yes)": p,
        "P (class=no)": m.rest(p),
        "Prediction (class)": m.decided(y),
    }


def orange(m: Maker) -> Columns:
    y = m.pick(*IRIS)
    return {
        "sepal length": m.real(4, 8, 1),
        "petal length": m.real(1, 7, 1),
        "iris": y,
        "Tree": m.decided(y),
        **m.per_class(y, IRIS, "Tree ({})"),
        "Logistic Regression": m.decided(y),
        **m.per_class(y, IRIS, "Logistic Regression ({})"),
    }


def sas(m: Maker) -> Columns:
    y = m.flag(0.2)
    p = m.chance(y, 1)
    return {
        "BAD": y,
        "LOAN": m.whole(1_100, 89_900),
        "MORTDUE": m.real(2_000, 400_000, 0),
        "REASON": m.pick("HomeImp", "DebtCon"),
        "JOB": m.pick("Mgr", "Office", "Other", "ProfExe"),
        "P_BAD1": p,
        "P_BAD0": m.rest(p),
        "I_BAD": [str(each) for each in m.decided(y)],
    }


def spss(m: Maker) -> Columns:
    y = m.flag(0.3)
    return {
        "age": m.whole(20, 56),
        "ed": m.pick(1, 2, 3, 4, 5),
        "employ": m.whole(0, 31),
        "debtinc": m.real(0.4, 41, 1),
        "default": y,
        "PRE_1": m.chance(y, 1),
        "PGR_1": m.decided(y),
    }


def caret(m: Maker) -> Columns:
    y = m.flag(0.3, "Yes", "No")
    p = m.chance(y, "Yes")
    return {
        "pred": m.decided(y),
        "obs": y,
        "Yes": p,
        "No": m.rest(p),
        "rowIndex": m.ids(1, 900),
        "mtry": [2] * 200,
        "Resample": m.pick("Fold1", "Fold2", "Fold3", "Fold4", "Fold5"),
    }


def yardstick(m: Maker) -> Columns:
    y = m.flag(0.5, "Class1", "Class2")
    p = m.chance(y, "Class1")
    return {
        ".pred_class": m.decided(y),
        ".pred_Class1": p,
        ".pred_Class2": m.rest(p),
        ".row": m.count(),
        "truth": y,
        ".config": ["Preprocessor1_Model1"] * 200,
    }


def compas(m: Maker) -> Columns:
    y = m.flag(0.45)
    return {
        "id": m.count(),
        "name": [f"person {i}" for i in range(200)],
        "compas_screening_date": m.dates("2013-01-01", 2),
        "sex": m.pick("Male", "Female", weights=(4, 1)),
        "dob": m.dates("1960-01-01", 60),
        "age": m.whole(18, 80),
        "age_cat": m.pick("25 - 45", "Greater than 45", "Less than 25"),
        "race": m.pick("African-American", "Caucasian", "Hispanic", "Other"),
        "priors_count": m.whole(0, 38),
        "c_charge_degree": m.pick("F", "M"),
        "decile_score": m.whole(1, 10),
        "score_text": m.pick("Low", "Medium", "High"),
        "two_year_recid": y,
    }


def kaggle_joined(m: Maker) -> Columns:
    y = m.whole(35_000, 755_000)
    return {
        "Id": m.count(1461),
        "MSSubClass": m.pick(20, 30, 50, 60, 120),
        "LotArea": m.whole(1_300, 60_000),
        "OverallQual": m.whole(1, 10),
        "YrSold": m.pick(2006, 2007, 2008, 2009, 2010),
        "SalePrice": y,
        "SalePrice_pred": m.about(y, 20_000),
    }


def prophet(m: Maker) -> Columns:
    y = m.real(5, 12)
    f = m.about(y, 0.4)
    return {
        "ds": m.dates(),
        "trend": m.real(7, 8),
        "yhat": f,
        "yhat_lower": m.moved(f, -0.6),
        "yhat_upper": m.moved(f, 0.6),
        "y": y,
    }


def home_credit(m: Maker) -> Columns:
    y = m.flag(0.08)
    return {
        "SK_ID_CURR": m.count(100_002),
        "TARGET": y,
        "NAME_CONTRACT_TYPE": m.pick("Cash loans", "Revolving loans"),
        "CODE_GENDER": m.pick("M", "F"),
        "AMT_INCOME_TOTAL": m.real(25_000, 500_000, 1),
        "AMT_CREDIT": m.real(45_000, 2_000_000, 1),
        "DAYS_BIRTH": m.whole(-25_000, -7_500),
        "EXT_SOURCE_2": m.real(0, 0.85, 6),
        "lgbm_proba": m.chance(y, 1),
    }


def titanic(m: Maker) -> Columns:
    return {
        "PassengerId": m.count(),
        "Survived": m.flag(0.38),
        "Pclass": m.pick(1, 2, 3),
        "Name": [f"Braund, Mr. Owen {i}" for i in range(200)],
        "Sex": m.pick("male", "female"),
        "Age": [float(each) for each in m.whole(1, 80)],
        "SibSp": m.whole(0, 5),
        "Ticket": m.codes("A/5 "),
        "Fare": m.real(5, 500, 4),
        "Cabin": [None if each < 150 else f"C{each}" for each in m.whole(1, 199)],
        "Embarked": m.pick("S", "C", "Q"),
    }


def adult(m: Maker) -> Columns:
    return {
        "age": m.whole(17, 90),
        "workclass": m.pick("Private", "Local-gov", "?"),
        "fnlwgt": m.whole(12_285, 1_484_705),
        "education": m.pick("HS-grad", "Bachelors", "Masters"),
        "marital-status": m.pick("Never-married", "Divorced", "Widowed"),
        "race": m.pick("White", "Black", "Other"),
        "sex": m.pick("Male", "Female"),
        "native-country": m.pick("United-States", "Mexico", "India"),
        "income": m.flag(0.24, ">50K", "<=50K"),
    }


def german_credit(m: Maker) -> Columns:
    return {
        "Unnamed: 0": m.count(0),
        "Age": m.whole(19, 75),
        "Sex": m.pick("male", "female"),
        "Job": m.pick(0, 1, 2, 3),
        "Housing": m.pick("own", "free", "rent"),
        "Credit amount": m.whole(250, 18_424),
        "Duration": m.whole(4, 72),
        "Purpose": m.pick("car", "radio/TV", "education"),
        "Risk": m.flag(0.3, "bad", "good"),
    }


def bike(m: Maker) -> Columns:
    return {
        "instant": m.count(),
        "dteday": m.dates("2011-01-01"),
        "season": m.pick(1, 2, 3, 4),
        "yr": m.pick(0, 1),
        "holiday": m.flag(0.05),
        "weathersit": m.pick(1, 2, 3),
        "temp": m.real(0, 1, 6),
        "windspeed": m.real(0, 1, 6),
        "cnt": m.whole(22, 8_714),
    }


def taxi(m: Maker) -> Columns:
    y = m.whole(60, 7_200)
    return {
        "id": m.codes("id2"),
        "vendor_id": m.pick(1, 2),
        "pickup_datetime": m.stamps("2016-03-01"),
        "dropoff_datetime": m.stamps("2016-03-01"),
        "passenger_count": m.whole(1, 6),
        "pickup_longitude": m.real(-74.1, -73.7, 6),
        "store_and_fwd_flag": m.flag(0.02, "Y", "N"),
        "trip_duration": y,
        "trip_duration_predicted": m.about(y, 120),
    }


def telco(m: Maker) -> Columns:
    y = m.flag(0.27, "Yes", "No")
    return {
        "customerID": m.codes("75-VH"),
        "gender": m.pick("Male", "Female"),
        "SeniorCitizen": m.flag(0.16),
        "Partner": m.pick("Yes", "No"),
        "tenure": m.whole(0, 72),
        "Contract": m.pick("Month-to-month", "One year", "Two year"),
        "MonthlyCharges": m.real(18, 119, 2),
        "Churn": y,
        "churn_pred": m.decided(y),
        "churn_proba": m.chance(y, "Yes"),
    }


def hospital(m: Maker) -> Columns:
    return {
        "encounter_id": m.ids(),
        "patient_nbr": m.whole(1_000, 1_060),
        "race": m.pick("Caucasian", "AfricanAmerican", "Asian"),
        "gender": m.pick("Female", "Male"),
        "age": m.pick("[50-60)", "[60-70)", "[70-80)"),
        "weight": m.pick("?", "[75-100)"),
        "time_in_hospital": m.whole(1, 14),
        "num_lab_procedures": m.whole(1, 130),
        "readmitted": m.pick("NO", ">30", "<30"),
    }


def sklearn_plain(m: Maker) -> Columns:
    y = m.flag(0.3)
    return {"y_true": y, "y_pred": m.decided(y), "y_score": m.chance(y, 1), "sample_weight": m.real(0.2, 4)}


def two_versions(m: Maker) -> Columns:
    y = m.flag(0.1)
    return {
        "transaction_id": m.uuids(),
        "event_time": m.stamps(),
        "card_id": m.whole(1, 60),
        "transaction_amount": m.real(1, 900, 2),
        "country": m.pick("DE", "FR", "ES"),
        "is_fraud": y,
        "score_v1": m.chance(y, 1),
        "decision_v1": m.decided(y),
        "score_v2": m.chance(y, 1),
        "decision_v2": m.decided(y),
    }


def rivals(m: Maker) -> Columns:
    y = m.flag(0.4)
    return {
        "user_id": m.ids(),
        "clicked": y,
        "device": m.pick("ios", "android", "web"),
        "xgb_pred": m.decided(y),
        "xgb_proba": m.chance(y, 1),
        "rf_pred": m.decided(y),
        "rf_proba": m.chance(y, 1),
    }


def long_file(m: Maker) -> Columns:
    y = m.flag(0.3)[:100]
    return {
        "loan_id": [i + 5_000 for i in range(100)] * 2,
        "model_version": ["2024-01"] * 100 + ["2024-06"] * 100,
        "scored_at": m.stamps(),
        "probability_of_default": m.chance([*y, *y], 1),
        "defaulted": [*y, *y],
        "latency_ms": m.real(3, 90, 1),
    }


def quantiles(m: Maker) -> Columns:
    y = m.real(100, 900, 1)
    f = m.about(y, 30)
    return {
        "store": m.pick("A", "B", "C"),
        "date": m.dates(),
        "actual": y,
        "forecast": f,
        "forecast_p10": m.moved(f, -40),
        "forecast_p50": f,
        "forecast_p90": m.moved(f, 40),
        "split": m.pick("train", "test", weights=(3, 1)),
    }


def wandb(m: Maker) -> Columns:
    y = m.pick("cat", "dog", "ship", "truck")
    return {
        "id": m.codes("img_"),
        "guess": m.decided(y),
        "truth": y,
        **m.per_class(y, ("cat", "dog", "ship", "truck"), "score_{}"),
    }


def mlflow(m: Maker) -> Columns:
    y = m.real(0.1, 5, 3)
    return {"MedInc": m.real(0.5, 15), "HouseAge": m.whole(1, 52), "target": y, "prediction": m.about(y, 0.3)}


def nixtla(m: Maker) -> Columns:
    y = m.real(10, 99)
    f = m.about(y, 3)
    return {
        "unique_id": [f"H{i % 20 + 1}" for i in range(200)],
        "ds": [each for each in m.dates() if each.toordinal() % 1 == 0],
        "y": y,
        "AutoARIMA": f,
        "AutoARIMA-lo-90": m.moved(f, -5),
        "AutoARIMA-hi-90": m.moved(f, 5),
    }


def german_names(m: Maker) -> Columns:
    y = m.flag(0.2, "ja", "nein")
    return {
        "KundenNr": m.ids(),
        "Geschlecht": m.pick("m", "w"),
        "Alter": m.whole(18, 90),
        "Vertragsart": m.pick("Basis", "Plus", "Premium"),
        "Kündigung": y,
        "Vorhersage": m.decided(y),
        "Wahrscheinlichkeit": m.chance(y, "ja"),
    }


def tickets(m: Maker) -> Columns:
    y = m.pick("billing", "delivery", "returns")
    return {
        "ticket_id": m.codes("T-"),
        "created_at": m.stamps(),
        "message": m.prose(),
        "label": y,
        "predicted_label": m.decided(y),
        **m.per_class(y, ("billing", "delivery", "returns"), "prob_{}"),
    }


def cancer(m: Maker) -> Columns:
    y = m.flag(0.37, "M", "B")
    return {
        "id": m.ids(),
        "diagnosis": y,
        "radius_mean": m.real(7, 28),
        "texture_mean": m.real(9, 39),
        "P(M)": m.chance(y, "M"),
    }


def unlabelled(m: Maker) -> Columns:
    hidden = m.flag(0.3)
    return {
        "application_id": m.ids(),
        "application_date": m.dates(),
        "channel": m.pick("web", "branch"),
        "decision": m.decided(hidden),
        "score": m.chance(hidden, 1),
    }


def bank_churn(m: Maker) -> Columns:
    y = m.flag(0.2)
    return {
        "RowNumber": m.count(),
        "CustomerId": m.ids(),
        "Surname": [f"Name{i % 90}" for i in range(200)],
        "CreditScore": m.whole(350, 850),
        "Geography": m.pick("France", "Spain", "Germany"),
        "Gender": m.pick("Female", "Male"),
        "Age": m.whole(18, 92),
        "HasCrCard": m.pick(0, 1),
        "EstimatedSalary": m.real(11, 199_992, 2),
        "Exited": y,
        "exited_prob": m.chance(y, 1),
    }


def scores(*pairs: tuple[str | None, str]) -> dict[str | None, str]:
    return dict(pairs)


def iris_scores(form: str) -> dict[str | None, str]:
    return {each: form.format(each) for each in IRIS}


TABLES = (
    Table(
        "azure",
        azure,
        Truth(
            "binary",
            "income",
            ">50K",
            models={"model": {"prediction": "Scored Labels", "scores": {None: "Scored Probabilities"}}},
            protected=("age",),
        ),
    ),
    Table(
        "azure classes",
        azure_classes,
        Truth(
            "multiclass",
            "Class",
            models={
                "model": {"prediction": "Scored Labels", "scores": iris_scores('Scored Probabilities for Class "{}"')}
            },
        ),
    ),
    Table(
        "pycaret",
        pycaret,
        Truth("binary", "Purchase", "MM", ("Id",), models={"model": {"prediction": "prediction_label"}}),
    ),
    Table(
        "pycaret raw",
        pycaret_raw,
        Truth(
            "binary",
            "default",
            "1",
            models={
                "model": {
                    "prediction": "prediction_label",
                    "scores": {"0": "prediction_score_0", "1": "prediction_score_1"},
                }
            },
            protected=("SEX", "AGE"),
        ),
    ),
    Table(
        "h2o",
        h2o,
        Truth(
            "binary",
            "target",
            "1",
            models={"model": {"prediction": "predict", "scores": {"0": "p0", "1": "p1"}}},
            protected=("AGE",),
        ),
    ),
    Table(
        "h2o names",
        h2o_names,
        Truth(
            "binary",
            "Attrition",
            "Yes",
            ("EmployeeNumber",),
            models={"model": {"prediction": "predict", "scores": {"No": "No", "Yes": "Yes"}}},
            protected=("Age",),
        ),
    ),
    Table("spark", spark, Truth("binary", "label", "1.0", models={"model": {"prediction": "prediction"}})),
    Table(
        "datarobot",
        datarobot,
        Truth(
            "binary",
            "readmitted",
            "True",
            ("rowid",),
            models={
                "model": {
                    "prediction": "readmitted_PREDICTION",
                    "scores": {"True": "readmitted_True_PREDICTION", "False": "readmitted_False_PREDICTION"},
                }
            },
            protected=("age",),
        ),
    ),
    Table(
        "sagemaker",
        sagemaker,
        Truth("binary", "y", "yes", models={"model": {"prediction": "predicted_label"}}, protected=("age",)),
    ),
    Table(
        "bigquery",
        bigquery,
        Truth(
            "binary",
            "will_buy",
            "1",
            ("fullVisitorId",),
            models={
                "model": {
                    "prediction": "predicted_will_buy",
                    "scores": {"1": "predicted_will_buy_probs_1", "0": "predicted_will_buy_probs_0"},
                }
            },
        ),
    ),
    Table(
        "vertex",
        vertex,
        Truth(
            "multiclass",
            "Cover_Type",
            models={
                "model": {
                    "prediction": "predicted_Cover_Type",
                    "scores": {each: f"Cover_Type_{each}_score" for each in "1234"},
                }
            },
        ),
    ),
    Table(
        "weka",
        weka,
        Truth("binary", "actual", "2:tested_positive", ("inst#",), models={"model": {"prediction": "predicted"}}),
    ),
    Table(
        "knime",
        knime,
        Truth(
            "binary",
            "class",
            "yes",
            ("Row ID",),
            models={
                "model": {
                    "prediction": "Prediction (class)",
                    "scores": {"yes": "P (class=yes)", "no": "P (class=no)"},
                }
            },
        ),
    ),
    Table(
        "orange",
        orange,
        Truth(
            "multiclass",
            "iris",
            models={
                "Tree": {"prediction": "Tree", "scores": iris_scores("Tree ({})")},
                "Logistic Regression": {
                    "prediction": "Logistic Regression",
                    "scores": iris_scores("Logistic Regression ({})"),
                },
            },
        ),
    ),
    Table(
        "sas",
        sas,
        Truth(
            "binary",
            "BAD",
            "1",
            models={"model": {"prediction": "I_BAD", "scores": {"1": "P_BAD1", "0": "P_BAD0"}}},
        ),
    ),
    Table(
        "spss",
        spss,
        Truth(
            "binary",
            "default",
            "1",
            models={"model": {"prediction": "PGR_1", "scores": {None: "PRE_1"}}},
            protected=("age",),
        ),
    ),
    Table(
        "caret",
        caret,
        Truth(
            "binary",
            "obs",
            "Yes",
            ("rowIndex",),
            split="Resample",
            models={"model": {"prediction": "pred", "scores": {"Yes": "Yes", "No": "No"}}},
        ),
    ),
    Table(
        "yardstick",
        yardstick,
        Truth(
            "binary",
            "truth",
            None,
            (".row",),
            models={
                "model": {
                    "prediction": ".pred_class",
                    "scores": {"Class1": ".pred_Class1", "Class2": ".pred_Class2"},
                }
            },
        ),
    ),
    Table(
        "compas",
        compas,
        Truth(
            "binary",
            "two_year_recid",
            "1",
            ("id",),
            "compas_screening_date",
            models={"model": {"scores": {None: "decile_score"}}},
            protected=("sex", "dob", "age", "age_cat", "race"),
        ),
    ),
    Table(
        "kaggle joined",
        kaggle_joined,
        Truth("regression", "SalePrice", None, ("Id",), models={"model": {"prediction": "SalePrice_pred"}}),
    ),
    Table(
        "prophet",
        prophet,
        Truth(
            "regression",
            "y",
            time="ds",
            models={"model": {"prediction": "yhat", "quantiles": {0.1: "yhat_lower", 0.9: "yhat_upper"}}},
        ),
    ),
    Table(
        "home credit",
        home_credit,
        Truth(
            "binary",
            "TARGET",
            "1",
            ("SK_ID_CURR",),
            models={"lgbm": {"scores": {None: "lgbm_proba"}}},
            protected=("CODE_GENDER", "DAYS_BIRTH"),
        ),
    ),
    Table("titanic", titanic, Truth("binary", "Survived", "1", ("PassengerId",), protected=("Sex", "Age"))),
    Table(
        "adult",
        adult,
        Truth(
            "binary",
            "income",
            ">50K",
            weight="fnlwgt",
            protected=("age", "marital-status", "race", "sex", "native-country"),
        ),
    ),
    Table("german credit", german_credit, Truth("binary", "Risk", "bad", ("Unnamed: 0",), protected=("Age", "Sex"))),
    Table("bike", bike, Truth("regression", "cnt", None, ("instant",), "dteday")),
    Table(
        "taxi",
        taxi,
        Truth(
            "regression",
            "trip_duration",
            None,
            ("id",),
            "pickup_datetime",
            models={"model": {"prediction": "trip_duration_predicted"}},
        ),
    ),
    Table(
        "telco",
        telco,
        Truth(
            "binary",
            "Churn",
            "Yes",
            ("customerID",),
            models={"model": {"prediction": "churn_pred", "scores": {None: "churn_proba"}}},
            protected=("gender", "SeniorCitizen"),
        ),
    ),
    Table(
        "hospital",
        hospital,
        Truth(
            "multiclass",
            "readmitted",
            None,
            ("encounter_id",),
            unit="patient_nbr",
            protected=("race", "gender", "age"),
        ),
    ),
    Table(
        "sklearn plain",
        sklearn_plain,
        Truth(
            "binary",
            "y_true",
            "1",
            weight="sample_weight",
            models={"model": {"prediction": "y_pred", "scores": {None: "y_score"}}},
        ),
    ),
    Table(
        "two versions",
        two_versions,
        Truth(
            "binary",
            "is_fraud",
            "1",
            ("transaction_id",),
            "event_time",
            unit="card_id",
            models={
                "v1": {"prediction": "decision_v1", "scores": {None: "score_v1"}},
                "v2": {"prediction": "decision_v2", "scores": {None: "score_v2"}},
            },
        ),
    ),
    Table(
        "rivals",
        rivals,
        Truth(
            "binary",
            "clicked",
            "1",
            ("user_id",),
            models={
                "xgb": {"prediction": "xgb_pred", "scores": {None: "xgb_proba"}},
                "rf": {"prediction": "rf_pred", "scores": {None: "rf_proba"}},
            },
        ),
    ),
    Table(
        "long file",
        long_file,
        Truth(
            "binary",
            "defaulted",
            "1",
            ("loan_id",),
            "scored_at",
            models={"model": {"scores": {None: "probability_of_default"}}},
            version="model_version",
        ),
    ),
    Table(
        "quantiles",
        quantiles,
        Truth(
            "regression",
            "actual",
            time="date",
            split="split",
            models={
                "model": {
                    "prediction": "forecast",
                    "quantiles": {0.1: "forecast_p10", 0.5: "forecast_p50", 0.9: "forecast_p90"},
                }
            },
        ),
    ),
    Table(
        "wandb",
        wandb,
        Truth(
            "multiclass",
            "truth",
            None,
            ("id",),
            models={
                "model": {"prediction": "guess", "scores": {c: f"score_{c}" for c in ("cat", "dog", "ship", "truck")}}
            },
        ),
    ),
    Table("mlflow", mlflow, Truth("regression", "target", models={"model": {"prediction": "prediction"}})),
    Table(
        "nixtla",
        nixtla,
        Truth(
            "regression",
            "y",
            id=("unique_id", "ds"),
            time="ds",
            unit="unique_id",
            models={
                "AutoARIMA": {
                    "prediction": "AutoARIMA",
                    "quantiles": {0.05: "AutoARIMA-lo-90", 0.95: "AutoARIMA-hi-90"},
                }
            },
        ),
    ),
    Table(
        "german names",
        german_names,
        Truth(
            "binary",
            "Kündigung",
            "ja",
            ("KundenNr",),
            models={"model": {"prediction": "Vorhersage", "scores": {None: "Wahrscheinlichkeit"}}},
            protected=("Geschlecht", "Alter"),
        ),
    ),
    Table(
        "tickets",
        tickets,
        Truth(
            "multiclass",
            "label",
            None,
            ("ticket_id",),
            "created_at",
            models={
                "model": {
                    "prediction": "predicted_label",
                    "scores": {c: f"prob_{c}" for c in ("billing", "delivery", "returns")},
                }
            },
        ),
    ),
    Table(
        "cancer",
        cancer,
        Truth("binary", "diagnosis", "M", ("id",), models={"model": {"scores": {None: "P(M)"}}}),
    ),
    Table(
        "unlabelled",
        unlabelled,
        Truth(
            "binary",
            None,
            None,
            ("application_id",),
            "application_date",
            models={"model": {"prediction": "decision", "scores": {None: "score"}}},
        ),
    ),
    Table(
        "bank churn",
        bank_churn,
        Truth(
            "binary",
            "Exited",
            "1",
            ("RowNumber",),
            models={"model": {"scores": {None: "exited_prob"}}},
            protected=("Gender", "Age"),
        ),
    ),
)
