/**
 * policy-controller's own offline tester as the oracle: the same policies and images, the same verdicts, and for every
 * refusal of its own a code of ours. What differs on purpose is in a table of its own.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { imageSignatureStatement } from '../../../src/core/attestation/image-signature.ts';
import { encodeStatement } from '../../../src/core/attestation/statement.ts';
import { PrivateKey } from '../../../src/core/crypto/private-key.ts';
import type { JsonObject } from '../../../src/core/encoding/json.ts';
import type { ImageReference } from '../../../src/core/image/reference.ts';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { openPolicyFiles } from '../../../src/servers/webhook/policy-files.ts';
import { createWebhook } from '../../../src/servers/webhook/webhook.ts';
import { ISSUER, SUBJECT, type DraftInput } from '../../support/instance.ts';
import { peer } from '../../support/peers.ts';
import { policyEngines } from '../../support/policy-engines.ts';
import { attestationLayer, pushLayers, signedLayer } from '../../support/signature-layers.ts';
import { ask, pod } from './review.ts';
import { trustRoot } from './trust-root-document.ts';
import { World } from './world.ts';

const KEY = PrivateKey.generate('ecdsa-p256');
const OTHER = PrivateKey.generate('ecdsa-p256');
const VULN = 'https://cosign.sigstore.dev/attestation/vuln/v1';
const BY_KEY: DraftInput = { key: KEY, managed: true };
const BY_OTHER: DraftInput = { key: OTHER, managed: true };
const BY_BOB: DraftInput = {
  leaf: { names: [{ kind: 'email', value: 'bob@example.com' }], fulcio: { issuer: ISSUER } },
};

const IMAGES: Readonly<Record<string, readonly ['sig' | 'att', DraftInput, JsonObject?][]>> = {
  unsigned: [],
  'by-key': [['sig', BY_KEY]],
  'by-other': [['sig', BY_OTHER]],
  'by-both': [
    ['sig', BY_OTHER],
    ['sig', BY_KEY],
  ],
  'by-alice': [['sig', {}]],
  'by-bob': [['sig', BY_BOB]],
  unstamped: [['sig', { ...BY_KEY, unstamped: true }]],
  scanned: [['att', BY_KEY, { scanner: { result: 'clean' } }]],
  dirty: [['att', BY_KEY, { scanner: { result: 'dirty' } }]],
  'scanned-by-other': [['att', BY_OTHER, { scanner: { result: 'clean' } }]],
};

const PEM = JSON.stringify(KEY.publicKey.toPem());
/** Without the URL policy-controller's conversion between versions loses the reference. */
const LAB = 'ctlog: {url: "https://rekor.example.com", trustRootRef: lab}';
const keyless = (who: string): string => `{keyless: {identities: [${who}], trustRootRef: lab}, ${LAB}}`;
const attested = (program = ''): string =>
  `{key: {data: ${PEM}}, attestations: [{name: scan, predicateType: "${VULN}"${program}}]}`;
const cue = (text: string): string => `policy: {type: cue, data: ${JSON.stringify(text)}}`;
const rego = (body: string): string => `policy: {type: rego, data: ${JSON.stringify(`package sigstore\n${body}`)}}`;
const CLEAN_REGO = 'isCompliant { input.predicate.scanner.result == "clean" }';

/** Members of a policy's spec beside the images. */
const POLICIES: Readonly<Record<string, string>> = {
  pass: 'authorities: [{static: {action: pass}}]',
  fail: 'authorities: [{static: {action: fail, message: closed}}]',
  'fail or key': `authorities: [{static: {action: fail}}, {key: {data: ${PEM}}}]`,
  key: `authorities: [{key: {data: ${PEM}}}]`,
  'logged key': `authorities: [{key: {data: ${PEM}}, ${LAB}}]`,
  'SHA-512 key': `authorities: [{key: {data: ${PEM}, hashAlgorithm: sha512}}]`,
  alice: `authorities: [${keyless(`{issuer: "${ISSUER}", subject: ${SUBJECT}}`)}]`,
  'a part of a name': `authorities: [${keyless(`{issuer: "${ISSUER}", subjectRegExp: "lice@"}`)}]`,
  'another issuer': `authorities: [${keyless(`{issuer: "https://other", subjectRegExp: ".*"}`)}]`,
  'alice or key': `authorities: [${keyless(`{issuer: "${ISSUER}", subject: ${SUBJECT}}`)}, {key: {data: ${PEM}}}]`,
  scan: `authorities: [${attested()}]`,
  'clean in CUE': `authorities: [${attested(`, ${cue('predicate: scanner: result: "clean"')}`)}]`,
  'clean in Rego': `authorities: [${attested(`, ${rego(CLEAN_REGO)}`)}]`,
  'a field that is not there': `authorities: [${attested(`, ${cue('predicate: more: "x"')}`)}]`,
  'Rego with a warning': `authorities: [${attested(`, ${rego('isCompliant = [{"result": true, "warning": "w"}]')}`)}]`,
  'condition kept': `authorities: [{name: k, key: {data: ${PEM}}}], ${cue('authorityMatches: k: signatures: [...{id: string}]')}`,
  'condition not kept': `authorities: [{name: k, key: {data: ${PEM}}}], ${cue('authorityMatches: k: signatures: [...{id: "x"}]')}`,
  'condition about nobody': `authorities: [{static: {action: pass}}], ${rego('isCompliant { input.authorityMatches["authority-0"].static }')}`,
  'timestamped key': `authorities: [{key: {data: ${PEM}}, rfc3161timestamp: {trustRootRef: lab}}]`,
  'TrustRoot alone': `authorities: [{keyless: {identities: [{issuer: "${ISSUER}", subject: ${SUBJECT}}], trustRootRef: lab}}]`,
  'warn mode': `mode: warn, authorities: [{key: {data: ${PEM}}}]`,
};

/** What policy-controller says, and the codes with which this says it. */
const MESSAGES: readonly (readonly [theirs: RegExp, ours: readonly string[]])[] = [
  [
    /disallowed by static policy/,
    ['POLICY_DENIED', 'NO_SIGNATURE', 'KEY_MISMATCH', 'SIGNATURE_INVALID', 'IDENTITY_MISMATCH'],
  ],
  [/warning: w/, ['POLICY_DENIED']],
  [/no signatures found/, ['NO_SIGNATURE']],
  [/none of the expected identities matched/, ['IDENTITY_MISMATCH']],
  [
    /no matching signatures/,
    ['TIMESTAMP_MISSING', 'TIMESTAMP_UNTRUSTED', 'SIGNATURE_INVALID', 'KEY_MISMATCH', 'IDENTITY_MISMATCH'],
  ],
  [/failed evaluating (cue|rego) policy/, ['POLICY_DENIED']],
  [/no matching attestations/, ['POLICY_DENIED', 'KEY_MISMATCH', 'SIGNATURE_INVALID', 'IDENTITY_MISMATCH']],
];

/** Policy and image for which the verdicts differ, and why. */
const DIFFERENCES: ReadonlyMap<string, string> = new Map([
  ['timestamped key, unstamped', 'it lets a signature without timestamp pass where the policy names an authority'],
  ['TrustRoot alone, by-alice', 'it does not look at the log that proves when the certificate was used'],
]);

test('policies and images are judged as policy-controller judges them', async (t) => {
  const tester = peer(t, 'policy-tester');
  if (tester === undefined) return;
  const engines = await policyEngines(t);
  if (engines === undefined) return;
  const world = await World.open(t);
  const dir = mkdtempSync(join(tmpdir(), 'sealwright-oracle-'));
  const http = new HttpClient({ offline: true });
  t.after(() => {
    http.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const roots = join(dir, 'trust-root.yaml');
  // policy-controller reads logs with ECDSA keys only.
  const lab = trustRoot(world.instance, (spec) => {
    spec['tLogs'] = spec['tLogs']!.filter((log) => JSON.stringify(log).includes(world.instance.logV1.instance.baseUrl));
  });
  writeFileSync(roots, lab);
  const images = new Map<string, ImageReference>();
  for (const [name, layers] of Object.entries(IMAGES)) images.set(name, await pushImage(world, name, layers));

  for (const [what, members] of Object.entries(POLICIES)) {
    const text = `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: p}
spec: {images: [{glob: "**"}], ${members}}
`;
    const file = join(dir, 'policy.yaml');
    writeFileSync(file, text);
    writeFileSync(join(dir, 'both.yaml'), `${text}---\n${lab}\n`);
    const policies = await openPolicyFiles({ paths: [join(dir, 'both.yaml')], rereadMs: 0 });
    const webhook = createWebhook({
      policies,
      registry: world.client,
      trustedRoot: world.instance.trustedRoot,
      engines: () => Promise.resolve(engines),
      now: () => new Date(),
    });
    t.after(() => webhook.close());
    for (const [name, image] of images) {
      await t.test(`${what}, ${name}`, async () => {
        const digestName = `${image.context}@${image.digest!.toString()}`;
        const [theirs, ours] = await Promise.all([
          runTester(tester, ['--policy', file, '--trustroot', roots, '--image', digestName]),
          ask(webhook.routes, 'mutate', { object: pod(image.toString()) }),
        ]);
        const difference = DIFFERENCES.get(`${what}, ${name}`);
        assert.equal(
          ours.allowed,
          difference === undefined ? theirs.isAdmitted : !theirs.isAdmitted,
          texts(theirs, ours),
        );
        if (theirs.hasWarnings) assert.ok(ours.warnings.length > 0, texts(theirs, ours));
        if (ours.allowed || difference !== undefined) return;
        const [, codes] = MESSAGES.find(([pattern]) => pattern.test(theirs.output)) ?? [];
        assert.ok(codes?.some((code) => ours.message.startsWith(`${code}  `)) === true, texts(theirs, ours));
      });
    }
  }
});

function texts(theirs: Verdict, ours: { readonly message: string }): string {
  return `policy-controller: ${theirs.output}\nhere: ${ours.message || 'admitted'}`;
}

async function pushImage(world: World, name: string, layers: (typeof IMAGES)[string]): Promise<ImageReference> {
  const image = await world.push(name);
  const digest = image.digest!;
  for (const kind of ['sig', 'att'] as const) {
    const own = layers.filter(([each]) => each === kind);
    if (own.length === 0) continue;
    const made = own.map(([, input, predicate = {}]) =>
      kind === 'sig'
        ? signedLayer(world.instance, digest, input)
        : attestationLayer(
            world.instance,
            encodeStatement({ ...imageSignatureStatement(digest), predicateType: VULN, predicate }),
            input,
          ),
    );
    await pushLayers(world.client, image, digest, made, kind);
  }
  return image;
}

interface Verdict {
  readonly isAdmitted: boolean;
  readonly hasWarnings: boolean;
  readonly output: string;
}

async function runTester(executable: string, args: readonly string[]): Promise<Verdict> {
  const environment = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' };
  try {
    const { stdout } = await promisify(execFile)(executable, args, { env: environment, timeout: 60_000 });
    return { isAdmitted: true, hasWarnings: stdout.includes('"warnings"'), output: stdout };
  } catch (error) {
    const { stdout = '', stderr = '', code } = error as { stdout?: string; stderr?: string; code?: number };
    assert.equal(code, 1, `${stdout}${stderr}`);
    // The tester also fails on warnings alone; the webhook admits those.
    const { errors = [], warnings = [] } = JSON.parse(stdout || '{}') as { errors?: string[]; warnings?: string[] };
    return {
      isAdmitted: errors.length === 0 && stdout !== '',
      hasWarnings: warnings.length > 0,
      output: stdout + stderr,
    };
  }
}
