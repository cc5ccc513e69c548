import { parseManifestObjects, type ManifestObject } from '../../core/policy/workload/manifest-objects.ts';
import { UsageError } from '../../errors.ts';
import type { AdmissionRehearsal, RehearsedPolicies } from '../../workflows/admission/admission-rehearsal.ts';
import { imageRecord } from '../../workflows/admission/decision-record.ts';
import type { RegistryAccess } from '../../workflows/admission/registry-access.ts';
import { readTextFile } from '../terminal/input-file.ts';
import type { Trial } from '../report/trial-report.ts';

/** An image, and in which object, if in any, it would be created. */
export interface TrialCase {
  readonly text: string;
  readonly paths: readonly string[];
  readonly object?: Omit<ManifestObject, 'images'>;
  /** Undefined: as whoever runs the command reaches registries. */
  readonly access?: RegistryAccess;
}

/** For an image that stands in no object: no `match` is about it, and no policy of a namespace. */
const NO_OBJECT = { group: '', version: '', resource: '', labels: new Map<string, string>() };

/**
 * Each image, in each of the objects; without images, those that the objects name.
 *
 * @param resources files
 * @throws UsageError USAGE_FILE where the objects name no image; FormatError; LimitError
 */
export function trialCases(images: readonly string[], resources: readonly string[]): readonly TrialCase[] {
  if (resources.length === 0) return images.map((text) => ({ text, paths: [] }));
  const objects = resources.flatMap((path) => parseManifestObjects(readTextFile(path), path));
  const cases = objects.flatMap((object): readonly TrialCase[] =>
    images.length > 0
      ? images.map((text) => ({ text, paths: [], object }))
      : [...new Set(object.images.map(({ text }) => text))].map((text) => ({
          text,
          paths: object.images.filter((image) => image.text === text).map(({ path }) => path),
          object,
        })),
  );
  if (cases.length > 0) return cases;
  throw new UsageError('USAGE_FILE', 'the resources name no image', {
    found: resources.join(', '),
    expected: 'a pod, or what makes pods',
  });
}

/** What would be decided. */
export async function tryCase(
  { text, paths, object, access }: TrialCase,
  rehearsed: RehearsedPolicies,
  opened: { readonly rehearsal: AdmissionRehearsal; readonly access: RegistryAccess },
): Promise<Trial> {
  const { reviewed = NO_OBJECT, namespace = '' } = object ?? {};
  const image = { text, object: reviewed, namespace, access: access ?? opened.access };
  const admitted = await opened.rehearsal.decide(image, rehearsed);
  const { decision } = admitted;
  return {
    ...(object === undefined ? {} : { object: { kind: object.kind, namespace, name: object.name } }),
    outcome: decision.action === 'deny' && decision.isUnchecked ? 'could-not-check' : decision.action,
    record: imageRecord({ ...admitted, text, paths }, rehearsed.policies.policies),
    denials: decision.denials,
    warnings: decision.warnings,
  };
}
