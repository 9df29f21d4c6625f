/** Headless Chromium for the tests of pages: CHROMIUM names it, or it is where Linux distributions put it. */
import { existsSync } from 'node:fs';
import process from 'node:process';
import { chromium, type Browser, type Page } from 'playwright-core';

const PATH = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
];

/** Why tests of pages cannot run here; null when they can. Where CI=true, that is a failure and not a reason. */
export function noBrowserBecause(): string | null {
  if (existsSync(PATH)) return null;
  const reason = `there is no Chromium at ${PATH}; install it, or name it in CHROMIUM`;
  if (process.env['CI'] === 'true') throw new Error(reason);
  process.stderr.write(`pages are not tested: ${reason}\n`);
  return reason;
}

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: PATH, args: FLAGS });
}

/** Everything that a page complains about: errors, violated policies, requests that left for another place. */
export function complaintsOf(page: Page, origin: string): readonly string[] {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (sent) => {
    if (!sent.url().startsWith(origin) && !sent.url().startsWith('data:'))
      complaints.push(`request to ${sent.url()}`);
  });
  return complaints;
}
