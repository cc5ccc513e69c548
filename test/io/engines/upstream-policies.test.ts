/** Policies and verdicts of upstream's own tests and samples (test/vectors/policy-languages). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import type { PolicyEngines } from '../../../src/io/engines/policy-engines.ts';
import {
  COSIGN_REGO_QUERY,
  POLICY_CONTROLLER_REGO_QUERY,
  cosignRegoVerdict,
  policyControllerRegoVerdict,
} from '../../../src/io/engines/rego-verdict.ts';
import { policyEngines } from '../../support/policy-engines.ts';

const VECTORS = resolve(import.meta.dirname, '../../vectors/policy-languages');

type Language = 'cue' | 'rego';
type Reading = 'cosign' | 'policy-controller';

interface UpstreamCase {
  readonly name: string;
  readonly origin: string;
  readonly reading: Reading;
  readonly language: Language;
  readonly policy: string;
  readonly input: unknown;
  readonly compliant: boolean;
  /** Part of the reason why not, or of the warning. */
  readonly reason?: string;
  readonly warning?: string;
}

interface Sample {
  readonly file: string;
  readonly language: Language;
  readonly policy: string;
}

interface Verdict {
  readonly compliant: boolean;
  readonly reason: string;
}

async function judge(
  engines: PolicyEngines,
  { language, reading, policy }: { language: Language; reading: Reading; policy: string },
  input: unknown,
): Promise<Verdict> {
  const source = [{ name: `policy.${language}`, text: policy }];
  const text = JSON.stringify(input);
  if (language === 'cue') {
    const result = await engines.evaluateCue({ files: source, input: text, reading });
    return { compliant: result.valid, reason: result.valid ? '' : result.reason };
  }
  const query = reading === 'cosign' ? COSIGN_REGO_QUERY : POLICY_CONTROLLER_REGO_QUERY;
  const results = await engines.evaluateRego({ modules: source, query, input: text });
  const verdict = reading === 'cosign' ? cosignRegoVerdict(results) : policyControllerRegoVerdict(results);
  return { compliant: verdict.compliant, reason: verdict.compliant ? '' : verdict.reasons.join('\n') };
}

const CASES = JSON.parse(readFileSync(resolve(VECTORS, 'cosign-evaluations.json'), 'utf8')) as readonly UpstreamCase[];

test("cosign's own tables: every policy judges its input as there, for the reason given there", async (t) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  assert.equal(CASES.length, 21);
  for (const one of CASES) {
    const verdict = await judge(engines, one, one.input);
    const name = `${one.origin}: ${one.name}`;
    // A warning refuses: policy-controller's webhook treats it as an error.
    assert.equal(verdict.compliant, one.compliant && one.warning === undefined, `${name}: ${verdict.reason}`);
    assert.ok(verdict.reason.includes(one.warning ?? one.reason ?? ''), `${name}: ${verdict.reason}`);
  }
});

const CUSTOM = 'https://cosign.sigstore.dev/attestation/v1';
const VULN = 'https://cosign.sigstore.dev/attestation/vuln/v1';
const custom = (Data: string, Timestamp = '2022-04-20T18:17:19Z'): object => ({
  predicateType: CUSTOM,
  predicate: { Data, Timestamp },
});
const scan = (scanStartedOn: string, uri = 'fakescanner.example.com/cosign-testing'): object => ({
  predicateType: VULN,
  predicate: {
    invocation: { uri: 'invocation.example.com/cosign-testing' },
    scanner: { uri },
    metadata: { scanStartedOn, scanFinishedOn: '2022-04-12T00:10:00Z' },
  },
});
const user = (User: string): object => ({ config: { 'linux/amd64': { config: { User } } } });
const match = { subject: 's', issuer: 'i' };
const authorities = (keyless: Record<string, object>): object => ({
  authorityMatches: {
    keyatt: { attestations: { vuln: [match] } },
    keysignature: { signatures: [match] },
    keylessatt: { attestations: keyless },
    keylesssignature: { signatures: [match] },
  },
});

/** For each sample, in the order of the file: inputs that comply, and inputs that do not. */
const SAMPLE_INPUTS: readonly { readonly comply: readonly object[]; readonly refuse: readonly object[] }[] = [
  { comply: [user('55554')], refuse: [user('65532'), { config: null }] },
  { comply: [user('65532')], refuse: [user('0'), { config: { 'linux/arm/v7': { config: { User: '0' } } } }] },
  { comply: [{ metadata: { labels: { foo: 'non-bar' } } }], refuse: [{ metadata: { labels: { foo: 'bar' } } }] },
  { comply: [{ metadata: { labels: { foo: 'bar', b: 'c' } } }], refuse: [{ metadata: { labels: { foo: 'x' } } }] },
  { comply: [{ spec: { serviceAccount: 'non-default' } }], refuse: [{ spec: { serviceAccount: 'default' } }] },
  { comply: [{ spec: { serviceAccount: 'default' } }], refuse: [{ spec: { serviceAccount: 1 } }] },
  { comply: [{ typemeta: { kind: 'Pod' } }], refuse: [{ typemeta: { kind: 'Deployment' } }] },
  { comply: [custom('foobar key e2e test')], refuse: [custom('foobar'), { predicateType: VULN }] },
  { comply: [custom('foobar e2e test')], refuse: [custom('foobar'), {}, { predicateType: CUSTOM }] },
  { comply: [custom('foobar e2e test')], refuse: [custom('foobar e2e test ')] },
  { comply: [custom('foobar prefix e2e test')], refuse: [custom('foobar e2e test')] },
  {
    comply: [custom('foobar e2e test')],
    refuse: [custom('foobar e2e test', '2049-10-09T17:10:28Z'), custom('foobar')],
  },
  {
    comply: [scan('2022-04-12T00:00:00Z')],
    refuse: [scan('2022-03-09T17:10:27Z'), scan('2022-04-15T17:10:27Z'), scan('2022-04-12T00:00:00Z', 'other')],
  },
  { comply: [authorities({ a: [match], b: [match] })], refuse: [authorities({ a: [match] }), authorities({})] },
  { comply: [custom('any')], refuse: [custom('any', '2049-10-09T17:10:27Z')] },
  { comply: [{ predicateType: 'https://spdx.dev/Document' }], refuse: [{ predicateType: CUSTOM }] },
];

const SAMPLES = JSON.parse(
  readFileSync(resolve(VECTORS, 'policy-controller-samples.json'), 'utf8'),
) as readonly Sample[];

test("policy-controller's samples: each admits what it is for, and refuses what it is against", async (t) => {
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  assert.equal(SAMPLES.length, SAMPLE_INPUTS.length);
  for (const [index, sample] of SAMPLES.entries()) {
    const { comply = [], refuse = [] } = SAMPLE_INPUTS[index] ?? {};
    const policy = { ...sample, reading: 'policy-controller' } as const;
    for (const [inputs, compliant] of [[comply, true] as const, [refuse, false] as const]) {
      for (const input of inputs) {
        const verdict = await judge(engines, policy, input);
        assert.equal(verdict.compliant, compliant, `${sample.file}: ${JSON.stringify(input)}: ${verdict.reason}`);
      }
    }
  }
});
