import { FormatError, LimitError, RemoteError } from '../../errors.ts';

/** Which service answers, for messages. */
export interface ServicePeer {
  readonly name: string;
  readonly url: string;
}

/** URL of a service's endpoint: the base may have a path of its own, with or without a final slash. */
export function endpoint(baseUrl: string, path: string): string {
  return `${baseUrl.replace(/\/+$/, '')}${path}`;
}

/** Reads an answer; what does not parse is the peer's fault, not the user's input. @throws RemoteError REMOTE_BODY */
export function readAnswer<Value>(peer: ServicePeer, parse: () => Value): Value {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof FormatError || cause instanceof LimitError)) throw cause;
    throw new RemoteError('REMOTE_BODY', `${peer.name} sent an answer that cannot be used: ${cause.message}`, {
      ...cause.facts,
      details: { url: peer.url, code: cause.code },
      cause,
    });
  }
}
