import type { JsonFields } from '../../encoding/json-fields.ts';
import type { JsonObject } from '../../encoding/json.ts';
import { manifestImagesOf } from './manifest-images.ts';
import { parsePolicyDocuments } from '../document/policy-document.ts';
import type { ReviewedObject } from '../cluster-image/resource-match.ts';
import type { WorkloadImage } from './workload-images.ts';

/** An object as somebody would apply it, and the images that it names. */
export interface ManifestObject {
  readonly kind: string;
  /** Empty where the API server is to make one. */
  readonly name: string;
  /** `default` when it names none. */
  readonly namespace: string;
  readonly reviewed: ReviewedObject;
  readonly images: readonly WorkloadImage[];
}

const MAX_LABELS = 1000;

/**
 * Every object in a manifest, lists included, as admission would look at it.
 *
 * @param source where the text is from, for messages
 * @throws FormatError FORMAT_POLICY for what is no YAML, no object of Kubernetes, or not of its kind's shape; LimitError
 */
export function parseManifestObjects(text: string, source: string): readonly ManifestObject[] {
  return parsePolicyDocuments(text, source).map(readManifestObject);
}

function readManifestObject(document: JsonFields): ManifestObject {
  const apiVersion = document.string('apiVersion');
  const kind = document.string('kind');
  const metadata = document.object('metadata');
  const labels = metadata.optionalObject('labels');
  const namespace = metadata.optionalString('namespace') ?? 'default';
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  const whole: JsonObject = {
    apiVersion,
    kind,
    metadata: document.value('metadata') ?? {},
    spec: document.value('spec') ?? {},
  };
  return {
    kind,
    name: metadata.optionalString('name') ?? metadata.optionalString('generateName') ?? '',
    namespace,
    reviewed: {
      group,
      version,
      resource: resourceOf(kind),
      namespace,
      labels: new Map(
        (labels?.names() ?? []).slice(0, MAX_LABELS).map((name) => [name, labels?.optionalString(name) ?? '']),
      ),
      document: whole,
    },
    images: manifestImagesOf(document),
  };
}

/** The resource that a kind is called by in paths, as Kubernetes guesses it (apimachinery, UnsafeGuessKindToResource). */
function resourceOf(kind: string): string {
  const lower = kind.toLowerCase();
  if (lower.endsWith('s')) return `${lower}es`;
  return lower.endsWith('y') ? `${lower.slice(0, -1)}ies` : `${lower}s`;
}
