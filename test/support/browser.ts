/** Chromium without a window, told what to do through its debugging protocol. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { HttpClient } from '../../src/io/net/http-client.ts';
import { temporaryFolder } from './registry-server.ts';

/** A page that never loads, because a policy forbids it, is a failure and not a wait. */
const PATIENCE_MS = 20_000;

export interface BrowserPage {
  /** Resolves when the page has loaded. */
  readonly open: (url: string) => Promise<void>;
  /** The value of an expression in the page; a promise is waited for. */
  readonly evaluate: (expression: string) => Promise<unknown>;
  /** Runs an expression that leads to another page, and resolves when that has loaded. */
  readonly follow: (expression: string) => Promise<void>;
  /** As a reader has it: a window or a sheet, light or dark. */
  readonly emulate: (view: BrowserView) => Promise<void>;
  /** The whole page as PNG. */
  readonly picture: () => Promise<Uint8Array>;
  /** What comes out of a printer, as PDF. */
  readonly print: () => Promise<Uint8Array>;
  /** What the browser complained about in its console, policy violations among it. */
  readonly complaints: string[];
}

export interface BrowserView {
  readonly width: number;
  readonly height: number;
  readonly media: 'screen' | 'print';
  readonly scheme: 'light' | 'dark';
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly entry?: { readonly text: string } };
  readonly error?: object;
  readonly result?: {
    readonly result?: { readonly value?: unknown };
    readonly exceptionDetails?: object;
    readonly data?: string;
  };
}

/** A new browser with one page and a profile of its own, which ends with the test. */
export async function startBrowser(t: Pick<TestContext, 'after'>, executable: string): Promise<BrowserPage> {
  const flags = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--hide-scrollbars',
    '--disable-lcd-text',
    '--remote-debugging-port=0',
  ];
  const profile = `--user-data-dir=${join(temporaryFolder(t), 'profile')}`;
  const child = spawn(executable, [...flags, profile, 'about:blank'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((done) => child.once('close', done));
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const port = await new Promise<string>((done, reject) => {
    let text = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const found = /ws:\/\/127\.0\.0\.1:(\d+)\//.exec(text)?.[1];
      if (found !== undefined) done(found);
    });
    child.once('exit', () => {
      reject(new Error(`chromium ended:\n${text}`));
    });
  });
  return attach(t, await pageSocket(port));
}

async function pageSocket(port: string): Promise<string> {
  const http = new HttpClient();
  const { body } = await http.request({ url: `http://127.0.0.1:${port}/json/list` });
  http.close();
  const pages = JSON.parse(Buffer.from(body).toString()) as { type: string; webSocketDebuggerUrl: string }[];
  return pages.find(({ type }) => type === 'page')?.webSocketDebuggerUrl ?? assert.fail('chromium has no page');
}

async function attach(t: Pick<TestContext, 'after'>, address: string): Promise<BrowserPage> {
  const socket = new WebSocket(address);
  const complaints: string[] = [];
  const answers = new Map<number, (message: Message) => void>();
  let onLoad = (): void => undefined;
  socket.addEventListener('message', (event) => {
    const message = JSON.parse(String(event.data)) as Message;
    if (message.id !== undefined) answers.get(message.id)?.(message);
    if (message.method === 'Page.loadEventFired') onLoad();
    if (message.method === 'Log.entryAdded') complaints.push(message.params?.entry?.text ?? '');
  });
  await new Promise((done) => {
    socket.addEventListener('open', done);
  });
  t.after(() => {
    socket.close();
  });
  let last = 0;
  const command = (method: string, params: object = {}): Promise<Message> => {
    last += 1;
    const id = last;
    return new Promise((done) => {
      answers.set(id, done);
      socket.send(JSON.stringify({ id, method, params }));
    });
  };
  const loading = (): Promise<void> =>
    new Promise((done, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`no page was loaded; chromium says: ${complaints.join(', ')}`));
      }, PATIENCE_MS);
      onLoad = () => {
        clearTimeout(timer);
        done();
      };
    });
  const evaluate = async (expression: string): Promise<unknown> => {
    const { result } = await command('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    assert.equal(result?.exceptionDetails, undefined, JSON.stringify(result));
    return result?.result?.value;
  };
  const bytes = async (method: string, params: object): Promise<Uint8Array> => {
    const { result, error } = await command(method, params);
    assert.ok(result?.data !== undefined, JSON.stringify(error));
    return Buffer.from(result.data, 'base64');
  };
  const after = async (start: () => Promise<unknown>): Promise<void> => {
    const loaded = loading();
    await start();
    await loaded;
  };
  await command('Page.enable');
  await command('Log.enable');
  return {
    open: (url) => after(() => command('Page.navigate', { url })),
    follow: (expression) => after(() => evaluate(expression)),
    evaluate,
    emulate: async ({ width, height, media, scheme }) => {
      await command('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
      const features = [{ name: 'prefers-color-scheme', value: scheme }];
      await command('Emulation.setEmulatedMedia', { media, features });
    },
    picture: () => bytes('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true }),
    print: () => bytes('Page.printToPDF', { preferCSSPageSize: true, printBackground: false }),
    complaints,
  };
}
