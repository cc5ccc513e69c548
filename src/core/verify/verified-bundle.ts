/** The result of verification, without the means to make one. */
export {
  VerifiedBundle,
  type VerificationCheck,
  type VerifiedLogEntry,
  type VerifiedSigner,
} from './internal/sealed-bundle.ts';
