import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { complaintsOf, noBrowserBecause, openBrowser } from './browser.ts';
import { start, type Started } from './harness.ts';
import type { SinkStatus } from '../../../runtime/src/host/host.ts';
import { MemoryHost, MORNING_MS } from './memory-host.ts';

const cannot = noBrowserBecause();

describe.skipIf(cannot !== null)('the dashboard', () => {
  let browser: Browser;
  let pages: Page[] = [];

  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterEach(async () => {
    for (const page of pages) await page.close();
    pages = [];
  });
  afterAll(() => browser.close());

  async function open(to: Started, options: Parameters<Browser['newPage']>[0] = {}, path = '/') {
    const page = await browser.newPage(options);
    pages.push(page);
    const complaints = complaintsOf(page, to.server.url);
    await page.goto(`${to.server.url}${path}`);
    return { page, complaints };
  }

  const words = (page: Page, id: string, pattern: RegExp) =>
    page.locator(`#${id}`).filter({ hasText: pattern }).waitFor({ state: 'attached' });

  it('answers the four questions with the numbers of the status, and looks right', async () => {
    const host = new MemoryHost();
    host.lateRows.push(lateRow('ORD'));
    const to = await start({ host });
    const { page, complaints } = await open(to, { viewport: { width: 1440, height: 1000 } });
    await words(page, 'verdict', /Yes, fresh enough/);
    await words(page, 'behind', /2 min 42 s/);
    await words(page, 'p99', /4 min 57 s/);
    await words(page, 'complete', /Windows are closed until 10 Jan 2001, 10:00/);
    await words(page, 'late', /137 events, 1.1 % of all/);
    await words(page, 'late-events', /origin ORD/);
    await words(page, 'keeping', /146 events wait/);
    await words(page, 'events-in', /12,804/);
    await page.waitForSelector('.rows tbody tr');
    expect(await page.locator('.rows tbody tr').count()).toBe(72);
    expect(await page.locator('.rows tbody tr').first().textContent()).toContain('10 Jan 2001, 13:00–14:00');
    const shot = join(mkdtempSync(join(tmpdir(), 'dashboard-')), 'wide.png');
    await page.screenshot({ path: shot, fullPage: true });
    expect(statSync(shot).size).toBeGreaterThan(10_000);
    expect(complaints).toEqual([]);
  });

  it('says of each sink what it promises, what it has, how far it is behind and what went wrong', async () => {
    const host = new MemoryHost();
    const to = await start({ host });
    const { page, complaints } = await open(to, { viewport: { width: 1440, height: 1000 } });
    await words(page, 'verdict', /Yes/);
    expect(await page.locator('#sinks').isVisible()).toBe(false);
    host.override = { sinks: [sinkStatus(), sinkStatus(FAILING)] };
    await words(page, 'sinks-answer', /1 sink does not take anything now/);
    const rows = page.locator('#sink-rows tr');
    expect(await rows.nth(0).locator('td').allTextContents()).toEqual([
      'warehouseview delays',
      'exactly once',
      'PostgreSQLtable public.delays of db:5432/flights',
      expect.stringMatching(/^1,204\d+ s ago$|^1,204just now$/),
      'nothing',
      'none',
    ]);
    expect(await rows.nth(1).locator('td').allTextContents()).toEqual([
      'delays_httpview delays',
      'at least once',
      'HTTPPOST https://example.com/rows',
      expect.stringMatching(/^1,190/),
      '412 rows18 kB, 41 s old',
      'POST https://example.com/rows: it cannot be reached now (it answered 503).7 failures, trying again',
    ]);
    host.override = {
      sinks: [sinkStatus({ ...FAILING, failing: false, waitingRows: 0, lagEvents: 0, lagSeconds: 0 })],
    };
    await words(page, 'sinks-answer', /The sink has everything/);
    await words(page, 'sinks-why', /may come twice, with the same idempotency key/);
    await words(page, 'sink-rows', /7 failures, over by now/);
    expect(complaints).toEqual([]);
  });

  it('filters the rows of a view, and shows all again', async () => {
    const to = await start();
    const { page, complaints } = await open(to);
    await page.waitForSelector('.rows tbody tr');
    await page.getByLabel('Column').selectOption('origin');
    await page.getByLabel('Equals').fill('JFK');
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByText('origin JFK: all 8 rows').waitFor();
    expect(await page.locator('.rows tbody tr').count()).toBe(8);
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.getByText('72 rows').waitFor();
    expect(complaints).toEqual([]);
  });

  it('follows the pipeline: a broken promise is said in words', async () => {
    const to = await start();
    const { page } = await open(to);
    await words(page, 'verdict', /Yes/);
    to.host.override = {
      freshness: { seconds: 1500, slaSeconds: 900, holds: false, p50Seconds: 1, p99Seconds: 2 },
    };
    await words(page, 'verdict', /No, too old/);
    await words(page, 'verdict-why', /10 min longer than was promised/);
    expect(await page.title()).toBe('✗ departures');
    to.host.override = { running: false };
    await words(page, 'verdict', /Not running/);
  });

  it('shows what an event says as text, whatever it says', async () => {
    const host = new MemoryHost();
    const attack = '<img src=x onerror="document.title=1"><script>document.title=1</script>';
    const row = host.views.get('delays')?.[0] ?? {};
    host.views.set('delays', [{ ...row, origin: attack }]);
    host.lateRows.push({ ...lateRow('ORD'), event: { origin: attack } });
    host.rejectedRows.push({ source: 'flights', reason: attack, at: '2001-01-10T06:00:00Z', text: attack });
    const to = await start({ host });
    const { page, complaints } = await open(to);
    await page.waitForSelector('.rows tbody tr');
    await words(page, 'late-events', /onerror/);
    await words(page, 'rejected-list', /onerror/);
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(await page.locator('td.key').filter({ hasText: attack }).count()).toBe(1);
    expect(complaints).toEqual([]);
  });

  it('says so when the pipeline is gone, and keeps the last answer', async () => {
    const to = await start();
    const { page } = await open(to);
    await words(page, 'verdict', /Yes/);
    await to.server.close();
    await words(page, 'notice-words', /stopped answering/);
    expect(await page.locator('#verdict').textContent()).toBe('Yes, fresh enough.');
  });

  it('takes the token from the fragment, out of the address, and asks for it when there is none', async () => {
    const token = 'correct-horse-battery';
    const to = await start({ token });
    const { page } = await open(to, {}, `/#token=${token}`);
    await words(page, 'verdict', /Yes/);
    expect(page.url()).toBe(`${to.server.url}/`);
    const { page: locked } = await open(to);
    await locked.getByLabel('asks for its token').fill(token);
    await locked.getByRole('button', { name: 'Open' }).click();
    await words(locked, 'verdict', /Yes/);
  });

  it.each([360, 1440])('fits a screen of %i pixels', async (width) => {
    const host = new MemoryHost();
    host.lateRows.push(lateRow('ORD'));
    host.override = {
      lambda: { coveredUntilMs: MORNING_MS, batchRuns: 3, lastBatchAtMs: Date.now() - 4_000_000 },
      versions: [{ name: 'v2', role: 'candidate', lagEvents: 4_000, createdAtMs: Date.now() - 60_000 }],
      sinks: [sinkStatus(), sinkStatus(FAILING)],
    };
    const to = await start({ host });
    const { page } = await open(to, { viewport: { width, height: 800 } });
    await page.waitForSelector('.rows tbody tr');
    const overflow = await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(overflow).toBe(0);
    await words(page, 'layers', /Batch answers until 10 Jan 2001, 06:00.*v2.*4,000 events behind/);
  });
});

const FAILING: Partial<SinkStatus> = {
  name: 'delays_http',
  kind: 'http',
  place: 'POST https://example.com/rows',
  guarantee: 'at-least-once',
  epoch: 1190,
  lagEvents: 3_120,
  waitingRows: 412,
  waitingBytes: 18_000,
  lagSeconds: 41,
  failures: 7,
  lastFailure: 'POST https://example.com/rows: it cannot be reached now (it answered 503).',
  failing: true,
};

function sinkStatus(other: Partial<SinkStatus> = {}): SinkStatus {
  return {
    name: 'warehouse',
    kind: 'postgres',
    view: 'delays',
    place: 'table public.delays of db:5432/flights',
    guarantee: 'exactly-once',
    sequence: 77,
    position: 12_658,
    epoch: 1204,
    lagEvents: 0,
    lagSeconds: 0,
    waitingRows: 0,
    waitingBytes: 0,
    deliveredAtMs: Date.now() - 4_000,
    failures: 0,
    lastFailure: null,
    failing: false,
    ...other,
  };
}

function lateRow(origin: string) {
  return {
    view: 'delays',
    source: 'flights',
    partition: 0,
    offset: 7,
    eventTimeMs: MORNING_MS,
    watermarkMs: MORNING_MS + 7_200_000,
    lateByMs: 5_400_000,
    event: { origin, destination: 'DFW', scheduled: '2001-01-10T06:00:00Z', delay: 190 },
  };
}
