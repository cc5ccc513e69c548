import { RemoteError } from '../../errors.ts';

const MAX_EVENT_BYTES = 4 << 20;

/** A watch is one JSON object a line. @throws RemoteError REMOTE_BODY for a line without end */
export async function* watchLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const parts = rest.split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) if (part.trim() !== '') yield part;
    if (rest.length <= MAX_EVENT_BYTES) continue;
    throw new RemoteError('REMOTE_BODY', "the cluster's API server sent too large an event", {
      expected: `at most ${MAX_EVENT_BYTES} characters`,
      retryable: true,
    });
  }
}
