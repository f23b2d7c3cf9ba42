"""The root of every fact in the system."""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen fact.

    Unknown fields are refused, so that a key renamed upstream fails at the edge instead of passing silently.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
