/**
 * Bad registries, at every command that speaks to one: each fault of each kind of request that the command makes, and which
 * error it ends in. Nothing is taken for an empty answer, and what was not pushed whole is not there.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { after, before, mock, test } from 'node:test';
import { COMMANDS } from '../../src/cli/command-table.ts';
import { ImageReference } from '../../src/core/image/reference.ts';
import { NotFoundError } from '../../src/errors.ts';
import { HttpClient, SYSTEM_CLOCK } from '../../src/io/net/http-client.ts';
import { RegistryClient } from '../../src/io/registry/registry-client.ts';
import { commandLine, KEY_PASSWORD, placeOf, prepareFiles, prepareImages } from '../parity/prepared-registry.ts';
import { REGISTRY_COMMANDS, type RegistryCommand } from '../parity/registry-commands.ts';
import { errorCode, Sandbox, type Ended } from '../support/command-line.ts';
import { faultyRegistry, type Fault, type FaultyRegistry, type RequestKind } from '../support/faulty-registry.ts';
import { hangsUp, says, sendsHalf, type Lie } from '../support/lying-registry.ts';
import { freePort } from '../support/peer-process.ts';
import { OCI_INDEX } from '../support/registry-server.ts';
import { SameProcess } from '../support/same-process.ts';

const sandbox = new Sandbox();
const line = new SameProcess(sandbox);
let registry: FaultyRegistry;
let closedHost: string;

before(async () => {
  // Pauses between repetitions take no time.
  mock.method(SYSTEM_CLOCK, 'sleep', () => Promise.resolve());
  registry = await faultyRegistry(sandbox.path('registry'));
  closedHost = `127.0.0.1:${await freePort()}`;
  await prepareFiles(sandbox, line, [registry.host, closedHost]);
  await prepareImages(line, sandbox, registry.host);
});

after(async () => {
  await registry.close();
  sandbox.remove();
});

const INDEX = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
const html = says(200, '<!doctype html><title>Log in</title>', { 'content-type': 'text/html' });
const endless: Lie = (response) => {
  response.writeHead(200, { 'content-type': OCI_INDEX });
  const more = (error?: Error | null): void => {
    if (error === undefined || error === null) response.write(Buffer.alloc(1 << 20, 0x20), more);
  };
  more();
};
const endlessPages: Lie = (response, request) => {
  const again = `<${request.url?.split('?')[0] ?? ''}?page=again>; rel="next"`;
  response.writeHead(200, { 'content-type': OCI_INDEX, link: again }).end(INDEX);
};

interface Row {
  readonly what: string;
  readonly kind: RequestKind;
  readonly lie: Lie;
  /** Only where a body is sent: what HEAD says without one, GET is asked for next, or is nobody's word but the registry's. */
  readonly isBody?: true;
  readonly code: RegExp;
}

const THROTTLED = says(429, '', { 'retry-after': '3600' });
const FAULTS: readonly Row[] = [
  { what: 'refuses', kind: 'tag', lie: says(403), code: /^AUTH_REGISTRY$/ },
  { what: 'throttles', kind: 'tag', lie: THROTTLED, code: /^REMOTE_THROTTLED$/ },
  { what: 'fails', kind: 'tag', lie: says(500), code: /^REMOTE_STATUS$/ },
  { what: 'hangs up', kind: 'tag', lie: hangsUp, code: /^REMOTE_UNREACHABLE$/ },
  { what: 'sends HTML', kind: 'tag', lie: html, code: /^FORMAT_MANIFEST$/ },
  { what: 'has none', kind: 'tag', lie: says(404), code: /^TAG_NOT_FOUND$/ },
  { what: 'never ends', kind: 'tag', lie: endless, isBody: true, code: /^REMOTE_BODY$/ },
  { what: 'fails', kind: 'manifest', lie: says(500), code: /^REMOTE_STATUS$/ },
  { what: 'sends half', kind: 'manifest', lie: sendsHalf(INDEX), isBody: true, code: /^REMOTE_BODY$/ },
  {
    what: 'sends another',
    kind: 'manifest',
    lie: says(200, INDEX, { 'content-type': OCI_INDEX }),
    isBody: true,
    code: /^(DIGEST_MISMATCH|COULD_NOT_CHECK)$/,
  },
  { what: 'fails', kind: 'attachment tag', lie: says(502), code: /^REMOTE_STATUS$/ },
  { what: 'sends HTML', kind: 'attachment tag', lie: html, code: /^(FORMAT_MANIFEST|REMOTE_BODY)$/ },
  { what: 'throttles', kind: 'referrers', lie: THROTTLED, code: /^REMOTE_THROTTLED$/ },
  { what: 'fails', kind: 'referrers', lie: says(500), code: /^REMOTE_STATUS$/ },
  {
    what: 'sends half',
    kind: 'referrers',
    lie: sendsHalf(INDEX, { 'content-type': OCI_INDEX }),
    code: /^REMOTE_BODY$/,
  },
  { what: 'never ends', kind: 'referrers', lie: endless, code: /^REMOTE_BODY$/ },
  { what: 'has pages without end', kind: 'referrers', lie: endlessPages, code: /^LIMIT_COUNT$/ },
  { what: 'refuses', kind: 'blob', lie: says(403), code: /^AUTH_REGISTRY$/ },
  { what: 'fails', kind: 'blob', lie: says(500), code: /^REMOTE_STATUS$/ },
  {
    what: 'sends another',
    kind: 'blob',
    lie: says(200, 'something else'),
    isBody: true,
    code: /^(DIGEST_MISMATCH|COULD_NOT_CHECK)$/,
  },
];

/** Those of cosign's names, and those that read a registry before they say or sign anything. */
const READING: readonly RegistryCommand[] = [
  ...REGISTRY_COMMANDS,
  {
    name: 'revoke sign',
    args: (host) => [
      ...['--key', 'cosign.key', '--use-signing-config=false', '--no-log', '--yes', '--reason', 'a drill'],
      `${host}/app:1`,
    ],
  },
];

/** What is left out because nothing depends on it, by command, kind of request and fault. Each is held to it. */
const GOES_ON: Readonly<Record<string, RegExp>> = {
  // Not to know who has signed is no reason not to sign (docs/decisions/0028).
  sign: /^(manifest|referrers|blob sends another)/,
  // There is a good signature beside the one that cannot be read.
  verify: /^(manifest|blob) sends another/,
  'dockerfile verify': /^(manifest|blob) sends another/,
  'manifest verify': /^(manifest|blob) sends another/,
  'download signature': /^(manifest|blob) sends another/,
  tree: /^blob sends another/,
};

function run(args: readonly string[]): Promise<Ended> {
  return line.run(args, { environment: KEY_PASSWORD });
}

function faultOf({ kind, isBody, lie }: Row): Fault {
  return { concerns: (request) => request.kind === kind && (isBody !== true || request.method === 'GET'), lie };
}

for (const command of READING) {
  const { name } = command;

  test(`${name}: each fault of each request that it makes has an error of its own`, async () => {
    registry.begin();
    const good = await run(commandLine(command, registry.host));
    assert.equal(good.exitCode, 0, good.stderr);
    const asked = registry.seen.map(({ kind, line: text }) => ({ kind, isGet: text.startsWith('GET ') }));
    const rows = FAULTS.filter(({ kind, isBody }) =>
      asked.some((request) => request.kind === kind && (isBody !== true || request.isGet)),
    );
    // Each reads at least an image or asks for a blob.
    assert.ok(rows.length >= 2);
    for (const row of rows) {
      registry.begin(faultOf(row));
      const ended = await run(commandLine(command, registry.host));
      const fault = `${row.kind} ${row.what}`;
      if (GOES_ON[name]?.test(fault) === true) {
        assert.deepEqual([ended.exitCode, errorCode(ended)], [0, ''], fault);
        // What could not be read is named, not passed over in silence.
        if (name !== 'sign') assert.match(ended.stdout + ended.stderr, /DIGEST_MISMATCH/, fault);
        continue;
      }
      assert.match(errorCode(ended), row.code, `${fault}: ${ended.exitCode} ${ended.stderr}`);
      assert.ok(ended.exitCode > 0 && ended.exitCode !== 10, fault);
      assert.equal(ended.stdout, '', fault);
    }
  });

  test(`${name}: a registry that is not there`, async () => {
    const gone = await run(commandLine(command, closedHost));
    assert.deepEqual([errorCode(gone), gone.exitCode, gone.stdout], ['REMOTE_UNREACHABLE', 23, ''], gone.stderr);
  });
}

test('a registry that never answers ends every command at its deadline', async () => {
  registry.begin({ concerns: () => true, lie: () => undefined });
  const waiting = [...READING];
  const worker = async (): Promise<void> => {
    for (let command = waiting.shift(); command !== undefined; command = waiting.shift()) {
      const args = [...commandLine(command, registry.host), '--timeout=700ms'];
      const ended = await sandbox.run(args, { environment: KEY_PASSWORD });
      assert.deepEqual([errorCode(ended), ended.exitCode, ended.stdout], ['LIMIT_TIME', 1, ''], command.name);
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
});

/** Everything that can be seen of the repositories below a prefix: tags, what they name, and what refers to that. */
async function stateOf(prefix: string): Promise<readonly string[]> {
  const http = new HttpClient();
  const client = new RegistryClient({ http });
  const found: string[] = [];
  for (const name of ['app', 'dirty', 'copy', 'loaded', 'blob', 'wasm']) {
    const repository = { registry: registry.host, repository: `${prefix}${name}` };
    const tags: string[] = [];
    try {
      for await (const tag of client.listTags(repository)) tags.push(tag);
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
    }
    for (const tag of tags.sort()) {
      const { digest } = await client.resolve(new ImageReference({ ...repository, tag }));
      const { descriptors } = await client.referrers(repository, digest);
      const referrers = descriptors.map((referrer) => referrer.digest.toString()).sort();
      found.push(`${name}:${tag} ${digest.toString()} < ${referrers.join(' ')}`);
    }
  }
  http.close();
  return found;
}

interface Pushing {
  readonly name: string;
  readonly flags?: readonly string[];
  /** What must not be there, or change, before everything else is. Of those without it, everything that can be seen. */
  readonly last?: string;
}

const PUSHING: readonly Pushing[] = [
  { name: 'sign', flags: ['--force'] },
  { name: 'sign', flags: ['--annotations=build=2', '--new-bundle-format=false'] },
  { name: 'sign', flags: ['--force', '--recursive'] },
  { name: 'attest' },
  { name: 'attest', flags: ['--new-bundle-format=false'] },
  { name: 'attach signature' },
  { name: 'attach attestation' },
  { name: 'attach sbom' },
  { name: 'upload blob' },
  { name: 'upload wasm' },
  // What belongs to an image is of no use without it, so the image comes last; and what is cleaned was there to be lost.
  { name: 'copy', last: 'copy:1' },
  { name: 'load', last: 'loaded:1' },
  { name: 'clean', last: 'dirty:1' },
];

for (const [index, { name, flags = [], last }] of PUSHING.entries()) {
  test(`${[name, ...flags].join(' ')}: whichever write fails, nothing is half pushed`, async () => {
    const command = REGISTRY_COMMANDS.find((known) => known.name === name);
    assert.ok(command !== undefined);
    const prefix = `place-${index}/`;
    registry.begin();
    await prepareImages(line, sandbox, registry.host, prefix);
    const args = [...commandLine(command, placeOf(registry.host, prefix)), ...flags];
    const visible = async (): Promise<readonly string[]> => {
      registry.begin();
      const state = await stateOf(prefix);
      return last === undefined ? state : state.filter((text) => text.startsWith(`${last} `));
    };
    const before = await visible();
    // What is written before stays where nobody sees it, so that each write has its turn to fail, and the last run goes well.
    const hadTheirTurn = new Set<string>();
    for (;;) {
      const counts = new Map<string, number>();
      let failed = '';
      const concerns: Fault['concerns'] = ({ kind, method, url }) => {
        if (kind !== 'write') return false;
        const write = `${method} ${url.split(/[?@]|sha256|uploads\/./)[0] ?? ''}`;
        const count = (counts.get(write) ?? 0) + 1;
        counts.set(write, count);
        if (failed !== '' || hadTheirTurn.has(`${write} ${count}`)) return false;
        failed = `${write} ${count}`;
        return true;
      };
      registry.begin({ concerns, lie: says(500) });
      const ended = await run(args);
      if (ended.exitCode === 0) break;
      hadTheirTurn.add(failed);
      assert.deepEqual([errorCode(ended), ended.exitCode, ended.stdout], ['REMOTE_STATUS', 23, ''], ended.stderr);
      assert.deepEqual(await visible(), before, failed);
    }
    assert.ok(hadTheirTurn.size >= 1);
    // An SBOM that is there already is there again.
    if (name !== 'clean' && name !== 'attach sbom') assert.notDeepEqual(await visible(), before);
  });
}

test('every command that has flags for registries is here, or judged where it belongs', async () => {
  const named = new Set(READING.map(({ name }) => name));
  for (const { entries } of COMMANDS) {
    for (const entry of entries) {
      const { name, flags } = await entry.load();
      if (!flags.some((flag) => flag.name === 'registry-cacert')) continue;
      const elsewhere = ELSEWHERE[name];
      assert.notEqual(named.has(name), elsewhere !== undefined, `${name}: neither here nor in ELSEWHERE, or both`);
      if (elsewhere === undefined) continue;
      const [file, title] = elsewhere;
      const text = readFileSync(resolve(import.meta.dirname, '..', file), 'utf8');
      assert.ok(text.includes(title), `${name}: ${file} has no test ${title}`);
    }
  }
});

/** They make findings of what they cannot read, one image among many; each has a test of its own for that. */
const ELSEWHERE: Readonly<Record<string, readonly [file: string, title: string]>> = {
  webhook: ['servers/webhook/could-not-check.test.ts', '500 for everything'],
  'policy learn': ['cli/policy-learn.test.ts', 'a registry that is down, and a tag that is gone are different answers'],
  'policy diff': ['cli/policy-diff.test.ts', 'what nobody could tell is no agreement'],
  'policy plan': ['cli/policy-plan.test.ts', "codes('Pod lost'), ['COULD_NOT_CHECK']"],
  'policy test': ['cli/policy-test.test.ts', 'what nobody could tell is neither refused nor admitted'],
  'audit snapshot': ['cli/audit.test.ts', "['undetermined', cause, 'COULD_NOT_CHECK']"],
  'audit keys': [
    'cli/audit-keys.test.ts',
    'a registry that fails in the middle: nobody can tell, and nothing is written',
  ],
  'revoke plan': ['cli/revoke-plan.test.ts', 'a registry that cannot be asked: said, counted, and no small number'],
  'revoke approve': ['cli/revoke-plan.test.ts', 'a registry that cannot be asked: said, counted, and no small number'],
  'revoke drill': ['workflows/drill-revocation.test.ts', 'an observer that fails for a while'],
  tabletop: ['cli/tabletop.test.ts', 'what could not be looked at is said, and makes no small number'],
  'revoke watch': ['cli/audit.test.ts', "['undetermined', cause, 'COULD_NOT_CHECK']"],
  doctor: ['cli/doctor.test.ts', 'a registry that is not there: REMOTE_UNREACHABLE'],
};
