/**
 * What it costs to judge an image under many revocations: its digests, and each of its signatures.
 *   sh tools/node/run bench/revocation.ts [--count N] [--seconds N]
 *
 * The mix is that of a bad year: mostly digests, identities and keys, and a tenth patterns of one issuer, which have to be compared
 * one by one. None of them fits, so that all are looked at.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { encodeHex } from '../src/core/encoding/hex.ts';
import { utf8 } from '../src/core/encoding/bytes.ts';
import type { JsonValue } from '../src/core/encoding/json.ts';
import { sha256 } from '../src/core/crypto/digest.ts';
import { RevocationIndex } from '../src/core/revocation/revocation-index.ts';
import { FakeInstance, ISSUER } from '../test/support/instance.ts';
import { revocation, verified } from '../test/support/revocations.ts';
import { benchHeader } from './machine.ts';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '10000' }, seconds: { type: 'string', default: '2' } },
});
const count = Number(values.count);

const hex = (index: number): string => encodeHex(sha256(utf8(String(index))));
const KINDS: readonly ((index: number) => Record<string, JsonValue>)[] = [
  ...Array.from({ length: 5 }, () => (index: number) => ({ digest: [`sha256:${hex(index)}`] })),
  (index) => ({ identity: { issuer: ISSUER, subject: `user-${String(index)}@example.com` } }),
  (index) => ({ identity: { issuer: `${ISSUER}/${String(index)}`, subject: '*' } }),
  (index) => ({ identity: { issuer: ISSUER, subject: `https://github.com/team-${String(index)}/*@refs/heads/*` } }),
  (index) => ({ key: hex(index) }),
  (index) => ({ builder: { id: `https://builder.example/${String(index)}` } }),
];

const revocations = Array.from({ length: count }, (_, index) =>
  revocation((KINDS[index % KINDS.length] ?? KINDS[0])?.(index) ?? {}),
);
const began = performance.now();
const index = new RevocationIndex(revocations);
const built = performance.now() - began;
const instance = new FakeInstance();
const bundle = verified(instance);
const digests = [`sha256:${hex(-1)}`, `sha256:${hex(-2)}`];

const judge = (): boolean => index.image(digests) !== undefined || index.signature(bundle) !== undefined;
for (let round = 0; round < 1000; round++) judge();
const times: number[] = [];
const until = performance.now() + Number(values.seconds) * 1000;
while (performance.now() < until) {
  const start = performance.now();
  if (judge()) throw new Error('nothing here is revoked');
  times.push(performance.now() - start);
}
times.sort((a, b) => a - b);
const quantile = (part: number): string => ((times[Math.floor(times.length * part)] ?? 0) * 1000).toFixed(0);

const meaning = `One image with two digests and one signature, under ${String(count)} revocations of which none fits.`;
process.stdout.write(`${benchHeader('Judging under revocations', meaning)}

| Revocations | index built, ms | p50 µs | p99 µs | worst µs |
|---|---|---|---|---|
| ${String(count)} | ${built.toFixed(0)} | ${quantile(0.5)} | ${quantile(0.99)} | ${quantile(0.999999)} |
`);
