"""The grid of rules: what was changed elsewhere meanwhile is not overwritten."""

from unittest.mock import patch

from streamlit.testing.v1 import AppTest

from analysis.core.roles import Roles
from analysis.core.rule import Rule
from analysis.store import datasets, rules
from analysis.store.workspace import Workspace
from pages.ui import frame


def drawn(dataset, roles):
    from pages.ui import frame, rulesgrid

    with frame.boundary("quality"):
        rulesgrid.view(dataset, roles, "table")


def test_rules_changed_elsewhere_are_said_before_they_can_be_overwritten(tmp_path):
    workspace = Workspace.open(tmp_path / "w", actor="tester")
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,4\n")
    dataset = datasets.ingest(workspace, tmp_path / "t.csv", name="t")[0]
    drafted, other = Rule("a", "unique"), Rule("b", "unique")
    page = AppTest.from_function(drawn, args=(dataset, Roles()), default_timeout=30)
    page.session_state["quality_rules_draft_t"] = [drafted], "Suggested."
    with patch.object(frame, "workspace", lambda: workspace):
        page.run()
        rules.keep(workspace, "t", [other], 0)
        page.button(key="quality_rules_save").click().run()
        assert "changed meanwhile" in page.error[0].value
        assert rules.listed(workspace, "t") == ([other], 1)
        page.button(key="quality_rules_save").click().run()
        assert not page.error
        assert rules.listed(workspace, "t") == ([drafted], 2)
    workspace.close()
