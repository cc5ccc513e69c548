/** Pages of an audit in a real browser: at every width, light and dark, on screen and on paper. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test, type TestContext } from 'node:test';
import { examplePages } from '../support/audit-pages.ts';
import { startBrowser, type BrowserPage, type BrowserView } from '../support/browser.ts';
import { peer } from '../support/peers.ts';
import { temporaryFolder } from '../support/registry-server.ts';

/** WCAG 2.2, 1.4.3: text of ordinary size. */
const CONTRAST = 4.5;
const SCHEMES = ['light', 'dark'] as const;

/** Texts that stand out too little from what is behind them, with their ratio. */
const FAINT_TEXTS = `(() => {
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (text) => {
    const [r, g, b] = numbers(text).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '')) continue;
    const style = getComputedStyle(element);
    const ink = light(element instanceof SVGElement ? style.fill : style.color);
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (ratio < ${CONTRAST}) found.push(element.textContent.trim().slice(0, 40) + ' ' + ratio.toFixed(2));
  }
  return found;
})()`;

/** Labels of charts that lie on each other, or stand out of their picture. */
const BAD_LABELS = `[...document.querySelectorAll('svg')].flatMap((svg) => {
  const frame = svg.getBoundingClientRect();
  const boxes = [...svg.querySelectorAll('text')].map((text) => [text.textContent, text.getBoundingClientRect()]);
  const out = boxes.filter(([, box]) => box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1);
  const over = boxes.filter(([, a], index) => boxes.slice(0, index).some(([, b]) => a.left < b.right && b.left < a.right && a.top + 4 < b.bottom && b.top + 4 < a.bottom));
  return [...out, ...over].map(([text]) => text);
})`;

const OVERFLOW = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';

async function openPages(t: TestContext): Promise<readonly (readonly [string, string, BrowserPage])[]> {
  const executable = peer(t, 'chromium');
  if (executable === undefined) return [];
  const folder = temporaryFolder(t);
  const page = await startBrowser(t, executable);
  return Object.entries(examplePages()).map(([name, html]) => {
    const path = join(folder, `${name}.html`);
    writeFileSync(path, html);
    return [name, pathToFileURL(path).href, page] as const;
  });
}

async function look(page: BrowserPage, url: string, view: Partial<BrowserView>): Promise<void> {
  await page.emulate({ width: 1120, height: 900, media: 'screen', scheme: 'light', ...view });
  await page.open(url);
}

test('the page never scrolls sideways: on a phone, a desktop, a sheet', async (t) => {
  for (const [name, url, page] of await openPages(t)) {
    for (const [width, media] of [
      [360, 'screen'],
      [768, 'screen'],
      [1120, 'screen'],
      [688, 'print'],
    ] as const) {
      await look(page, url, { width, media });
      assert.equal(await page.evaluate(OVERFLOW), 0, `${name} at ${width}, ${media}`);
    }
    // Nor does any part of it, where there is room.
    await look(page, url, {});
    const scrolling =
      "[...document.querySelectorAll('.table, figure')].filter((box) => box.scrollWidth > box.clientWidth).length";
    assert.equal(await page.evaluate(scrolling), 0, name);
    await look(page, url, { width: 688, media: 'print' });
    // Nothing scrolls on paper: what does not fit is lost.
    const cut =
      "[...document.querySelectorAll('.table, figure')].filter((box) => box.scrollWidth > document.body.clientWidth).length";
    assert.equal(await page.evaluate(cut), 0, name);
  }
});

test('every text can be read, light and dark; paper is never dark', async (t) => {
  for (const [name, url, page] of await openPages(t)) {
    const papers: unknown[] = [];
    for (const media of ['screen', 'print'] as const) {
      for (const scheme of SCHEMES) {
        await look(page, url, { media, scheme });
        assert.deepEqual(await page.evaluate(FAINT_TEXTS), [], `${name}, ${media}, ${scheme}`);
        papers.push(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
      }
    }
    const [light, dark, ...printed] = papers;
    assert.notEqual(dark, light);
    assert.deepEqual(printed, [light, light]);
  }
});

test('the check of contrast sees what cannot be read', async (t) => {
  for (const [, url, page] of await openPages(t)) {
    await look(page, url, {});
    await page.evaluate("document.querySelector('h1').style.color = '#999'");
    assert.match(String(await page.evaluate(FAINT_TEXTS)), /^pay-prod: .* 2\.8\d$/);
  }
});

test('labels of charts stand apart, inside, and say in words and shapes what the colours say', async (t) => {
  for (const [name, url, page] of await openPages(t)) {
    await look(page, url, {});
    assert.deepEqual(await page.evaluate(BAD_LABELS), [], name);
    const texts = String(
      await page.evaluate("[...document.querySelectorAll('svg g text')].map((text) => text.textContent).join()"),
    );
    for (const label of ['verified ●', 'revoked ✕', 'unsigned ■', 'undetermined ?'])
      assert.ok(texts.includes(label), `${name}: ${label} in ${texts}`);
    const unnamed = "[...document.querySelectorAll('svg')].filter((svg) => !svg.getAttribute('aria-label')).length";
    assert.equal(await page.evaluate(unnamed), 0);
  }
});

test('on paper: a few sheets, no row and no chart cut in two, heads of tables on each', async (t) => {
  for (const [name, url, page] of await openPages(t)) {
    await look(page, url, { width: 688, media: 'print' });
    const styles =
      '(selector, property) => [...new Set([...document.querySelectorAll(selector)].map((element) => getComputedStyle(element)[property]))].join()';
    const of = (selector: string, property: string): Promise<unknown> =>
      page.evaluate(`(${styles})(${JSON.stringify(selector)}, ${JSON.stringify(property)})`);
    assert.equal(await of('tr', 'breakInside'), 'avoid');
    assert.equal(await of('figure', 'breakInside'), 'avoid');
    assert.equal(await of('h2', 'breakAfter'), 'avoid');
    assert.equal(await of('thead', 'display'), 'table-header-group');
    const pdf = Buffer.from(await page.print()).toString('latin1');
    const sheets = pdf.match(/\/Type\s*\/Page\b/g)?.length ?? 0;
    assert.ok(sheets >= 1 && sheets <= 3, `${name}: ${sheets} sheets`);
    assert.match(pdf, /\/MediaBox \[0 0 59[45][.\d]* 84[12]/, 'A4');
  }
});

test('nothing is fetched, nothing runs, and the browser complains of nothing', async (t) => {
  for (const [, url, page] of await openPages(t)) {
    await look(page, url, {});
    assert.equal(await page.evaluate("performance.getEntriesByType('resource').length"), 0);
    assert.equal(await page.evaluate("document.querySelectorAll('script, link, img, iframe').length"), 0);
    assert.deepEqual(page.complaints, []);
  }
});

test('what is left out of a table is there for whoever opens it', async (t) => {
  for (const [name, url, page] of await openPages(t)) {
    if (name !== 'report') continue;
    await look(page, url, {});
    const shown = "[...document.querySelectorAll('tbody tr')].filter((row) => row.checkVisibility()).length";
    const closed = Number(await page.evaluate(shown));
    await page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })");
    assert.ok(Number(await page.evaluate(shown)) > closed + 20);
    assert.equal(await page.evaluate(OVERFLOW), 0);
  }
});
