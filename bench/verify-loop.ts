/**
 * How many bundles one core verifies in a second, beside @sigstore/verify in the same run.
 *   taskset -c 0 sh tools/node/run bench/verify-loop.ts [--seconds N] [--rounds N]
 *
 * One verification is: the bundle's JSON text in, every check, the signer out. The trusted root is parsed once and kept,
 * as a service keeps it. We remember which of the last 4,096 certificates and 1,024 checkpoints had good signatures, so one
 * bundle over and over is cheaper than bundles that are each new; both are measured, the latter with more bundles than are
 * remembered. Signatures over artifacts, timestamps, SCTs and promises are verified every time.
 *
 * Processor time counts, and of many short rounds the best one: whatever else the machine does falls out.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot as ProtoTrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { encodeBundle } from '../src/core/bundle/bundle-encoder.ts';
import { parseBundle } from '../src/core/bundle/bundle.ts';
import { utf8 } from '../src/core/encoding/bytes.ts';
import { encodeTrustedRoot, parseTrustedRoot } from '../src/core/trust/trusted-root.ts';
import { verifyBundle } from '../src/core/verify/verify-bundle.ts';
import { FakeInstance, FakeLog, ISSUER, SUBJECT } from '../test/support/instance.ts';
import { findShared } from '../test/support/shared.ts';
import { benchHeader } from './machine.ts';

interface Case {
  readonly name: string;
  readonly bundles: readonly string[];
  readonly trustedRoot: string;
  readonly artifact: Uint8Array;
  readonly subject: string;
  readonly issuer: string;
}

const ACTIONS = 'https://token.actions.githubusercontent.com';
const BEACON =
  'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main';

/** A bundle that the official conformance suite recorded, with its own trusted root or the public instance's. */
function recorded(name: string, what: string): Case | undefined {
  const folder = findShared(`conformance/bundle-verify/${name}`);
  const artifact = findShared('conformance/bundle-verify/a.txt');
  const root =
    findShared(`conformance/bundle-verify/${name}/trusted_root.json`) ??
    findShared('trust/production/trusted_root.json');
  if (folder === undefined || artifact === undefined || root === undefined) return undefined;
  return {
    name: `${what}, recorded, one over and over`,
    bundles: [readFileSync(join(folder, 'bundle.sigstore.json'), 'utf8')],
    trustedRoot: readFileSync(root, 'utf8'),
    artifact: readFileSync(artifact),
    subject: BEACON,
    issuer: ACTIONS,
  };
}

/** The same shapes from an instance in memory, with P-384 CA and TSA as the public instance has them. */
function synthetic(distinct: number): readonly Case[] {
  const instance = new FakeInstance('ecdsa-p384');
  const artifact = utf8('the artifact');
  const base = { artifact, trustedRoot: encodeTrustedRoot(instance.trustedRoot), subject: SUBJECT, issuer: ISSUER };
  const bundles = (api: 'rekor-v1' | 'rekor-v2', unstamped: boolean): readonly string[] => {
    const { name, key } = api === 'rekor-v1' ? instance.logV1 : instance.logV2;
    let log = new FakeLog(api, name, { key });
    return Array.from({ length: distinct }, (_, index) => {
      // The fake log computes its tree anew for each entry: a new tree now and then keeps that short.
      if (index % 100 === 99) log = new FakeLog(api, name, { key });
      return encodeBundle(instance.signMessage(artifact, { log, unstamped }));
    });
  };
  return [
    { ...base, name: 'Rekor v1, each a new one', bundles: bundles('rekor-v1', true) },
    { ...base, name: 'Rekor v2 and TSA, each a new one', bundles: bundles('rekor-v2', false) },
  ];
}

/** Takes the next one each time. */
function cycle(bundles: readonly string[]): () => string {
  let at = 0;
  return () => bundles[at++ % bundles.length] ?? '';
}

type Contender = (test: Case) => () => unknown;

const ours: Contender = ({ bundles, trustedRoot, artifact, subject, issuer }) => {
  const [root, next] = [parseTrustedRoot(trustedRoot), cycle(bundles)];
  const identity = { subject: { kind: 'exact', value: subject }, issuer: { kind: 'exact', value: issuer } } as const;
  return () =>
    verifyBundle({
      bundle: parseBundle(next()),
      artifact: { kind: 'bytes', bytes: artifact },
      trustedRoot: root,
      signer: { kind: 'identities', identities: [identity] },
    });
};

const sigstoreVerify: Contender = ({ bundles, trustedRoot, artifact, subject, issuer }) => {
  const material = toTrustMaterial(ProtoTrustedRoot.fromJSON(JSON.parse(trustedRoot)));
  const verifier = new Verifier(material, { tlogThreshold: 1, ctlogThreshold: 1, timestampThreshold: 1 });
  // It always takes patterns; these are the exact texts.
  const exactly = new RegExp(`^${RegExp.escape(subject)}$`);
  const policy = { subjectAlternativeName: exactly, extensions: { issuer } };
  const [bytes, next] = [Buffer.from(artifact), cycle(bundles)];
  return () => verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(next())), bytes), policy);
};

/** Runs for about `seconds`; a first tenth of that warms up and does not count. Milliseconds of processor time for each. */
function measure(run: () => unknown, seconds: number): number {
  loop(run, seconds * 100);
  const cpu = process.cpuUsage();
  const count = loop(run, seconds * 1000);
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / 1000 / count;
}

function loop(run: () => unknown, milliseconds: number): number {
  const until = performance.now() + milliseconds;
  let count = 0;
  while (performance.now() < until) {
    run();
    count++;
  }
  return count;
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '0.5' },
    rounds: { type: 'string', default: '12' },
    distinct: { type: 'string', default: '4500' },
  },
});
const [seconds, rounds] = [Number(values.seconds), Number(values.rounds)];
const cases = [
  recorded('happy-path-v0.3', 'Rekor v1'),
  recorded('rekor2-happy-path', 'Rekor v2 and TSA'),
  ...synthetic(Number(values.distinct)),
].filter((found) => found !== undefined);

const rows = cases.map((test) => {
  const [mine, other] = [ours(test), sigstoreVerify(test)];
  let [best, bestOfOther] = [Infinity, Infinity];
  // Turns, so that a noisy minute falls on both.
  for (let round = 0; round < rounds; round++) {
    best = Math.min(best, measure(mine, seconds));
    bestOfOther = Math.min(bestOfOther, measure(other, seconds));
  }
  const perSecond = [best, bestOfOther].map((cpuMs) => (1000 / cpuMs).toFixed(0));
  const times = [best, bestOfOther].map((cpuMs) => cpuMs.toFixed(2));
  return `| ${test.name} | ${perSecond.join(' | ')} | ${(bestOfOther / best).toFixed(1)} | ${times.join(' | ')} |`;
});

console.log(
  [
    benchHeader(
      'Verifying in a loop',
      'Bundles verified in a second of one core by one process, from JSON text to signer, trusted root kept; best rounds.',
    ),
    `- cores this process may use: ${availableParallelism()}; ${rounds} rounds of ${seconds} s, in turns`,
    '- @sigstore/verify checks less: no purposes of certificates, no key in the log entry (docs/conformance.md)',
    '',
    '| Bundle | sealwright /s | @sigstore/verify /s | factor | sealwright CPU ms | @sigstore/verify CPU ms |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n'),
);
