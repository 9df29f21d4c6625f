/** The page: its headings, places and words. The scripts fill the places; nothing here comes from data. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Pipeline</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/style.css">
<script type="module" src="/assets/main.js"></script>
</head>
<body data-state="loading">
<header class="top">
  <h1><span id="pipeline">Pipeline</span> <span id="architecture" class="chip" hidden></span></h1>
  <p id="running" class="quiet"></p>
</header>

<div id="notice" class="notice" role="alert" hidden>
  <p id="notice-words"></p>
  <button id="notice-again" type="button" hidden>Look again</button>
</div>

<form id="token-form" class="notice" hidden>
  <label for="token">This pipeline asks for its token.</label>
  <input id="token" type="password" autocomplete="off" required>
  <button type="submit">Open</button>
</form>

<noscript><p class="notice">This page needs JavaScript. The same answers are at <a href="/api/status">/api/status</a>.</p></noscript>

<main id="main">
<section class="hero" aria-labelledby="fresh-question">
  <div class="hero-words">
    <h2 id="fresh-question">Is it fresh enough?</h2>
    <p id="verdict" class="verdict" aria-live="polite">Looking…</p>
    <p id="verdict-why" class="why"></p>
  </div>
  <div class="hero-number">
    <p id="behind" class="number">–</p>
    <p id="behind-of" class="quiet"></p>
  </div>
  <div class="gauge">
    <div class="gauge-track" id="gauge" role="img" aria-label="Freshness against the promise">
      <div class="gauge-fill" id="gauge-fill"></div>
      <div class="gauge-mark" id="gauge-p50" title="Half are visible within this time" hidden></div>
      <div class="gauge-mark" id="gauge-p99" title="99 of 100 are visible within this time" hidden></div>
      <div class="gauge-sla" id="gauge-sla" title="Promised"></div>
    </div>
    <dl class="facts">
      <div><dt class="mark">Half are visible within</dt><dd id="p50">–</dd></div>
      <div><dt class="mark">99 of 100 within</dt><dd id="p99">–</dd></div>
      <div><dt class="mark strong">Promised</dt><dd id="sla">–</dd></div>
      <div><dt>Last commit</dt><dd id="last-commit">–</dd></div>
      <div><dt>Next run</dt><dd id="next-run">–</dd></div>
    </dl>
  </div>
</section>

<div class="pair">
<section class="card" aria-labelledby="complete-question">
  <h2 id="complete-question">Is it complete?</h2>
  <p id="complete" class="answer"></p>
  <p id="complete-why" class="why"></p>
  <ol id="times" class="timeline" aria-label="How far results are complete, in event time, newest first"></ol>
  <div id="layers"></div>
  <dl class="facts">
    <div><dt>Corrections run</dt><dd id="corrections">–</dd></div>
    <div><dt>The last one</dt><dd id="last-correction">–</dd></div>
  </dl>
</section>

<section class="card" aria-labelledby="late-question">
  <h2 id="late-question">What was late?</h2>
  <p id="late" class="answer"></p>
  <p id="late-why" class="why"></p>
  <dl class="facts">
    <div><dt>Late</dt><dd id="late-total">–</dd></div>
    <div><dt>To be corrected</dt><dd id="late-waiting">–</dd></div>
    <div><dt>Rejected</dt><dd id="rejected-total">–</dd></div>
  </dl>
  <ol id="late-events" class="plain" aria-label="The most recent late events"></ol>
  <details id="rejected-events" hidden>
    <summary>Why events were rejected</summary>
    <ul id="rejected-list" class="plain"></ul>
  </details>
</section>
</div>

<section class="card" aria-labelledby="keeping-question">
  <h2 id="keeping-question">Is it keeping up?</h2>
  <p id="keeping" class="answer"></p>
  <div class="charts">
    <figure>
      <figcaption>Events in, per second <span id="rate-now" class="now"></span></figcaption>
      <svg id="rate-chart" class="chart" role="img" viewBox="0 0 600 96" preserveAspectRatio="none"></svg>
      <p class="axis"><span id="rate-from"></span><span id="rate-max"></span><span>now</span></p>
    </figure>
    <figure>
      <figcaption>Events waiting <span id="lag-now" class="now"></span></figcaption>
      <svg id="lag-chart" class="chart" role="img" viewBox="0 0 600 96" preserveAspectRatio="none"></svg>
      <p class="axis"><span id="lag-from"></span><span id="lag-max"></span><span>now</span></p>
    </figure>
  </div>
  <dl class="facts">
    <div><dt>Events in</dt><dd id="events-in">–</dd></div>
    <div><dt>Epochs committed</dt><dd id="epochs">–</dd></div>
    <div><dt>In the last epoch</dt><dd id="epoch-rows">–</dd></div>
    <div><dt>It took</dt><dd id="epoch-took">–</dd></div>
    <div><dt>Keys in the state</dt><dd id="state-keys">–</dd></div>
    <div><dt>State in memory</dt><dd id="state-memory">–</dd></div>
    <div><dt>State on disk</dt><dd id="state-size">–</dd></div>
  </dl>
</section>

<section class="card" id="sinks" aria-labelledby="sinks-question" hidden>
  <h2 id="sinks-question">Where do results go?</h2>
  <p id="sinks-answer" class="answer"></p>
  <p id="sinks-why" class="why"></p>
  <div class="scroll" tabindex="0" role="region" aria-labelledby="sinks-question">
    <table class="sinks">
      <thead><tr><th scope="col">Sink</th><th scope="col">Promise</th><th scope="col">Where</th><th scope="col">Has epoch</th><th scope="col">Behind</th><th scope="col">Last error</th></tr></thead>
      <tbody id="sink-rows"></tbody>
    </table>
  </div>
</section>

<div id="views"></div>
</main>

<footer class="quiet">
  <p>Event times are UTC. The same numbers: <a href="/api/status">status</a> · <a href="/metrics">metrics</a></p>
</footer>
</body>
</html>
`;
