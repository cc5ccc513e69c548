/** What each flag of the verifying commands changes: one command line that passes, and one that does not, for its sake. */
import { encodeBase64 } from '../../src/core/encoding/base64.ts';
import { encodeSimpleSigning } from '../../src/core/bundle/simple-signing.ts';
import { PrivateKey } from '../../src/core/crypto/private-key.ts';
import { utf8 } from '../../src/core/encoding/bytes.ts';
import { legacyTag } from '../../src/core/image/attached-tag.ts';
import { ISSUER, SUBJECT } from '../support/instance.ts';
import { pushLayers, signedLayer } from '../support/signature-layers.ts';
import { pushImage } from '../support/signing-world.ts';
import { IMAGE_COMMANDS, VERIFY_COMMANDS, type VerifyCommand, type VerifyWorld } from './verify-world.ts';

export interface FlagCase {
  /** Without dashes. */
  readonly flags: readonly string[];
  readonly commands: readonly VerifyCommand[];
  /** Command lines that pass, each with one that does not, and the code that it ends with. */
  readonly lines: (
    world: VerifyWorld,
    command: VerifyCommand,
  ) => Promise<{
    readonly passes: readonly string[];
    readonly fails: readonly string[];
    readonly code: RegExp;
  }>;
}

const ROOT = ['--trusted-root', 'root.json'];
const WHO = ['--certificate-identity', SUBJECT, '--certificate-oidc-issuer', ISSUER];
const WORKFLOW = {
  'certificate-github-workflow-trigger': 'githubWorkflowTrigger',
  'certificate-github-workflow-sha': 'githubWorkflowSha',
  'certificate-github-workflow-name': 'githubWorkflowName',
  'certificate-github-workflow-repository': 'githubWorkflowRepository',
  'certificate-github-workflow-ref': 'githubWorkflowRef',
} as const;

/** Two command lines that differ in one flag's value, or in the flag. */
const differing = (
  flags: readonly string[],
  of: (world: VerifyWorld, command: VerifyCommand) => Promise<readonly string[]>,
  passes: readonly string[],
  fails: readonly string[],
  code: RegExp,
  commands: readonly VerifyCommand[] = VERIFY_COMMANDS,
): FlagCase => ({
  flags,
  commands,
  lines: async (world, command) => {
    const thing = await of(world, command);
    return { passes: [...passes, ...thing], fails: [...fails, ...thing], code };
  },
});

const good = (world: VerifyWorld, command: VerifyCommand): Promise<readonly string[]> => world.signed(command);
const by = (subject: string, issuer: string): readonly string[] => [...ROOT, subject, issuer];

export const VERIFY_CASES: readonly FlagCase[] = [
  differing(
    ['certificate-identity'],
    good,
    [...ROOT, ...WHO],
    [...ROOT, '--certificate-identity=x', ...WHO.slice(2)],
    /^IDENTITY_MISMATCH$/,
  ),
  differing(
    ['certificate-oidc-issuer'],
    good,
    [...ROOT, ...WHO],
    [...ROOT, ...WHO.slice(0, 2), '--certificate-oidc-issuer=https://x.example'],
    /^IDENTITY_MISMATCH$/,
  ),
  differing(
    ['certificate-identity-regexp'],
    good,
    by('--certificate-identity-regexp=alice@.*', `--certificate-oidc-issuer=${ISSUER}`),
    by('--certificate-identity-regexp=lice@.*', `--certificate-oidc-issuer=${ISSUER}`),
    /^IDENTITY_MISMATCH$/,
  ),
  differing(
    ['certificate-oidc-issuer-regexp'],
    good,
    by(`--certificate-identity=${SUBJECT}`, '--certificate-oidc-issuer-regexp=https://accounts\\.example\\.com'),
    by(`--certificate-identity=${SUBJECT}`, '--certificate-oidc-issuer-regexp=accounts\\.example\\.com'),
    /^IDENTITY_MISMATCH$/,
  ),
  ...Object.entries(WORKFLOW).map(([flag, extension]) =>
    differing(
      [flag],
      (world, command) => world.signed(command, { leaf: { fulcio: { issuer: ISSUER, [extension]: 'this one' } } }),
      [...ROOT, ...WHO, `--${flag}=this one`],
      [...ROOT, ...WHO, `--${flag}=another`],
      /^IDENTITY_MISMATCH$/,
    ),
  ),
  differing(
    ['trusted-root'],
    good,
    [...ROOT, ...WHO],
    ['--trusted-root', 'stranger.json', ...WHO],
    /_UNKNOWN|UNTRUSTED|LOG|TIMESTAMP/,
  ),
  {
    flags: ['key'],
    commands: VERIFY_COMMANDS,
    lines: async (world, command) => {
      const key = PrivateKey.generate('ecdsa-p256');
      const thing = [...ROOT, ...(await world.signed(command, { key, managed: true }))];
      const other = PrivateKey.generate('ecdsa-p256').publicKey.toPem();
      return {
        passes: [...thing, '--key', world.write('key.pub', key.publicKey.toPem())],
        fails: [...thing, '--key', world.write('other.pub', other)],
        code: /^KEY_MISMATCH$|^SIGNATURE_INVALID$/,
      };
    },
  },
  ...['insecure-ignore-tlog', 'private-infrastructure'].map((flag) =>
    differing(
      [flag],
      (world, command) => world.signed(command, { without: ['entry'] }),
      [...ROOT, ...WHO, '--use-signed-timestamps', `--${flag}`],
      [...ROOT, ...WHO, '--use-signed-timestamps', '--offline'],
      /^LOG_/,
    ),
  ),
  differing(
    ['insecure-ignore-sct'],
    (world, command) => world.signed(command, { leaf: { scts: () => [] } }),
    [...ROOT, ...WHO, '--insecure-ignore-sct'],
    [...ROOT, ...WHO],
    /^SCT_/,
  ),
  differing(
    ['use-signed-timestamps'],
    (world, command) => world.signed(command, { unstamped: true }),
    [...ROOT, ...WHO],
    [...ROOT, ...WHO, '--use-signed-timestamps'],
    /^TIMESTAMP_/,
  ),
  {
    flags: ['timestamp-certificate-chain'],
    commands: VERIFY_COMMANDS,
    lines: async (world, command) => {
      const thing = await world.signed(command, { tsa: world.stranger.tsa });
      const chain = world.stranger.tsa.authority.chain.map((certificate) => certificate.toPem()).join('');
      const flags = [...ROOT, ...WHO, ...thing];
      return {
        passes: [...flags, '--timestamp-certificate-chain', world.write('tsa.pem', chain)],
        fails: [...flags, '--use-signed-timestamps'],
        code: /^TIMESTAMP_/,
      };
    },
  },
  authorityCase(['certificate-chain'], { 'certificate-chain': 'chain' }, { 'certificate-chain': 'root' }),
  authorityCase(
    ['ca-intermediates'],
    { 'ca-roots': 'root', 'ca-intermediates': 'intermediate' },
    { 'ca-roots': 'root' },
  ),
  authorityCase(['ca-roots'], { 'ca-roots': 'chain' }, {}),
  {
    flags: ['certificate'],
    commands: VERIFY_COMMANDS,
    lines: async (world, command) => {
      const { thing, leaf } = await withoutCertificate(world, command);
      const other = world.instance.issueLeaf(PrivateKey.generate('ecdsa-p256').publicKey).toPem();
      const flags = [...ROOT, ...WHO, ...thing, '--certificate'];
      return {
        passes: [...flags, world.write('leaf.pem', leaf)],
        fails: [...flags, world.write('other.pem', other)],
        code: /^SIGNATURE_INVALID$/,
      };
    },
  },
  {
    flags: ['sct'],
    commands: VERIFY_COMMANDS,
    lines: async (world, command) => {
      const { thing, leaf, sct } = await withoutCertificate(world, command, true);
      const flags = [...ROOT, ...WHO, ...thing, '--certificate', world.write('bare.pem', leaf)];
      return { passes: [...flags, '--sct', world.write('sct.json', sct)], fails: flags, code: /^SCT_/ };
    },
  },
  {
    flags: ['signature-digest-algorithm'],
    commands: VERIFY_COMMANDS,
    lines: async (world, command) => {
      const key = PrivateKey.generate('ecdsa-p256');
      const thing = await world.signed(command, { key, scheme: 'ecdsa-sha384', managed: true });
      const pub = world.write('sha384.pub', key.publicKey.toPem());
      const flags = [...ROOT, '--insecure-ignore-tlog', '--key', pub, ...thing, '--signature-digest-algorithm'];
      return { passes: [...flags, 'sha384'], fails: [...flags, 'sha256'], code: /^SIGNATURE_INVALID$/ };
    },
  },
  {
    flags: ['rekor-url'],
    commands: VERIFY_COMMANDS,
    lines: async (world, command) => {
      const thing = [...ROOT, ...WHO, ...(await world.signed(command, { without: ['entry'] })), '--rekor-url'];
      return { passes: [...thing, `${world.logUrl}/full`], fails: [...thing, `${world.logUrl}/empty`], code: /^LOG_/ };
    },
  },
  {
    flags: ['offline'],
    commands: VERIFY_COMMANDS,
    lines: async (world, command) => {
      const thing = [...ROOT, ...WHO, ...(await world.signed(command, { without: ['entry'] }))];
      const passes = [...thing, '--rekor-url', `${world.logUrl}/full`];
      return { passes, fails: [...passes, '--offline'], code: /^LOG_/ };
    },
  },
  differing(
    ['max-workers'],
    good,
    [...ROOT, ...WHO, '--max-workers=1'],
    [...ROOT, ...WHO, '--max-workers=0'],
    /^USAGE_BAD_FLAG$/,
    ['verify-blob', 'verify-blob-attestation'],
  ),
  differing(
    ['check-claims'],
    (world, command) => world.signed(command, { isAboutOther: true }),
    [...ROOT, ...WHO, '--check-claims=false'],
    [...ROOT, ...WHO],
    /^SUBJECT_MISMATCH$/,
    [...IMAGE_COMMANDS, 'verify-attestation', 'verify-blob-attestation'],
  ),
  differing(
    ['annotations'],
    (world, command) => world.signed(command, { noted: { team: 'shop' } }),
    [...ROOT, ...WHO, '-a', 'team=shop'],
    [...ROOT, ...WHO, '--annotations', 'team=bank'],
    /^ANNOTATION_MISMATCH$/,
    IMAGE_COMMANDS,
  ),
  {
    flags: ['type'],
    commands: ['verify-attestation', 'verify-blob-attestation'],
    lines: async (world, command) => {
      const thing = [...ROOT, ...WHO, ...(await world.signed(command))];
      return { passes: thing, fails: [...thing, '--type', 'vuln'], code: /^NO_ATTESTATION$|^PREDICATE_TYPE_MISMATCH$/ };
    },
  },
  {
    flags: ['signature'],
    commands: IMAGE_COMMANDS,
    lines: async (world, command) => {
      const { reference, digest, name } = await world.image();
      const { key, pub, signature } = signedBy(world, encodeSimpleSigning(reference.context, digest));
      const flags = [...ROOT, '--insecure-ignore-tlog', '--key', pub, world.named(command, name)];
      const other = encodeBase64(key.sign(utf8('something else')));
      return {
        passes: [...flags, '--signature', world.write('image.sig', signature)],
        fails: [...flags, '--signature', other],
        code: /^SIGNATURE_INVALID$/,
      };
    },
  },
  {
    flags: ['payload'],
    commands: IMAGE_COMMANDS,
    lines: async (world, command) => {
      const { digest, name } = await world.image();
      const payload = encodeSimpleSigning('another.example/name', digest, { by: 'hand' });
      const { pub, signature } = signedBy(world, payload);
      const flags = [...ROOT, '--insecure-ignore-tlog', '--key', pub, '--signature', signature];
      const thing = [...flags, world.named(command, name)];
      return {
        passes: [...thing, '--payload', world.write('payload.json', payload)],
        fails: thing,
        code: /^SIGNATURE_INVALID$/,
      };
    },
  },
  {
    flags: ['attachment'],
    commands: IMAGE_COMMANDS,
    lines: async (world, command) => {
      const { reference, digest, name } = await world.image();
      const sbom = await pushImage(world.registry, `${reference.context}:${legacyTag(digest, 'sbom')}`, 'an SBOM');
      await pushLayers(world.registry, reference, sbom.digest, [signedLayer(world.instance, sbom.digest)]);
      const thing = [...ROOT, ...WHO, world.named(command, name)];
      return { passes: [...thing, '--attachment', 'sbom'], fails: thing, code: /^NO_SIGNATURE$/ };
    },
  },
  {
    flags: ['base-image-only'],
    commands: ['dockerfile verify'],
    lines: async (world, command) => {
      const unsigned = await world.image();
      const [signed = ''] = await world.signed('verify');
      const thing = [...ROOT, ...WHO, world.named(command, unsigned.name, signed)];
      return { passes: [...thing, '--base-image-only'], fails: thing, code: /^NO_SIGNATURE$/ };
    },
  },
  {
    flags: ['bundle'],
    commands: ['verify-blob', 'verify-blob-attestation'],
    lines: async (world, command) => {
      const [one, other] = [await world.signed(command), await world.signed(command)];
      return {
        passes: [...ROOT, ...WHO, ...one],
        fails: [...ROOT, ...WHO, ...other.slice(0, 2), ...one.slice(2)],
        code: /_MISMATCH$|_INVALID$/,
      };
    },
  },
  differing(
    ['output'],
    good,
    [...ROOT, ...WHO, '-o', 'json'],
    [...ROOT, ...WHO, '--output', 'nonsense'],
    /^USAGE_BAD_FLAG$/,
    ['verify-attestation'],
  ),
  {
    flags: ['rfc3161-timestamp'],
    commands: ['verify-blob', 'verify-blob-attestation'],
    lines: async (world, command) => {
      const thing = [...ROOT, ...WHO, '--use-signed-timestamps', ...(await world.signed(command))];
      return { passes: thing, fails: [...thing, '--rfc3161-timestamp='], code: /^TIMESTAMP_/ };
    },
  },
  {
    flags: ['allow-certificate-chain'],
    commands: VERIFY_COMMANDS,
    lines: async (world, command) => {
      const thing = [...ROOT, ...WHO, ...(await world.bundledWithChain(command))];
      return {
        passes: [...thing, '--allow-certificate-chain'],
        fails: thing,
        code: /^FORMAT_BUNDLE$|^COULD_NOT_CHECK$/,
      };
    },
  },
];

type GivenAuthorities = Readonly<Record<string, 'root' | 'intermediate' | 'chain'>>;

/** Something signed by an authority that the trusted root does not know. */
function authorityCase(flags: readonly string[], passing: GivenAuthorities, failing: GivenAuthorities): FlagCase {
  return {
    flags,
    commands: VERIFY_COMMANDS,
    lines: async (world, command) => {
      const { intermediate, root } = world.stranger;
      const pem = {
        root: root.certificate.toPem(),
        intermediate: intermediate.certificate.toPem(),
        chain: intermediate.certificate.toPem() + root.certificate.toPem(),
      };
      const thing = [...ROOT, ...WHO, ...(await world.signed(command, { leaf: { issuer: intermediate } }))];
      const given = (authorities: GivenAuthorities): readonly string[] =>
        Object.entries(authorities).flatMap(([flag, of]) => [`--${flag}`, world.write(`${of}.pem`, pem[of])]);
      return {
        passes: [...thing, ...given(passing)],
        fails: [...thing, ...given(failing)],
        code: /^CERTIFICATE_UNTRUSTED$/,
      };
    },
  };
}

/** @param isBare the certificate has no SCT inside, and gets one beside it */
async function withoutCertificate(
  world: VerifyWorld,
  command: VerifyCommand,
  isBare = false,
): Promise<{ readonly thing: readonly string[]; readonly leaf: string; readonly sct: string }> {
  const thing = await world.signed(command, {
    without: ['certificate'],
    ...(isBare ? { leaf: { scts: () => [] } } : {}),
  });
  const certificate = world.draft?.certificate;
  if (certificate === undefined) throw new TypeError('signed without a certificate');
  return { thing, leaf: certificate.toPem(), sct: world.sctOf(certificate) };
}

function signedBy(world: VerifyWorld, payload: Uint8Array) {
  const key = PrivateKey.generate('ecdsa-p256');
  const pub = world.write('signer.pub', key.publicKey.toPem());
  return { key, pub, signature: encodeBase64(key.sign(payload)) };
}
