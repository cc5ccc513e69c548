/** What moves while one waits: at a terminal only, and gone before anything else is said. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { isSpinnerShown, startSpinner, type SpinnerSetting } from '../../src/cli/terminal/spinner.ts';
import { holdStatusLine, Terminal } from '../../src/cli/terminal/terminal.ts';
import { SEALWRIGHT } from '../support/command-line.ts';
import { BENCH_PASSWORD, signingBench } from '../support/signing-bench.ts';
import { hasTerminal, inTerminal, type Shown } from '../support/terminal.ts';

const SHOWN: SpinnerSetting = {
  isTerminal: true,
  quiet: false,
  verbose: false,
  compat: false,
  environment: { TERM: 'xterm' },
  arguments: ['registry.example/app:1'],
};

test('it is shown to whoever looks on', () => {
  assert.equal(isSpinnerShown(SHOWN), true);
  assert.equal(isSpinnerShown({ ...SHOWN, environment: { CI: 'false' } }), true);
});

for (const [why, setting] of [
  ['stderr is a pipe', { isTerminal: false }],
  ['--quiet', { quiet: true }],
  ['--verbose', { verbose: true }],
  ['as cosign', { compat: true }],
  ['a CI job', { environment: { CI: 'true' } }],
  ['a CI job of another kind', { environment: { CI: '1' } }],
  ['a terminal that cannot erase', { environment: { TERM: 'dumb' } }],
  ['somebody types the input', { arguments: ['-'] }],
] as const) {
  test(`it is not shown: ${why}`, () => {
    assert.equal(isSpinnerShown({ ...SHOWN, ...setting }), false);
  });
}

test('nothing is drawn at first, then frames; other lines erase it, prompts hold it, its end leaves nothing', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  const pass = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 120) {
      nowMs += 120;
      t.mock.timers.tick(120);
    }
  };
  const drawn: string[] = [];
  const end = startSpinner('verifying', false, (text) => {
    drawn.push(text);
  });
  pass(360);
  assert.equal(drawn.length, 0);
  pass(240);
  assert.deepEqual(drawn, [`${ERASE}- verifying, 0 s`, `${ERASE}\\ verifying, 1 s`]);
  drawn.splice(0);
  new Terminal({ environment: {}, isTerminal: false, quiet: true }).progress('not said');
  assert.equal(drawn.length, 0);
  const release = holdStatusLine();
  assert.deepEqual(drawn, [ERASE]);
  pass(600);
  assert.equal(drawn.length, 1);
  release();
  pass(120);
  assert.equal(drawn.length, 2);
  end();
  assert.equal(drawn.at(-1), ERASE);
  const { length } = drawn;
  pass(600);
  end();
  assert.equal(drawn.length, length);
});

const ERASE = '\r\u001b[K';

/** What stands on the screen in the end: a line that is erased is not there any more. */
function remaining(screen: string): string {
  return screen
    .split('\n')
    .map((text) => text.split(ERASE).at(-1))
    .join('\n');
}

async function waiting(t: TestContext, args: readonly string[]): Promise<Shown & { readonly wasSeen: boolean }> {
  const { world, sandbox } = await signingBench(t);
  const { reference } = await world.pushImage();
  const { promise: seen, resolve: see } = Promise.withResolvers<boolean>();
  let wasSeen = false;
  // A registry that answers when somebody has seen that it is waited for.
  world.faults.set('HEAD /v2/demo/app/manifests/', async (_, usual) => {
    wasSeen = await seen;
    return usual();
  });
  const shown = await inTerminal(
    SEALWRIGHT,
    [...args, '--trusted-root', 'trusted_root.json', '--key', 'cosign.pub', reference.toString()],
    {
      cwd: sandbox.work,
      environment: { HOME: sandbox.home, LC_ALL: 'C.UTF-8', ...BENCH_PASSWORD },
      onScreen: (screen) => {
        if (/ verifying, \d+ s/.test(screen)) see(true);
      },
    },
  );
  return { ...shown, wasSeen };
}

test('at a terminal one sees that something is being done, and in the end only what it came to', async (t) => {
  if (!hasTerminal(t)) return;
  const { screen, exitCode, wasSeen } = await waiting(t, ['verify']);
  assert.equal(wasSeen, true);
  assert.equal(exitCode, 10, screen);
  assert.match(screen, /[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] verifying, \d+ s/);
  assert.doesNotMatch(remaining(screen), /verifying/);
  assert.match(remaining(screen), /NO_SIGNATURE/);
});
