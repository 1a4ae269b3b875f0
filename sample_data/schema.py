"""Schema: the words and shapes of one made-up table. Two of them, so that no check can be tuned to one file.

Code speaks of slots ("ratio", "product"); a schema says what a slot is called in the file and which values it takes.
"""

from dataclasses import dataclass
from datetime import date

FEATURES = ("age", "money", "size", "ratio", "tenure", "history", "prior", "use", "savings")
"""The slots both models read, in their order."""

DRIFTABLE = ("tenure", "history", "use")


@dataclass(frozen=True)
class Shape:
    """How a standard normal z becomes a number: lognormal exp(centre + spread z), normal centre + spread z,
    share 1 / (1 + exp(-(centre + spread z))). Rounded to `digits` (negative: tens, hundreds) and kept in [low, high].
    """

    kind: str
    centre: float
    spread: float
    digits: int
    low: float
    high: float


@dataclass(frozen=True)
class Schema:
    """One table. columns: {slot: name in the file}, in the file's order.

    shapes: {slot: Shape} of the slots drawn by themselves. choices: {slot: {value: share}}. areas: {area: branches}.
    late_product: the value that appears only late. positive, negative: the label's two values. models: the two model
    versions. threshold: a score at or above it is flagged. base: intercept of the true log odds. severity: log of the
    loss per unit of size where those odds are even and the outcome is good. stamp: the time column's format. notes:
    what people write. constant: the constant column's value. prefix: how an id begins. missing: spellings of a missing
    value. spellings: wrong spellings of the first device.
    """

    name: str
    title: str
    columns: dict[str, str]
    shapes: dict[str, Shape]
    choices: dict[str, dict[str, float]]
    areas: dict[str, tuple[str, ...]]
    late_product: str
    positive: str
    negative: str
    models: tuple[str, str]
    threshold: float
    base: float
    severity: float
    start: date
    stamp: str
    notes: tuple[str, ...]
    constant: str
    prefix: str
    missing: tuple[str, ...]
    spellings: tuple[str, ...]

    @property
    def features(self) -> list[str]:
        """The columns both models read, in their order."""
        return [self.columns[slot] for slot in FEATURES]


BANDS = ("18-25", "26-40", "41-60", "61+")
GENDERS = {"female": 0.46, "male": 0.51, "undisclosed": 0.03}

LOANS = Schema(
    name="loans",
    title="Loan default, two model versions",
    columns={
        "id": "application_id",
        "customer": "customer_id",
        "time": "decided_at",
        "begun": "applied_on",
        "branch": "branch",
        "area": "region",
        "product": "product",
        "channel": "channel",
        "device": "device",
        "work": "occupation",
        "gender": "gender",
        "band": "age_band",
        "age": "age",
        "money": "income",
        "size": "amount_requested",
        "ratio": "loan_to_income",
        "tenure": "employment_years",
        "history": "credit_history_months",
        "prior": "prior_defaults",
        "use": "credit_utilisation",
        "savings": "savings",
        "address": "months_at_address",
        "household": "household_size",
        "constant": "currency",
        "token": "reference_no",
        "note": "note",
        "score_1": "score_v1",
        "decision_1": "decision_v1",
        "latency_1": "latency_v1_ms",
        "score_2": "score_v2",
        "decision_2": "decision_v2",
        "latency_2": "latency_v2_ms",
        "label": "defaulted",
        "leak": "collection_calls",
        "loss": "loss_amount",
        "forecast": "loss_forecast",
        "low": "loss_q10",
        "high": "loss_q90",
        "weight": "sampling_weight",
    },
    shapes={
        "money": Shape("lognormal", 10.45, 0.45, -1, 6_000, 400_000),
        "ratio": Shape("lognormal", -1.1, 0.6, 3, 0.02, 4.0),
        "tenure": Shape("lognormal", 1.5, 0.8, 1, 0.0, 45.0),
        "history": Shape("lognormal", 4.2, 0.7, 0, 1, 480),
        "use": Shape("share", -0.6, 1.1, 3, 0.0, 1.0),
        "savings": Shape("lognormal", 8.3, 1.0, -1, 0, 500_000),
        "address": Shape("lognormal", 3.6, 0.8, 0, 1, 480),
    },
    choices={
        "product": {"personal": 0.4, "car": 0.25, "home improvement": 0.22, "student": 0.13},
        "channel": {"web": 0.44, "counter": 0.22, "broker": 0.2, "phone": 0.14},
        "device": {"Android": 0.38, "iOS": 0.31, "Desktop": 0.25, "Paper": 0.06},
        "work": {"employee": 0.55, "self-employed": 0.14, "public service": 0.13, "retired": 0.1, "student": 0.08},
    },
    areas={
        "North": ("Northgate", "Harbour", "Old Mill"),
        "East": ("Station", "Lakeside", "Foundry"),
        "South": ("Market", "Vineyard", "Airport"),
        "West": ("Bridge", "Castle", "Orchard"),
    },
    late_product="solar",
    positive="yes",
    negative="no",
    models=("v1", "v2"),
    threshold=0.25,
    base=-2.6,
    severity=-3.6,
    start=date(2026, 1, 5),
    stamp="%Y-%m-%dT%H:%M:%S",
    notes=(
        "Papers complete.",
        "Asked for a longer term.",
        "Income proved by payslips.",
        "Wants to pay off a card.",
        "Second applicant to follow.",
        "Changed jobs this year.",
        "Called twice about the rate.",
        "Long-standing customer.",
        "Contract ends in autumn.",
        "Needs an answer this week.",
        "Payslip unclear, asked again.",
        "Moving house next month.",
    ),
    constant="EUR",
    prefix="A",
    missing=("n/a", "unknown", "-", "NULL"),
    spellings=("ANDROID", "android", "Android "),
)

CLAIMS = Schema(
    name="claims",
    title="Claim fraud, two model versions",
    columns={
        "id": "claim_ref",
        "customer": "policyholder",
        "time": "reported",
        "begun": "incident_day",
        "area": "territory",
        "branch": "office",
        "channel": "intake",
        "product": "policy_type",
        "device": "app_platform",
        "work": "job_group",
        "band": "driver_age_group",
        "gender": "sex",
        "label": "outcome",
        "money": "vehicle_value",
        "size": "claimed",
        "ratio": "claim_to_value",
        "age": "driver_age",
        "history": "licence_months",
        "tenure": "policy_years",
        "use": "fault_share",
        "prior": "earlier_claims",
        "savings": "mileage",
        "address": "garage_distance_km",
        "household": "drivers_insured",
        "token": "file_key",
        "constant": "country",
        "note": "handler_note",
        "score_1": "base_risk",
        "score_2": "boosted_risk",
        "decision_1": "base_call",
        "decision_2": "boosted_call",
        "latency_1": "base_millis",
        "latency_2": "boosted_millis",
        "leak": "investigation_hours",
        "loss": "settled",
        "forecast": "reserve",
        "low": "reserve_low",
        "high": "reserve_high",
        "weight": "portfolio_weight",
    },
    shapes={
        "money": Shape("lognormal", 9.6, 0.6, -2, 800, 150_000),
        "ratio": Shape("lognormal", -1.7, 0.8, 4, 0.005, 1.5),
        "tenure": Shape("lognormal", 1.2, 0.9, 1, 0.0, 40.0),
        "history": Shape("lognormal", 5.0, 0.6, 0, 2, 720),
        "use": Shape("share", 0.2, 1.3, 2, 0.0, 1.0),
        "savings": Shape("lognormal", 10.9, 0.6, -2, 500, 400_000),
        "address": Shape("lognormal", 2.3, 0.7, 0, 1, 300),
    },
    choices={
        "product": {"third party": 0.42, "comprehensive": 0.24, "fleet": 0.21, "classic": 0.13},
        "channel": {"app": 0.45, "call centre": 0.22, "garage": 0.2, "agent": 0.13},
        "device": {"android": 0.42, "ios": 0.4, "web": 0.18},
        "work": {"office": 0.4, "trade": 0.25, "transport": 0.15, "care": 0.12, "none": 0.08},
    },
    areas={
        "Skåne": ("Malmö", "Lund"),
        "Småland": ("Växjö", "Kalmar", "Jönköping"),
        "Svealand": ("Uppsala", "Örebro", "Västerås"),
        "Norrland": ("Umeå", "Luleå"),
    },
    late_product="e-scooter",
    positive="fraud",
    negative="genuine",
    models=("base", "boosted"),
    threshold=0.2,
    base=-3.0,
    severity=-1.0,
    start=date(2025, 3, 3),
    stamp="%Y-%m-%d %H:%M:%S",
    notes=(
        "Photos received.",
        "Witness named.",
        "Police report attached.",
        "No photos yet.",
        "Repair shop chosen.",
        "Story changed on the phone.",
        "Rental car wanted.",
        "Damage older than said?",
        "Other party silent.",
        "Quick to settle.",
    ),
    constant="SE",
    prefix="CL",
    missing=("N/A", "missing", "?", "none given"),
    spellings=("Android", "ANDROID", " android"),
)

SCHEMAS = {schema.name: schema for schema in (LOANS, CLAIMS)}
