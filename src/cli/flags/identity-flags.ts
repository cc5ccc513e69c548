import type { FulcioExtensionName } from '../../core/pki/fulcio-extensions.ts';
import type { Flag } from '../grammar/flag.ts';
import { HARDWARE_KEY_FLAGS, KEY_KINDS } from './key-flags.ts';

/** Conditions on what CI systems say about a run (Fulcio's extensions .2 to .6). */
export const WORKFLOW_FLAGS: readonly (readonly [flag: string, extension: FulcioExtensionName])[] = [
  ['certificate-github-workflow-trigger', 'githubWorkflowTrigger'],
  ['certificate-github-workflow-sha', 'githubWorkflowSha'],
  ['certificate-github-workflow-name', 'githubWorkflowName'],
  ['certificate-github-workflow-repository', 'githubWorkflowRepository'],
  ['certificate-github-workflow-ref', 'githubWorkflowRef'],
];

/** Who must have signed, and how well it must be witnessed. */
export const SIGNER_FLAGS: readonly Flag[] = [
  {
    name: 'certificate-identity',
    kind: 'string',
    value: 'NAME',
    help: 'who must have signed; repeatable',
    isCommon: true,
  },
  {
    name: 'certificate-oidc-issuer',
    kind: 'string',
    value: 'URL',
    help: 'who must have authenticated them; one, or one for each',
    isCommon: true,
  },
  {
    name: 'certificate-identity-regexp',
    kind: 'string',
    value: 'RE2',
    help: 'pattern for the whole identity',
    isCommon: true,
  },
  {
    name: 'certificate-oidc-issuer-regexp',
    kind: 'string',
    value: 'RE2',
    help: 'pattern for the whole issuer',
    isCommon: true,
  },
  { name: 'key', kind: 'string', value: 'KEY', help: `a public key instead: ${KEY_KINDS}`, isCommon: true },
  ...HARDWARE_KEY_FLAGS,
  {
    name: 'require',
    isOurs: true,
    kind: 'string',
    value: 'any|all|N',
    help: 'how many of those named must have signed, each by a signature of its own',
    default: 'any',
  },
  ...WORKFLOW_FLAGS.map(([name]): Flag => ({
    name,
    kind: 'string',
    value: 'TEXT',
    help: 'the run must have had exactly this',
  })),
  {
    name: 'certificate-claim',
    isOurs: true,
    kind: 'string',
    value: 'NAME=VALUE',
    help: 'the certificate must say exactly this, by the name of the claim; repeatable',
  },
  {
    name: 'no-log',
    isOurs: true,
    kind: 'boolean',
    help: 'no log entry, but a timestamp for certificates',
    implies: { name: 'insecure-ignore-tlog', value: true },
  },
  { name: 'insecure-ignore-tlog', kind: 'boolean', help: 'demand no log entry' },
  { name: 'insecure-ignore-sct', kind: 'boolean', help: 'demand no proof that the certificate was logged' },
  { name: 'use-signed-timestamps', kind: 'boolean', help: "demand a timestamp authority's time" },
];
