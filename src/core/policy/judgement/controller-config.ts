import type { NoMatchAction } from './image-decision.ts';

/** In the namespace of the webhook. */
export const CONTROLLER_CONFIG_MAP = 'config-policy-controller';

/** What policy-controller's ConfigMap `config-policy-controller` says. */
export interface ControllerConfig {
  readonly noMatch: NoMatchAction;
  readonly failsOnEmptyAuthorities: boolean;
}

/** When there is no ConfigMap, and for what it does not say. */
export const DEFAULT_CONTROLLER_CONFIG: ControllerConfig = { noMatch: 'deny', failsOnEmptyAuthorities: true };

/**
 * As the original reads it: a word that it does not know denies, and `_example` is for people. `enable-oci11` changes nothing, since
 * signatures are looked for in every place.
 *
 * @param data entries of the ConfigMap
 */
export function readControllerConfig(data: ReadonlyMap<string, string>): ControllerConfig {
  const word = data.get('no-match-policy');
  return {
    noMatch: word === 'allow' || word === 'warn' ? word : 'deny',
    failsOnEmptyAuthorities: !isFalse(data.get('fail-on-empty-authorities') ?? ''),
  };
}

/** What Go's strconv.ParseBool calls false. */
function isFalse(text: string): boolean {
  return ['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text);
}
