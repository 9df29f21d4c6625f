/**
 * The dashboard's files, all in memory: a path that is not in this map does not exist. The scripts under `client` are what
 * the browser runs, word for word; they need no build and are read once, from beside this module.
 */
import { readFileSync } from '../../ports/files.ts';
import { PAGE } from './page.ts';
import { STYLE } from './style.ts';

export interface Asset {
  readonly type: string;
  readonly body: string;
}

const SCRIPTS = [
  'main.js',
  'dom.js',
  'format.js',
  'feed.js',
  'chart.js',
  'verdict.js',
  'sections.js',
  'rows.js',
  'sinks.js',
] as const;

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#1f6f54"/><path d="M6 19c4 0 4-7 8-7s4 8 8 8 3-4 4-4" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round"/></svg>`;

let assets: ReadonlyMap<string, Asset> | undefined;

export function dashboardAssets(): ReadonlyMap<string, Asset> {
  assets ??= new Map([
    ['/', { type: 'text/html; charset=utf-8', body: PAGE }],
    ['/assets/style.css', { type: 'text/css; charset=utf-8', body: STYLE }],
    ['/assets/icon.svg', { type: 'image/svg+xml', body: ICON }],
    ...SCRIPTS.map((name): [string, Asset] => [
      `/assets/${name}`,
      {
        type: 'text/javascript; charset=utf-8',
        body: readFileSync(new URL(`./client/${name}`, import.meta.url), 'utf8'),
      },
    ]),
  ]);
  return assets;
}
