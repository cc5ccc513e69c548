/**
 * Takes the pictures in `docs/pictures` of an audit's pages in Chromium: `npm run docs:pictures`. At a desktop's width and a sheet's, light
 * and dark; paper is never dark.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { examplePages } from '../test/support/audit-pages.ts';
import { startBrowser, type BrowserView } from '../test/support/browser.ts';
import { findPeer } from '../test/support/peers.ts';
import { smallerPng } from './smaller-png.ts';

const PICTURES = resolve(import.meta.dirname, '../docs/pictures');
const DESKTOP = { width: 1120, height: 900, media: 'screen' } as const;
/** A4 at 96 dots an inch; the margins are the printer's, and stand in the picture as padding. */
const SHEET = { width: 794, height: 1123, media: 'print' } as const;
const PAPER = "if (matchMedia('print').matches) document.body.style.padding = '14mm'";
const VIEWS: readonly (readonly [name: string, view: BrowserView])[] = [
  ['light', { ...DESKTOP, scheme: 'light' }],
  ['dark', { ...DESKTOP, scheme: 'dark' }],
  ['print', { ...SHEET, scheme: 'light' }],
];

const executable = findPeer('chromium');
if (executable === undefined) throw new Error('there is no Chromium: tools/peers install chromium');
const ends: (() => Promise<void> | void)[] = [];
const folder = mkdtempSync(join(tmpdir(), 'sealwright-pictures-'));
try {
  mkdirSync(PICTURES, { recursive: true });
  const page = await startBrowser({ after: (end) => ends.push(end as () => Promise<void>) }, executable);
  for (const [name, html] of Object.entries(examplePages())) {
    const path = join(folder, `${name}.html`);
    writeFileSync(path, html);
    for (const [kind, view] of VIEWS) {
      await page.emulate(view);
      await page.open(pathToFileURL(path).href);
      await page.evaluate(PAPER);
      writeFileSync(join(PICTURES, `audit-${name}-${kind}.png`), smallerPng(await page.picture()));
    }
  }
} finally {
  for (const end of ends.reverse()) await end();
  rmSync(folder, { recursive: true, force: true });
}
