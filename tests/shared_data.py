"""Where data made by others stands: beside a developer's checkout, and nowhere on a user's machine."""

from pathlib import Path

SHARED = (Path(__file__).parents[1] / "../shared/data").resolve()
CRM_EXPORTS = SHARED / "crm_export_fixtures"
