"""The look that the theme file cannot give: the sticky context bar, the width, the wordmark."""

import streamlit as st

LOGO = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 132 32" width="132" height="32">
<rect x="2" y="17" width="6" height="11" rx="1.5" fill="#4FA3D9"/>
<rect x="11" y="9" width="6" height="19" rx="1.5" fill="#0F5FA6"/>
<rect x="20" y="4" width="6" height="24" rx="1.5" fill="#D9730D"/>
<text x="36" y="23" font-family="Source Sans, Source Sans Pro, sans-serif" font-size="20" font-weight="650"
 fill="#7A8797">Assay</text></svg>"""

CSS = """<style>
[data-testid=stLayoutWrapper]:has(> .st-key-ctx){{position:sticky;top:0;z-index:80;
  background:{backgroundColor};border-bottom:1px solid {borderColor};padding:0.4rem 0 0.5rem}}
[data-testid=stHeader]{{background:transparent;height:2.25rem}}
.stMainBlockContainer{{max-width:1480px;padding-top:2.25rem}}
.st-key-sentence p{{font-size:1.12rem;line-height:1.55;max-width:120ch}}
[data-testid=stCaptionContainer],[data-testid=stMetricDelta]+*{{opacity:0.8}}
[data-testid=stSliderThumbValue],[data-testid=stSliderThumbValue] *{{color:{textColor}!important}}
[role=radio][aria-checked=true]{{color:inherit!important}}
[data-testid=stVerticalBlock]:has(> [data-testid=stLayoutWrapper] > [class*=st-key-over_]){{position:relative}}
[data-testid=stLayoutWrapper]:has(> [class*=st-key-over_]){{position:absolute;inset:0 0 auto 0;pointer-events:none}}
[class*=st-key-over_] [data-testid=stElementToolbar]{{display:none}}
[class*=st-key-over_] :is(.role-axis,.role-legend){{visibility:hidden}}
.st-key-next a,.st-key-next a:hover{{background:{primaryColor}}}
.st-key-next a *{{color:#FFFFFF!important}}
[class*=st-key-kpi_] [data-testid=stMetricValue]{{font-variant-numeric:tabular-nums}}
[class*=st-key-kpi_] [data-testid=stCaptionContainer] p{{font-variant-numeric:tabular-nums;line-height:1.35}}
</style>"""


def style() -> str:
    """The style sheet; its colours are the theme's own, by name as in its file, and follow it without a rerun."""
    names = ("backgroundColor", "borderColor", "textColor", "primaryColor")
    both = [(name, *(st.get_option(f"theme.{theme}.{name}") for theme in ("light", "dark"))) for name in names]
    return CSS.format(**{name: f"light-dark({light},{dark})" for name, light, dark in both})


def apply() -> None:
    """Put the style in and the logo up."""
    st.html(style())
    st.logo(LOGO, size="large")
