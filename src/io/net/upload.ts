import type { ClientRequest } from 'node:http';
import type { Deadline } from './deadline.ts';
import type { HttpUpload } from './http-message.ts';

/** Sends a request body, and tells a source that failed from a peer that did. */
export class Upload {
  readonly #body: Uint8Array | HttpUpload | undefined;
  readonly #deadline: Deadline;
  sourceFailure: Error | undefined;

  constructor(body: Uint8Array | HttpUpload | undefined, deadline: Deadline) {
    this.#body = body;
    this.#deadline = deadline;
  }

  async into(outgoing: ClientRequest): Promise<void> {
    if (this.#body === undefined || this.#body instanceof Uint8Array) {
      outgoing.end(this.#body);
      return;
    }
    const { pipeline } = await import('node:stream/promises');
    await pipeline(this.#read(this.#body), outgoing);
  }

  async *#read(upload: HttpUpload): AsyncIterable<Uint8Array> {
    try {
      for await (const chunk of upload.open()) {
        this.#deadline.touch();
        yield chunk;
      }
    } catch (cause) {
      this.sourceFailure = cause instanceof Error ? cause : new Error('the source of the upload failed', { cause });
      throw this.sourceFailure;
    }
  }
}
