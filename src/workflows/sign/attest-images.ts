import type { ImageReference } from '../../core/image/reference.ts';
import { SealwrightError } from '../../errors.ts';
import { ConcurrencyLimit } from '../../io/net/concurrency-limit.ts';
import { attestImageBy, type AttestedImage, type AttestImageRequest } from './attest-image.ts';
import { outcomesInOrder } from './outcomes-in-order.ts';
import { sharedCredentials } from './storable-services.ts';

export interface AttestImagesRequest extends Omit<AttestImageRequest, 'reference'> {
  readonly references: readonly ImageReference[];
  /** How many images are worked on at once; 10 when absent. */
  readonly maxWorkers?: number;
  /** Told of each image in the order of the references, as soon as it and all before it have ended. */
  readonly onOutcome?: (outcome: AttestationOutcome) => void;
}

/** What became of one reference. */
export type AttestationOutcome =
  | { readonly kind: 'attested'; readonly reference: ImageReference; readonly attested: AttestedImage }
  | { readonly kind: 'failed'; readonly reference: ImageReference; readonly error: SealwrightError };

const DEFAULT_WORKERS = 10;
const ATTESTING_TURNS = 'attesting';

/**
 * Attests the same about many images, side by side, with one login and one certificate, and the next one when that is about to
 * end. An image that fails is left as it was, and the others are attested.
 *
 * @returns in the order of the references; failures are among it
 * @throws what is no failure of attesting: our own defects, and whatever `onOutcome` throws
 */
export async function attestImages(request: AttestImagesRequest): Promise<readonly AttestationOutcome[]> {
  const limit = new ConcurrencyLimit(request.maxWorkers ?? DEFAULT_WORKERS);
  const credentials = sharedCredentials(request);
  const begun = new Map<string, Promise<unknown>>();
  const running = request.references.map((reference) => {
    // What is named twice is attested twice, one after the other: under a tag, each keeps what it finds there.
    const name = reference.toString();
    const before = begun.get(name) ?? Promise.resolve();
    const turn = before.then(() =>
      limit.run(ATTESTING_TURNS, () =>
        outcomeOf(reference, () => attestImageBy({ ...request, reference }, credentials)),
      ),
    );
    begun.set(name, turn.catch(ignored));
    return turn;
  });
  return outcomesInOrder(running, request.onOutcome);
}

async function outcomeOf(reference: ImageReference, attest: () => Promise<AttestedImage>): Promise<AttestationOutcome> {
  try {
    return { kind: 'attested', reference, attested: await attest() };
  } catch (error) {
    if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
    return { kind: 'failed', reference, error };
  }
}

/** Whoever attests tells of the failure; who comes next only waits for the end. */
function ignored(): void {
  // Nothing to do.
}
