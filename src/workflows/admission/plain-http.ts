import { HTTP_REGISTRY, INSTALLATION_NAME } from '../../core/installation/installation-options.ts';
import type { AdmissionPolicy } from '../../core/policy/judgement/admission-policy.ts';
import type { ImageDecision } from '../../core/policy/judgement/image-decision.ts';
import { RemoteError, type SealwrightError } from '../../errors.ts';
import { ALLOW_HTTP_FIX } from '../../io/registry/registry-endpoint.ts';

/** For an installed webhook; `webhook install --allow-http-registry` keeps it when it is run again. */
export const ALLOW_HTTP_COMMAND = `kubectl patch deployment ${INSTALLATION_NAME} -n cosign-system --type=json -p '[{"op":"add","path":"/spec/template/spec/containers/0/args/-","value":"${HTTP_REGISTRY}"}]'`;

/**
 * What could not be checked as its registry speaks no TLS is told with the policy that asked for that, and with who may allow it: no policy
 * opens a registry by itself (docs/decisions/0065, 0081).
 */
export function withPlainHttpHint(decision: ImageDecision, policies: readonly AdmissionPolicy[]): ImageDecision {
  const asking = policies.find(({ asksPlainHttp }) => asksPlainHttp !== undefined);
  if (asking?.asksPlainHttp === undefined) return decision;
  const wish = `${asking.name} asks for that (${asking.asksPlainHttp})`;
  const explain = (error: SealwrightError): SealwrightError =>
    error instanceof RemoteError && error.facts.fix === ALLOW_HTTP_FIX ? explained(error, wish) : error;
  return { ...decision, denials: decision.denials.map(explain), warnings: decision.warnings.map(explain) };
}

function explained(error: RemoteError, wish: string): RemoteError {
  const { retryable, status } = error;
  return new RemoteError(error.code, error.message, {
    ...error.facts,
    expected: `TLS, or a webhook that was told to do without: ${wish}, and the webhook was started without --allow-http-registry`,
    fix: ALLOW_HTTP_COMMAND,
    cause: error.cause,
    retryable,
    ...(status === undefined ? {} : { status }),
  });
}
