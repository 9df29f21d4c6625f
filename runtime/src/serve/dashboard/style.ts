/** The look: one column of calm paper, one strong answer on top, colour only where it means something. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #f7f6f2; --sheet: #ffffff; --ink: #1d1f1c; --quiet: #676a62; --line: #e4e2da; --wash: #f1efe8;
  --good: #1b6b4f; --good-wash: #e3f0e8; --good-line: #b9d9c8;
  --bad: #a5281f; --bad-wash: #fbe7e2; --bad-line: #eebfb5;
  --wait: #6a5a1c; --wait-wash: #f6f0d8; --wait-line: #e2d6a4;
  --series: #1f6f9e; --series-wash: #1f6f9e22;
  --tone: var(--wait); --tone-wash: var(--wait-wash); --tone-line: var(--wait-line);
  --mono: ui-monospace, SFMono-Regular, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #131512; --sheet: #1b1e1a; --ink: #eceee8; --quiet: #9da197; --line: #2e322c; --wash: #232722;
    --good: #7fd3ad; --good-wash: #16291f; --good-line: #2a5540;
    --bad: #ff9c8c; --bad-wash: #321a16; --bad-line: #6d352c;
    --wait: #dfc97c; --wait-wash: #29240f; --wait-line: #554a1f;
    --series: #7dbfe6; --series-wash: #7dbfe622;
  }
}
body[data-state="good"] { --tone: var(--good); --tone-wash: var(--good-wash); --tone-line: var(--good-line); }
body[data-state="bad"] { --tone: var(--bad); --tone-wash: var(--bad-wash); --tone-line: var(--bad-line); }

* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 0 clamp(1rem, 4vw, 2.5rem) 3rem; max-width: 76rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.5 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif;
  font-variant-numeric: tabular-nums;
}
[hidden] { display: none !important; }
h1, h2, h3, p, dl, dd, figure, ul, ol { margin: 0; padding: 0; }
a { color: inherit; text-underline-offset: .2em; }
.quiet { color: var(--quiet); }
.right { text-align: right; }
:focus-visible { outline: 2px solid var(--series); outline-offset: 2px; border-radius: 4px; }

.top { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: .25rem 1.5rem; padding: 1.75rem 0 1.25rem; }
h1 { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem .75rem; font-size: 1.375rem; font-weight: 650; letter-spacing: -.01em; overflow-wrap: anywhere; }
.chip {
  display: inline-block; padding: .1rem .6rem; border: 1px solid var(--line); border-radius: 99px; background: var(--sheet);
  color: var(--quiet); font-size: .8125rem; font-weight: 500; letter-spacing: 0; white-space: nowrap;
}
.chip[data-tone="good"] { color: var(--good); border-color: var(--good-line); background: var(--good-wash); }
.chip[data-tone="wait"] { color: var(--wait); border-color: var(--wait-line); background: var(--wait-wash); }

.notice {
  display: flex; flex-wrap: wrap; align-items: center; gap: .75rem; margin: 0 0 1rem; padding: .9rem 1.25rem;
  border: 1px solid var(--wait-line); border-radius: .9rem; background: var(--wait-wash); color: var(--wait);
}
body[data-link="gone"] main { opacity: .55; filter: saturate(.4); }

h2 { font-size: .9375rem; font-weight: 600; color: var(--quiet); }
.hero, .card { border: 1px solid var(--line); border-radius: 1.1rem; background: var(--sheet); }
.card { padding: clamp(1.1rem, 3vw, 1.75rem); margin-top: 1rem; min-width: 0; }
.hero {
  display: grid; grid-template-columns: minmax(0, 1fr) auto; align-items: end; gap: 1.5rem 2rem;
  padding: clamp(1.25rem, 4vw, 2.25rem); border-color: var(--tone-line); background: var(--tone-wash);
}
.hero h2 { color: var(--tone); }
.verdict { margin-top: .35rem; font-size: clamp(2.25rem, 7vw, 4rem); line-height: 1.05; font-weight: 700; letter-spacing: -.03em; color: var(--tone); }
.hero .why { margin-top: .6rem; color: var(--ink); }
.hero .quiet, .hero dt { color: color-mix(in srgb, var(--ink) 68%, var(--tone-wash)); }
.hero-number { text-align: right; }
.number { font-size: clamp(2rem, 5vw, 3rem); line-height: 1.1; font-weight: 600; letter-spacing: -.03em; white-space: nowrap; }
.gauge { grid-column: 1 / -1; }
.gauge-track { position: relative; height: .75rem; border-radius: 99px; background: color-mix(in srgb, var(--tone) 14%, transparent); }
.gauge-fill { position: absolute; inset: 0 auto 0 0; min-width: .75rem; border-radius: 99px; background: var(--tone); transition: width .6s ease; }
.gauge-mark { position: absolute; top: -.25rem; bottom: -.25rem; width: 2px; border-radius: 2px; background: var(--ink); opacity: .5; }
.gauge-sla { position: absolute; top: -.4rem; bottom: -.4rem; width: 3px; margin-left: -3px; border-radius: 3px; background: var(--ink); }
@media (prefers-reduced-motion: reduce) { .gauge-fill { transition: none; } }

.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .9rem 1.5rem; margin-top: 1.4rem; }
.facts dt { font-size: .8125rem; color: var(--quiet); }
.facts dt.mark::before { content: ""; display: inline-block; width: 2px; height: .7em; margin-right: .4rem; background: var(--ink); opacity: .5; }
.facts dt.mark.strong::before { width: 3px; opacity: 1; }
.facts dd { font-size: 1.1875rem; font-weight: 600; letter-spacing: -.01em; }

.pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 1rem; }
.answer { margin-top: .3rem; font-size: 1.375rem; line-height: 1.3; font-weight: 650; letter-spacing: -.015em; text-wrap: balance; }
.why { margin-top: .4rem; color: var(--quiet); text-wrap: pretty; }
.plain { list-style: none; }
.plain li { padding: .55rem 0; border-top: 1px solid var(--line); }
.timeline { list-style: none; margin-top: 1.3rem; }
.timeline li { position: relative; padding: 0 0 1.1rem 1.6rem; }
.timeline li::before { content: ""; position: absolute; left: .05rem; top: .42rem; width: .7rem; height: .7rem; border-radius: 50%; border: 2px solid var(--dot); background: var(--fill, var(--sheet)); }
.timeline li:not(:last-child)::after { content: ""; position: absolute; left: .42rem; top: 1.35rem; bottom: -.2rem; width: 1px; background: var(--line); }
.timeline li:last-child { padding-bottom: 0; }
.timeline li { --dot: var(--quiet); }
.timeline li[data-tone="wait"] { --dot: var(--wait); }
.timeline li[data-tone="series"] { --dot: var(--series); --fill: var(--series); }
.timeline li[data-tone="good"] { --dot: var(--good); --fill: var(--good); }
.timeline time { font-weight: 600; }
.whole, .split > * { white-space: nowrap; }
.split { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; }
#late-events { margin-top: 1.1rem; }
#late-events p + p { color: var(--quiet); font-size: .875rem; overflow-wrap: anywhere; }
h3 { margin-top: 1.4rem; font-size: .9375rem; font-weight: 600; }
#layers p { margin-top: .35rem; }
summary { margin-top: 1.1rem; cursor: pointer; color: var(--quiet); }
code { font-family: var(--mono); font-size: .8125rem; overflow-wrap: anywhere; }

.charts { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1.25rem 2rem; margin-top: 1.2rem; }
figcaption { display: flex; justify-content: space-between; gap: 1rem; color: var(--quiet); font-size: .875rem; }
.now { color: var(--ink); font-weight: 600; }
.chart { display: block; width: 100%; height: 6rem; margin-top: .4rem; border-bottom: 1px solid var(--line); overflow: visible; }
.chart .area { fill: var(--series-wash); }
.chart .line { fill: none; stroke: var(--series); stroke-width: 1.75; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.axis { display: flex; justify-content: space-between; margin-top: .3rem; font-size: .8125rem; color: var(--quiet); }

.scroll { margin-top: 1rem; max-height: 30rem; overflow: auto; overscroll-behavior-x: contain; }
table { width: 100%; border-collapse: collapse; font-size: .9375rem; }
th, td { padding: .45rem .75rem; text-align: left; border-bottom: 1px solid var(--line); white-space: nowrap; vertical-align: baseline; }
th:first-child, td:first-child { padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
th { position: sticky; top: 0; z-index: 1; background: var(--sheet); color: var(--quiet); font-size: .8125rem; font-weight: 500; }
tbody tr:last-child td { border-bottom: 0; }
.rows tbody tr:hover td { background: var(--wash); }
th.right, td.right { text-align: right; }
td.key { font-weight: 600; }
td.window { font-weight: 400; }
.none { color: var(--quiet); }
.small { font-size: .8125rem; }
.sinks td { vertical-align: top; }
.sinks td:nth-child(3) p, .wrap { white-space: normal; overflow-wrap: anywhere; }
.sinks td:nth-child(3) { min-width: 12rem; }
.wrap { min-width: 14rem; font-size: .875rem; }

.view-head { display: flex; flex-wrap: wrap; align-items: end; justify-content: space-between; gap: 1rem; }
.view-head h2 { font-size: 1.375rem; font-weight: 650; letter-spacing: -.015em; color: var(--ink); overflow-wrap: anywhere; }
.filter { display: flex; flex-wrap: wrap; align-items: end; gap: .5rem; }
.filter label { display: block; font-size: .8125rem; color: var(--quiet); }
select, input, button {
  font: inherit; font-size: .9375rem; height: 2.4rem; padding: 0 .75rem; border: 1px solid var(--line); border-radius: .6rem;
  background: var(--sheet); color: inherit; max-width: 100%;
}
input { width: 10rem; }
button { cursor: pointer; font-weight: 550; background: var(--wash); }
button:hover { border-color: var(--quiet); }
.problem { color: var(--bad); }
footer { margin-top: 2rem; font-size: .875rem; }

@media (max-width: 52rem) {
  .pair, .charts { grid-template-columns: minmax(0, 1fr); }
}
@media (max-width: 38rem) {
  .hero { grid-template-columns: minmax(0, 1fr); align-items: start; }
  .hero-number { text-align: left; }
  .facts { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .facts dd { font-size: 1.0625rem; }
  td.window { white-space: normal; }
  .filter { width: 100%; }
  .filter > div { flex: 1 1 8rem; min-width: 0; }
  .filter select, .filter input { width: 100%; }
}
`;
