/** Every parser of untrusted bytes, with samples to damage and the families of error that it may answer with. */
import { ATTESTATION_PARSERS } from './attestation-parsers.ts';
import { DOCUMENT_PARSERS } from './document-parsers.ts';
import { EDGE_PARSERS } from './edge-parsers.ts';
import { KYVERNO_PARSERS } from './kyverno-parsers.ts';
import { LAYER_PARSERS } from './layer-parsers.ts';
import { EMERGENCY_PARSERS } from './emergency-parsers.ts';
import { REVOCATION_PARSERS } from './revocation-parsers.ts';
import type { FuzzedParser } from './samples.ts';
import { SIGNATURE_PARSERS } from './signature-parsers.ts';

export const PARSERS: readonly FuzzedParser[] = [
  ...SIGNATURE_PARSERS,
  ...LAYER_PARSERS,
  ...ATTESTATION_PARSERS,
  ...DOCUMENT_PARSERS,
  ...EDGE_PARSERS,
  ...EMERGENCY_PARSERS,
  ...REVOCATION_PARSERS,
  ...KYVERNO_PARSERS,
];
