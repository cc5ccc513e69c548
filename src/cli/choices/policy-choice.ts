import type { PublicKey } from '../../core/crypto/public-key.ts';
import { NO_REFERENCES } from '../../core/policy/judgement/policy-material.ts';
import {
  mergePolicyObjects,
  parsePolicyObjects,
  type PolicyObjects,
} from '../../core/policy/objects/policy-objects.ts';
import { PolicySet } from '../../core/policy/judgement/policy-set.ts';
import { parseUtf8 } from '../../core/encoding/utf8.ts';
import { UsageError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import { readPolicyTexts, type PolicyText } from '../../io/files/policy-texts.ts';
import { resolveOwnReferences, type OutsideSources } from '../../workflows/admission/policy-references.ts';
import type { CommandContext } from '../grammar/command.ts';
import { isOffline, verificationKey } from './key-choice.ts';

/** Policies that a command is about. */
export interface ChosenPolicies extends Pick<PolicyObjects, 'exceptions'> {
  readonly policies: PolicySet;
}

const REFERENCE_TIMEOUT_MS = 10_000;
const MAX_POLICY_BYTES = 4 << 20;

/** What policies refer to and do not bring along: keys in a KMS, and what is at URLs. */
export async function outsideSources(context: CommandContext): Promise<OutsideSources> {
  const { loadPublicKey } = await import('../../io/keys/key-loader.ts');
  const { environment, now } = context;
  const offline = isOffline(context);
  const http = new HttpClient({ proxyEnv: environment, timeoutMs: REFERENCE_TIMEOUT_MS, offline });
  const kms = (uri: string): Promise<PublicKey> =>
    offline ? verificationKey(context, uri) : loadPublicKey(uri, { environment, http });
  const { RememberedMirrors } = await import('../../io/tuf/remembered-cache.ts');
  return { http, now, kms, remembered: new RememberedMirrors() };
}

/**
 * Policies as they are written, of files, folders and URLs.
 *
 * @throws UsageError USAGE_FILE, USAGE_BAD_CONFIG; FormatError FORMAT_POLICY; RemoteError
 */
export async function policyTexts(context: CommandContext, places: readonly string[]): Promise<readonly PolicyText[]> {
  const isUrl = (place: string): boolean => /^https?:\/\//.test(place);
  const files = await readPolicyTexts(places.filter((place) => !isUrl(place)));
  return [...files, ...(await Promise.all(places.filter(isUrl).map((url) => fetchText(context, url))))];
}

/**
 * The policies in some places, with what they refer to.
 *
 * @param besides where only what they refer to is looked for, such as TrustRoots
 * @throws also UsageError USAGE_BAD_CONFIG where there is no policy at all; LimitError
 */
export async function chosenPolicies(
  context: CommandContext,
  places: readonly string[],
  besides: readonly string[] = [],
): Promise<ChosenPolicies> {
  return policiesInTexts(context, await policyTexts(context, [...places, ...besides]), places);
}

/** The same of texts that may not stand anywhere yet. @param places where they are from, for messages */
export async function policiesInTexts(
  context: CommandContext,
  texts: readonly PolicyText[],
  places: readonly string[],
): Promise<ChosenPolicies> {
  const objects = mergePolicyObjects(texts.map(({ path, text }) => parsePolicyObjects(text, path)));
  if (objects.policies.length === 0) {
    throw new UsageError('USAGE_BAD_CONFIG', 'there is no policy in what was given', {
      found: places.join(', '),
      expected: 'at least one ClusterImagePolicy or ImagePolicy',
    });
  }
  for (const { name, warnings } of objects.policies) {
    for (const warning of warnings) context.terminal.warn(`policy ${name}: ${warning}`);
  }
  const references = await resolveOwnReferences(
    objects,
    NO_REFERENCES,
    await outsideSources(context),
    (name, { code, message }) => {
      context.terminal.warn(`${name} could not be had: ${code}  ${message}`);
    },
  );
  return { policies: new PolicySet(objects.policies, references), exceptions: objects.exceptions };
}

async function fetchText(context: CommandContext, url: string): Promise<PolicyText> {
  const { environment, terminal } = context;
  if (url.startsWith('http://')) terminal.warn(`${url} is not protected: whoever is on the way may change it`);
  const http = new HttpClient({
    proxyEnv: environment,
    timeoutMs: REFERENCE_TIMEOUT_MS,
    offline: isOffline(context),
  });
  try {
    const { body } = await http.request({ url, maxBytes: MAX_POLICY_BYTES, peer: "the policy's server" });
    return { path: url, text: parseUtf8(body, 'FORMAT_POLICY', url) };
  } finally {
    http.close();
  }
}
