/** cosign's questions before something is logged for ever: the same questions, answers and ends in its mode, none by default. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Ended } from '../support/command-line.ts';
import { SEALWRIGHT } from '../support/command-line.ts';
import { interop } from '../support/interop.ts';
import { BENCH_PASSWORD, signingBench, type SigningBench } from '../support/signing-bench.ts';
import { hasTerminal, inTerminal } from '../support/terminal.ts';

const QUESTION = 'Are you sure you would like to continue? [y/N] ';
const TERMS = 'https://lfprojects.org/policies/hosted-project-tools-terms-of-use/';
const RECORDS = 'https://lfprojects.org/policies/hosted-project-tools-immutable-records/';
const LOG = 'POST /api/v1/log/entries';

interface Bench extends SigningBench {
  readonly image: string;
  /** Services by flags, as cosign takes them. */
  readonly named: readonly string[];
  readonly configured: readonly string[];
  readonly about: Readonly<Record<string, readonly string[]>>;
}

async function bench(t: TestContext): Promise<Bench> {
  const made = await signingBench(t);
  made.write('blob', 'a blob');
  made.write('predicate.json', '{}');
  const { reference, digest } = await made.world.pushImage();
  const image = `${reference.context}@${digest.toString()}`;
  return {
    ...made,
    image,
    named: ['--use-signing-config=false', '--rekor-url', made.world.url, '--trusted-root', 'trusted_root.json'],
    configured: ['--signing-config', 'signing_config.json', '--trusted-root', 'trusted_root.json'],
    about: {
      sign: [image],
      attest: ['--predicate', 'predicate.json', image],
      'sign-blob': ['--bundle', 'sign-blob.json', 'blob'],
      'attest-blob': ['--predicate', 'predicate.json', '--bundle', 'attest-blob.json', 'blob'],
    },
  };
}

/** What of the two must be equal. */
function told({ exitCode, stderr, stdout }: Ended, logged: number): object {
  return {
    exitCode,
    stdout,
    logged,
    isStatementShown: stderr.includes(TERMS) && stderr.includes(RECORDS),
    asked: stderr.split(QUESTION).length - 1,
    isDeclined: stderr.includes('user declined the prompt'),
    invalid: /invalid input "[^"]*" \(allowed values y, n\)/.exec(stderr)?.[0],
    isPrivate: stderr.includes('appears to be a private repository, please confirm uploading to the transparency log'),
    isNotLogged: stderr.includes('not uploading to transparency log'),
  };
}

interop(
  'cosign',
  'both',
  'as cosign, sign and sign-blob asks before it logs with services that flags name, unless --yes',
  async (t, executable) => {
    const { sandbox, named, about, asked } = await bench(t);
    const environment = BENCH_PASSWORD;
    const one = async (who: 'ours' | 'theirs', args: readonly string[], input: string): Promise<object> => {
      const before = asked(LOG);
      const ended =
        who === 'ours'
          ? await sandbox.run(['--compat', 'cosign', ...args], { environment, input })
          : await withInput(executable, args, { cwd: sandbox.work, home: sandbox.home, input });
      return told(ended, asked(LOG) - before);
    };
    for (const command of ['sign', 'sign-blob']) {
      const args = [command, ...named, '--key', 'cosign.key'];
      for (const input of command === 'sign' ? ['', 'Y', 'yes\n'] : ['n\n', 'y\n']) {
        const line = [...args, ...(about[command] ?? [])];
        assert.deepEqual(await one('ours', line, input), await one('theirs', line, input), `${command} ${input}`);
      }
      const told = await one('ours', [...args, '--yes', ...(about[command] ?? [])], '');
      assert.deepEqual(told, await one('theirs', [...args, '--yes', ...(about[command] ?? [])], ''));
      assert.deepEqual([(told as { asked: number }).asked, (told as { exitCode: number }).exitCode], [0, 0]);
    }
    for (const command of ['attest', 'attest-blob']) {
      const line = [command, ...named, '--key', 'cosign.key', ...(about[command] ?? [])];
      assert.deepEqual(await one('ours', line, ''), await one('theirs', line, ''), command);
    }
  },
);

test('as cosign, sign asks before it logs with services that flags name, and logs nothing unless told so', async (t) => {
  const { sandbox, named, about, asked } = await bench(t);
  const run = (input: string, ...flags: readonly string[]): Promise<Ended> =>
    sandbox.run(['--compat', 'cosign', 'sign', ...named, '--key', 'cosign.key', ...flags, ...(about['sign'] ?? [])], {
      environment: BENCH_PASSWORD,
      input,
    });
  const refused = await run('');
  assert.equal(refused.exitCode, 1);
  assert.match(refused.stderr, /Error: user declined the prompt$/m);
  assert.ok(refused.stderr.includes(QUESTION));
  assert.equal(asked(LOG), 0);
  const agreed = await run('y\n');
  assert.equal(agreed.exitCode, 0, agreed.stderr);
  const yes = await run('', '--yes');
  assert.equal(yes.exitCode, 0, yes.stderr);
  assert.ok(!yes.stderr.includes(QUESTION));
  const unlogged = await run('', '--tlog-upload=false');
  assert.ok(!unlogged.stderr.includes(TERMS), unlogged.stderr);
  assert.equal(asked(LOG), 2);
});

test('by default nobody is asked, with services by flags or by a signing config', async (t) => {
  const { ours, named, configured, about } = await bench(t);
  for (const services of [named, configured]) {
    for (const [command, more] of Object.entries(about)) {
      const ended = await ours(command, ...services, '--key', 'cosign.key', ...more);
      assert.equal(ended.exitCode, 0, ended.stderr);
      assert.ok(!ended.stderr.includes(QUESTION) && !ended.stderr.includes(TERMS), ended.stderr);
    }
  }
});

interop(
  'cosign',
  'both',
  'an image that not everybody may read: both ask whether to log it, and sign without the log when told not to',
  async (t, executable) => {
    const { world, sandbox, named, about, asked } = await bench(t);
    // Whoever shows nothing sees nothing.
    world.faults.set('GET /v2/demo/app/manifests/', async (request, usual) =>
      request.headers.has('authorization') ? usual() : new Response('{}', { status: 401, headers: BASIC }),
    );
    world.faults.set('HEAD /v2/demo/app/manifests/', async (request, usual) =>
      request.headers.has('authorization') ? usual() : new Response(null, { status: 401, headers: BASIC }),
    );
    world.faults.set('GET /v2/', async (request, usual) =>
      request.headers.has('authorization') || new URL(request.url).pathname !== '/v2/'
        ? usual()
        : new Response('{}', { status: 401, headers: BASIC }),
    );
    const login = ['--registry-username', 'somebody', '--registry-password', 'of the registry'];
    const line = ['sign', ...named, ...login, '--key', 'cosign.key', ...(about['sign'] ?? [])];
    const one = async (run: () => Promise<Ended>): Promise<object> => {
      const before = asked(LOG);
      return told(await run(), asked(LOG) - before);
    };
    for (const input of ['n\n', '']) {
      const ours = await one(() =>
        sandbox.run(['--compat', 'cosign', ...line], { environment: BENCH_PASSWORD, input }),
      );
      const theirs = await one(() => withInput(executable, line, { cwd: sandbox.work, home: sandbox.home, input }));
      assert.deepEqual(ours, theirs, JSON.stringify(input));
      assert.deepEqual(
        [ours, theirs].map((value) => (value as { isPrivate: boolean }).isPrivate),
        [true, true],
      );
    }
  },
);

const BASIC = { 'www-authenticate': 'Basic realm="here"' };

const WHERE = 'GET /oidc/.well-known/openid-configuration';

for (const command of ['sign', 'attest', 'sign-blob', 'attest-blob']) {
  test(`as cosign, ${command} at a terminal, asks before a browser is opened, unless --yes`, async (t) => {
    if (!hasTerminal(t)) return;
    const { sandbox, configured, about, asked } = await bench(t);
    const run = (text: string, ...flags: readonly string[]): ReturnType<typeof inTerminal> =>
      inTerminal(SEALWRIGHT, ['--compat', 'cosign', command, ...configured, ...flags, ...(about[command] ?? [])], {
        cwd: sandbox.work,
        environment: { HOME: sandbox.home },
        typed: { after: QUESTION, text },
      });
    const declined = await run('n\n');
    assert.equal(declined.exitCode, 1);
    assert.match(declined.screen, /user declined the prompt/);
    assert.ok(declined.screen.includes(TERMS));
    assert.equal(asked(WHERE), 0);
    const yes = await run('', '--yes');
    assert.ok(!yes.screen.includes(QUESTION), yes.screen);
    assert.ok(yes.screen.includes(TERMS));
    // The issuer of the bench says nothing that could be used: that it is asked is enough.
    assert.equal(asked(WHERE), 1);
  });
}

interop(
  'cosign',
  'both',
  'at a terminal both ask before a browser is opened, and end the same',
  async (t, executable) => {
    if (!hasTerminal(t)) return;
    const { sandbox, configured, about, asked } = await bench(t);
    const one = async (who: 'ours' | 'theirs', text: string, ...flags: readonly string[]): Promise<object> => {
      const before = asked(WHERE);
      const { exitCode, screen } = await inTerminal(
        who === 'ours' ? SEALWRIGHT : executable,
        [
          ...(who === 'ours' ? ['--compat', 'cosign'] : []),
          'attest',
          ...configured,
          ...flags,
          ...(about['attest'] ?? []),
        ],
        { cwd: sandbox.work, environment: { HOME: sandbox.home }, typed: { after: QUESTION, text } },
      );
      return told({ exitCode, stdout: '', stderr: screen }, asked(WHERE) - before);
    };
    for (const [text, flags] of [
      ['n\n', []],
      ['y\n', []],
      ['', ['--yes']],
      ['', ['--fulcio-auth-flow', 'normal']],
    ] as const) {
      assert.deepEqual(await one('ours', text, ...flags), await one('theirs', text, ...flags), text + flags.join(' '));
    }
  },
);

async function withInput(
  executable: string,
  args: readonly string[],
  { cwd, home, input }: { readonly cwd: string; readonly home: string; readonly input: string },
): Promise<Ended> {
  const { spawn } = await import('node:child_process');
  const child = spawn(executable, args, { cwd, env: { PATH: process.env['PATH'], HOME: home, ...BENCH_PASSWORD } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ exitCode: code ?? 128, stdout, stderr });
    });
  });
}
