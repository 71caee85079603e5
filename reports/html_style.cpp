// The style sheet of report.html: system fonts, two colours that differ in lightness too, one column on a
// phone.
#include "reports/html_style.h"

namespace edgeopt {

std::string_view html_style() {  // NOLINT(readability-function-size): one text, not many steps
  return R"css(
:root {
  color-scheme: light dark;
  --paper: #f6f7f9; --card: #ffffff; --ink: #1b2129; --quiet: #5b6673; --rule: #dfe3e8; --track: #edf0f3;
  --original: #98a3b0; --result: #1f6feb; --harm: #c2410c; --met: #157347; --missed: #b42318;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0f1317; --card: #181d23; --ink: #e7ebef; --quiet: #9aa6b2; --rule: #2b323a; --track: #232a31;
    --original: #75818e; --result: #6ea8fe; --harm: #fb923c; --met: #4ade80; --missed: #f87171;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
}
main { max-width: 64rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
header { margin-bottom: 1.5rem; }
h1 { margin: 0 0 .25rem; font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 0 0 .9rem; font-size: 1.05rem; line-height: 1.3; }
p { margin: .75rem 0 0; color: var(--quiet); white-space: pre-line; overflow-wrap: anywhere; max-width: 75ch; }
header p { margin: 0; }
strong { color: var(--ink); }
code { font: .92em ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; overflow-wrap: anywhere; }
.verdict { display: inline-block; margin: 0 0 .6rem; padding: .1rem .6rem; border: 1px solid; border-radius: 1rem;
  font-size: .8rem; font-weight: 600; }
.verdict.met { color: var(--met); }
.verdict.missed { color: var(--missed); }
.headlines { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.25rem, 1fr)); gap: .75rem;
  margin: 0 0 1rem; padding: 0; list-style: none; }
.headlines li, section, details { background: var(--card); border: 1px solid var(--rule); border-radius: .6rem; }
.headlines li { padding: .8rem 1rem; }
.headlines b { display: block; font-size: 1.7rem; line-height: 1.2; font-weight: 650; letter-spacing: -.01em; }
.headlines span { display: block; }
.headlines small { display: block; color: var(--quiet); font-size: .8rem; }
section, details { margin: 0 0 1rem; padding: 1.1rem 1.25rem 1.25rem; }
details { padding-bottom: .9rem; }
summary { cursor: pointer; font-size: 1.05rem; font-weight: 700; }
summary h2 { display: inline; }
details[open] summary { margin-bottom: .9rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: 1.25rem 2.5rem;
  margin-bottom: 1.25rem; }
figure { margin: 0; max-width: 26rem; }
figcaption { margin-bottom: .6rem; font-size: .85rem; font-weight: 600; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { font-size: 12px; fill: var(--ink); }
svg .quiet { font-size: 11px; fill: var(--quiet); }
svg .label, svg .figure { paint-order: stroke; stroke: var(--card); stroke-width: 3px; }
svg .figure { font-variant-numeric: tabular-nums; }
svg .original { fill: var(--original); }
svg .result { fill: var(--result); }
svg .harm { fill: var(--harm); }
svg .track { fill: var(--track); }
svg .grid { stroke: var(--rule); }
svg .axis { stroke: var(--quiet); }
svg .area { fill-opacity: .6; }
svg .marker, svg .curve { fill: none; stroke-width: 1.75; }
svg .marker { stroke-dasharray: 4 3; }
svg .marker.original, svg .curve.original { stroke: var(--original); }
svg .marker.result, svg .curve.result { stroke: var(--result); }
svg .marker.harm, svg .curve.harm { stroke: var(--harm); }
.scroll { overflow-x: auto; margin: 0 -1.25rem; padding: 0 1.25rem; }
.scroll:focus-visible, summary:focus-visible { outline: 2px solid var(--result); outline-offset: 2px; }
table { width: 100%; border-collapse: collapse; font-size: .87rem; font-variant-numeric: tabular-nums; }
th, td { padding: .42rem 1.5rem .42rem 0; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top; }
th { color: var(--quiet); font-weight: 600; white-space: nowrap; }
tbody tr:last-child > * { border-bottom: 0; }
tbody th { color: var(--ink); font-weight: 500; white-space: normal; overflow-wrap: anywhere; min-width: 9rem; }
.number { text-align: right; white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0; }
ul { margin: .75rem 0 0; padding-left: 1.1rem; color: var(--quiet); overflow-wrap: anywhere; }
li { margin: .15rem 0; }
.headlines li { margin: 0; color: var(--ink); }
@media print {
  body { background: none; }
  .headlines li, section, details { break-inside: avoid; }
}
)css";
}

}  // namespace edgeopt
