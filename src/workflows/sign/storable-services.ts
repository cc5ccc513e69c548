import { olderServices } from '../../core/trust/older-services.ts';
import { SharedCredentials } from './shared-credentials.ts';
import type { SignerInput, SigningContext } from './signing-services.ts';

interface StorageChoice {
  /** Given where cosign's older storage is chosen. */
  readonly olderStorage?: object;
}

/** cosign's older storage cannot keep what every service answers. @throws UsageError USAGE_BAD_CONFIG */
export function servicesFor<Request extends SigningContext & StorageChoice>(request: Request): Request {
  if (request.olderStorage === undefined) return request;
  return { ...request, signingConfig: olderServices(request.signingConfig) };
}

/** The credentials of a run whose signatures are stored so. */
export function sharedCredentials(
  request: SigningContext & StorageChoice & { readonly signer: SignerInput },
): SharedCredentials {
  return new SharedCredentials(servicesFor(request), request.signer);
}
