import type { Descriptor } from '../../core/image/descriptor.ts';
import type { ImageReference } from '../../core/image/reference.ts';
import { SealwrightError } from '../../errors.ts';
import { ConcurrencyLimit } from '../../io/net/concurrency-limit.ts';
import { manifestTree } from './manifest-tree.ts';
import { outcomesInOrder } from './outcomes-in-order.ts';
import { SIGNING_TURNS, signManifests, type SignImageRequest } from './sign-image.ts';
import { sharedCredentials } from './storable-services.ts';
import type { StoredSignature } from './signature-push.ts';
import type { SignedImage } from './signed-image.ts';

export interface SignImagesRequest extends Omit<SignImageRequest, 'reference' | 'onLeftBehind'> {
  readonly references: readonly ImageReference[];
  /** Of an index, everything that it names as well. */
  readonly recursive?: boolean;
  /** How many manifests are worked on at once; 10 when absent. */
  readonly maxWorkers?: number;
  /** Told of each image in the order of the references, as soon as it and all before it have ended. */
  readonly onOutcome?: (outcome: ImageOutcome) => void;
}

/** What became of one reference. */
export type ImageOutcome =
  | {
      readonly kind: 'signed';
      readonly reference: ImageReference;
      /** The image first, then, with `recursive`, what it names. */
      readonly images: readonly SignedImage[];
    }
  | {
      readonly kind: 'failed';
      readonly reference: ImageReference;
      readonly error: SealwrightError;
      /** Signatures of this image that were pushed before the failure, and that the registry does not delete. */
      readonly leftBehind: readonly StoredSignature[];
    };

const DEFAULT_WORKERS = 10;

/**
 * Signs many images side by side, with one login and one certificate, and the next one when that is about to end. An image
 * that fails is left as it was, and the others are signed.
 *
 * @returns in the order of the references; failures are among it, and the same error stands for all that failed by one cause
 * @throws what is no failure of signing: our own defects, and whatever `onOutcome` throws
 */
export async function signImages(request: SignImagesRequest): Promise<readonly ImageOutcome[]> {
  const batch = new Batch(request);
  const running = request.references.map((reference) => batch.sign(reference));
  return outcomesInOrder(running, request.onOutcome);
}

class Batch {
  readonly #request: SignImagesRequest;
  readonly #limit: ConcurrencyLimit;
  readonly #credentials: ReturnType<typeof sharedCredentials>;
  /** By repository and digest: whoever signs it now. */
  readonly #signing = new Map<string, Promise<unknown>>();

  constructor(request: SignImagesRequest) {
    this.#request = request;
    this.#limit = new ConcurrencyLimit(request.maxWorkers ?? DEFAULT_WORKERS);
    this.#credentials = sharedCredentials(request);
  }

  async sign(reference: ImageReference): Promise<ImageOutcome> {
    const leftBehind: StoredSignature[] = [];
    try {
      const images = await this.#sign({
        ...this.#request,
        reference,
        onLeftBehind: (signature) => leftBehind.push(signature),
      });
      return { kind: 'signed', reference, images };
    } catch (error) {
      if (!(error instanceof SealwrightError) || error.family === 'invariant') throw error;
      return { kind: 'failed', reference, error, leftBehind };
    }
  }

  async #sign(request: SignImageRequest): Promise<readonly SignedImage[]> {
    const { reference } = request;
    const subjects = await this.#limit.run(SIGNING_TURNS, () => this.#subjects(request));
    const name = `${reference.context}@${subjects[0]?.digest.toString() ?? ''}`;
    // Named twice, by two tags perhaps, it is signed once: the second turn finds what the first one made.
    const before = this.#signing.get(name) ?? Promise.resolve();
    const signing = before.then(() => signManifests(request, subjects, this.#credentials, this.#limit));
    this.#signing.set(name, signing.catch(ignored));
    return signing;
  }

  async #subjects({ registry, reference }: SignImageRequest): Promise<readonly Descriptor[]> {
    const subject = await registry.resolve(reference);
    return this.#request.recursive === true ? manifestTree(registry, reference, subject) : [subject];
  }
}

/** Whoever signs tells of the failure; who comes next only waits for the end. */
function ignored(): void {
  // Nothing to do.
}
