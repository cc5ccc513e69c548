import { parsePolicyDocuments } from '../document/policy-document.ts';

/** A service of a Compose file (compose-spec, services). */
export interface ComposeService {
  readonly service: string;
  /** Undefined where it is built in place, or comes from somewhere else by `extends` or a merge key. */
  readonly image?: string;
}

/**
 * The services of a Compose file, best as `docker compose config` prints it: there is nothing left to be merged in then.
 *
 * @param source where the text is from, for messages
 * @returns undefined for what is no Compose file
 * @throws FormatError FORMAT_POLICY; LimitError
 */
export function parseComposeServices(text: string, source: string): readonly ComposeService[] | undefined {
  const [document, ...others] = parsePolicyDocuments(text, source);
  if (document === undefined || others.length > 0 || document.has('apiVersion') || !document.has('services')) {
    return undefined;
  }
  const services = document.object('services');
  return services.names().map((service) => {
    const image = services.object(service).optionalString('image');
    return image === undefined ? { service } : { service, image };
  });
}
