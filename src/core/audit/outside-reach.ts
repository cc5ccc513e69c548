import { isObject } from '../attestation/json-kind.ts';
import type { JsonObject, JsonValue } from '../encoding/json.ts';

/**
 * Kinds by which something outside of a cluster reaches pods in it: a Service with a port on the nodes or an address of its own, and
 * what sends requests on to Services. Of the versions the first that a cluster serves.
 */
export const REACHING_KINDS = [
  { kind: 'Service', group: '', versions: ['v1'], resource: 'services' },
  { kind: 'Ingress', group: 'networking.k8s.io', versions: ['v1'], resource: 'ingresses' },
  { kind: 'HTTPRoute', group: 'gateway.networking.k8s.io', versions: ['v1', 'v1beta1'], resource: 'httproutes' },
  { kind: 'GRPCRoute', group: 'gateway.networking.k8s.io', versions: ['v1', 'v1alpha2'], resource: 'grpcroutes' },
] as const;

/** Something by which nobody knows whether it leads to a workload. */
export interface UnknownReach {
  readonly what: string;
  readonly reason: string;
}

interface Reached {
  readonly selector: readonly (readonly [label: string, value: string])[];
  readonly by: readonly string[];
}

const OUTSIDE_TYPES = ['LoadBalancer', 'NodePort'] as const;

/**
 * Which pods something outside of the cluster reaches, by the objects that say so. Not whether anybody on the Internet does: an address may be a
 * private one, and a network policy may be in between. What leads somewhere through no Service of these kinds is not seen.
 */
export class OutsideReach {
  /** By namespace. */
  readonly #services = new Map<string, Reached[]>();

  /** @param objects untrusted, as a cluster or a file has them: what is not of these kinds, or not in their shape, leads nowhere */
  constructor(objects: readonly JsonObject[]) {
    const routes = new Map<string, string[]>();
    for (const object of objects) {
      for (const service of targetsOf(object)) {
        routes.set(service, [...(routes.get(service) ?? []), `${kindOf(object)} ${placeOf(object)}`]);
      }
    }
    for (const object of objects.filter((candidate) => kindOf(candidate) === 'Service')) {
      const spec = member(object, 'spec') ?? {};
      const selector = Object.entries(member(spec, 'selector') ?? {}).filter(
        (pair): pair is [string, string] => typeof pair[1] === 'string',
      );
      const place = placeOf(object);
      const by = [...ownReach(spec).map((how) => `Service ${place} ${how}`), ...(routes.get(place) ?? [])];
      // Without a selector somebody else says where it leads.
      if (by.length === 0 || selector.length === 0) continue;
      const namespace = namespaceOf(object);
      this.#services.set(namespace, [...(this.#services.get(namespace) ?? []), { selector, by }]);
    }
  }

  /** By what pods with these labels are reached: `Ingress shop/web`. */
  of(namespace: string, labels: JsonObject): readonly string[] {
    const reached = (this.#services.get(namespace) ?? []).filter(({ selector }) =>
      selector.every(([label, value]) => Object.hasOwn(labels, label) && labels[label] === value),
    );
    return [...new Set(reached.flatMap(({ by }) => by))].sort();
  }
}

function ownReach(spec: JsonObject): readonly string[] {
  return [
    ...OUTSIDE_TYPES.filter((type) => type === spec['type']).map((type) => `of type ${type}`),
    ...(list(spec['externalIPs']).length > 0 ? ['with external addresses'] : []),
  ];
}

/** `namespace/name` of each Service that requests are sent on to. */
function targetsOf(object: JsonObject): readonly string[] {
  const spec = member(object, 'spec') ?? {};
  switch (kindOf(object)) {
    case 'Ingress':
      return ingressBackends(spec).flatMap((backend) => serviceName(object, member(backend, 'service')));
    case 'HTTPRoute':
    case 'GRPCRoute':
      return isAttached(spec)
        ? objectsIn(spec['rules'])
            .flatMap((rule) => objectsIn(rule['backendRefs']))
            .filter((ref) => (ref['kind'] ?? 'Service') === 'Service' && (ref['group'] ?? '') === '')
            .flatMap((ref) => serviceName(object, ref))
        : [];
    default:
      return [];
  }
}

function ingressBackends(spec: JsonObject): readonly JsonObject[] {
  const paths = objectsIn(spec['rules']).flatMap((rule) => objectsIn(member(rule, 'http')?.['paths']));
  return [member(spec, 'defaultBackend'), ...paths.map((path) => member(path, 'backend'))].filter(
    (backend) => backend !== undefined,
  );
}

/** To a Gateway: a route whose parents are Services is for what is inside. */
function isAttached(spec: JsonObject): boolean {
  return objectsIn(spec['parentRefs']).some((parent) => (parent['kind'] ?? 'Gateway') === 'Gateway');
}

/** A route may name a Service of another namespace. Whether that one lets it is not asked: it may by tomorrow. */
function serviceName(object: JsonObject, named: JsonObject | undefined): readonly string[] {
  const { name, namespace } = named ?? {};
  if (typeof name !== 'string') return [];
  return [`${typeof namespace === 'string' ? namespace : namespaceOf(object)}/${name}`];
}

function kindOf({ kind }: JsonObject): string {
  return typeof kind === 'string' ? kind : '';
}

function placeOf(object: JsonObject): string {
  const name = member(object, 'metadata')?.['name'];
  return `${namespaceOf(object)}/${typeof name === 'string' ? name : ''}`;
}

function namespaceOf(object: JsonObject): string {
  const namespace = member(object, 'metadata')?.['namespace'];
  return typeof namespace === 'string' && namespace !== '' ? namespace : 'default';
}

function member(of: JsonObject, name: string): JsonObject | undefined {
  const value = of[name];
  return isObject(value) ? value : undefined;
}

function list(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [];
}

function objectsIn(value: JsonValue | undefined): readonly JsonObject[] {
  return list(value).filter(isObject);
}
