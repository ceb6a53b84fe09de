/** How the page looks: on a phone, on a wide screen, in the dark, on paper. @module */

/** The one style sheet. */
export const STYLE = `
:root { color-scheme: light dark; font: 16px/1.45 system-ui, sans-serif;
  --bg: #fff; --fg: #1b1f24; --muted: #57606a; --line: #c8d1da; --soft: #f6f8fa;
  --ok: #1a7f37; --warn: #8a5a00; --bad: #b42318; --note: #0a5ea8; --none: #6e7781; }
@media (prefers-color-scheme: dark) { :root {
  --bg: #0f1419; --fg: #e6edf3; --muted: #a3afbb; --line: #3d4651; --soft: #171d24;
  --ok: #4ac26b; --warn: #d9ac3a; --bad: #ff8f85; --note: #79b8ff; --none: #9aa4ae; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1rem clamp(.75rem, 3vw, 2rem) 3rem; background: var(--bg);
  color: var(--fg); overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; } p { margin: .4rem 0; } a { color: var(--note); }
summary { cursor: pointer; } summary h2, summary h3, summary h4 { display: inline; font-size: inherit; margin: 0; }
:focus-visible { outline: 3px solid var(--note); outline-offset: 2px; }
code { font: .85em ui-monospace, monospace; }
.meta, .small { color: var(--muted); } .small { font-size: .875rem; }
.counts { display: flex; flex-wrap: wrap; gap: .5rem; list-style: none; padding: 0; margin: 1rem 0; }
.counts li { border: 1px solid var(--line); border-radius: .5rem; padding: .4rem .8rem; background: var(--soft);
  overflow-wrap: normal; white-space: nowrap; }
.counts b { font-size: 1.4rem; margin-right: .3rem; }
.error b, .error > .tag, .bad { color: var(--bad); } .warning b, .warning > .tag, .soon { color: var(--warn); }
.note > .tag, .note b { color: var(--note); } .good { color: var(--ok); } .tag, .bad, .soon, .good { font-weight: 600; }
.findings { list-style: none; padding: 0; margin: .5rem 0; }
.findings > li { border-left: .3rem solid var(--note); padding: .3rem .75rem; margin: .5rem 0; background: var(--soft); }
.findings > .error { border-color: var(--bad); } .findings > .warning { border-color: var(--warn); }
.repository { border-top: 2px solid var(--line); margin-top: 1.5rem; padding-top: 1rem; }
.repository > summary { font-size: 1.15rem; padding: .25rem 0; }
.pictures { display: grid; gap: 1rem 2.5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); }
.pictures figure { margin: 0; max-width: 34rem; } figcaption { margin: .5rem 0; font-weight: 600; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--fg); font: 12px system-ui, sans-serif; } svg .sub { fill: var(--muted); font-size: 11px; }
svg .name { font-weight: 600; font-size: 13px; } svg .key { font: 10px ui-monospace, monospace; }
svg .box { fill: var(--soft); stroke: var(--line); } svg .edge { fill: none; stroke: var(--muted); }
svg .chip { fill: var(--bg); stroke: var(--muted); } svg .axis { stroke: var(--line); } svg .now { stroke: var(--fg); }
svg .over { paint-order: stroke; stroke: var(--bg); stroke-width: 4px; stroke-linejoin: round; }
svg .end { text-anchor: end; } svg .middle { text-anchor: middle; }
svg .ok { fill: var(--ok); } svg .soon { fill: var(--warn); } svg .bad { fill: var(--bad); } svg .none { fill: var(--none); }
svg .note { fill: var(--note); }
.bar { height: .9rem; margin: .25rem 0 .5rem; } .bar rect { stroke: var(--bg); stroke-width: .4; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1rem; list-style: none; padding: 0; margin: 0; font-size: .9rem; }
.legend svg { display: inline-block; width: .7em; height: .7em; margin-right: .4em; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .5rem .35rem 0; border-bottom: 1px solid var(--line); }
th[scope="row"] { font-weight: 600; min-width: 5rem; } .number { text-align: right; white-space: nowrap; overflow-wrap: normal; }
thead th { color: var(--muted); overflow-wrap: normal; }
details details { margin: .4rem 0; }
@media (max-width: 40rem) { .wide { display: none; } h1 { font-size: 1.35rem; } .counts li { flex: 1; } }
@media print { :root { color-scheme: light; font-size: 11px; --bg: #fff; --fg: #000; --muted: #444; --line: #bbb; --soft: #fff;
    --ok: #1a7f37; --warn: #8a5a00; --bad: #b42318; --note: #0a5ea8; --none: #6e7781; }
  body { max-width: none; padding: 0; } tr, li, figure { break-inside: avoid; } h2, h3, summary { break-after: avoid; }
  .repository::details-content { content-visibility: visible; height: auto; }
  .pictures { grid-template-columns: 1fr 1fr; } .wide { display: table-cell; } }
`;
