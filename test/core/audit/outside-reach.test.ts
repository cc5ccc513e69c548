/** Which pods something outside of a cluster reaches, by Services, Ingresses and routes; and what leads nowhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutsideReach } from '../../../src/core/audit/outside-reach.ts';
import type { JsonObject, JsonValue } from '../../../src/core/encoding/json.ts';

const WEB: JsonObject = { app: 'web', tier: 'front' };

function object(kind: string, name: string, spec: JsonValue, namespace = 'shop'): JsonObject {
  return { kind, metadata: { name, namespace }, spec };
}

function service(spec: JsonObject, namespace = 'shop', name = 'web'): JsonObject {
  return object('Service', name, { selector: { app: 'web' }, ...spec }, namespace);
}

function ingress(name: string, spec: JsonObject, namespace = 'shop'): JsonObject {
  return object('Ingress', name, spec, namespace);
}

const TO_WEB: JsonObject = { service: { name: 'web', port: { number: 80 } } };
const GATEWAY: JsonValue = [{ name: 'edge', namespace: 'infra' }];

function route(spec: JsonObject, namespace = 'shop', kind = 'HTTPRoute'): JsonObject {
  return object(kind, 'web', { parentRefs: GATEWAY, ...spec }, namespace);
}

const REACHED: readonly (readonly [string, readonly JsonObject[], readonly string[]])[] = [
  ['a load balancer', [service({ type: 'LoadBalancer' })], ['Service shop/web of type LoadBalancer']],
  ['a port on the nodes', [service({ type: 'NodePort' })], ['Service shop/web of type NodePort']],
  ['an address from outside', [service({ externalIPs: ['192.0.2.7'] })], ['Service shop/web with external addresses']],
  [
    'an Ingress by a path',
    [service({}), ingress('in', { rules: [{ http: { paths: [{ path: '/', backend: TO_WEB }] } }] })],
    ['Ingress shop/in'],
  ],
  ['an Ingress by default', [service({}), ingress('in', { defaultBackend: TO_WEB })], ['Ingress shop/in']],
  [
    'an HTTPRoute',
    [service({}), route({ rules: [{ backendRefs: [{ name: 'web', port: 80 }] }] })],
    ['HTTPRoute shop/web'],
  ],
  [
    'a GRPCRoute of another namespace',
    [service({}), route({ rules: [{ backendRefs: [{ name: 'web', namespace: 'shop' }] }] }, 'infra', 'GRPCRoute')],
    ['GRPCRoute infra/web'],
  ],
  [
    'several ways at once, each once',
    [
      service({ type: 'LoadBalancer' }),
      ingress('b', { defaultBackend: TO_WEB, rules: [{ http: { paths: [{ backend: TO_WEB }] } }] }),
      ingress('a', { defaultBackend: TO_WEB }),
    ],
    ['Ingress shop/a', 'Ingress shop/b', 'Service shop/web of type LoadBalancer'],
  ],
  [
    'a Service whose every label fits',
    [service({ type: 'NodePort', selector: { app: 'web', tier: 'front' } })],
    ['Service shop/web of type NodePort'],
  ],
];

for (const [name, objects, by] of REACHED) {
  test(`reached: ${name}`, () => {
    assert.deepEqual(new OutsideReach(objects).of('shop', WEB), by);
    assert.deepEqual(
      new OutsideReach([...objects].reverse()).of('shop', WEB),
      by,
      'in whatever order they were listed',
    );
  });
}

const NOT_REACHED: readonly (readonly [string, readonly JsonObject[]])[] = [
  ['a Service for the inside alone', [service({ type: 'ClusterIP' })]],
  ['one that says nothing', [service({})]],
  ['one of another namespace', [service({ type: 'LoadBalancer' }, 'bank')]],
  ['one with another label', [service({ type: 'LoadBalancer', selector: { app: 'api' } })]],
  ['one with a label more', [service({ type: 'LoadBalancer', selector: { app: 'web', beta: 'yes' } })]],
  ['one without a selector, which leads where somebody else says', [service({ type: 'LoadBalancer', selector: {} })]],
  ['one by a label that every object has', [service({ type: 'NodePort', selector: { constructor: 'x' } })]],
  ['an Ingress to another Service', [service({}), ingress('in', { defaultBackend: { service: { name: 'api' } } })]],
  ['an Ingress of another namespace', [service({}), ingress('in', { defaultBackend: TO_WEB }, 'bank')]],
  ['an Ingress to what is no Service', [service({}), ingress('in', { defaultBackend: { resource: { name: 'web' } } })]],
  [
    'a route that no Gateway has',
    [service({}), route({ parentRefs: [], rules: [{ backendRefs: [{ name: 'web' }] }] })],
  ],
  [
    'a route inside of a mesh',
    [
      service({}),
      route({ parentRefs: [{ kind: 'Service', name: 'web' }], rules: [{ backendRefs: [{ name: 'web' }] }] }),
    ],
  ],
  [
    'a route to another kind',
    [service({}), route({ rules: [{ backendRefs: [{ name: 'web', kind: 'Bucket', group: 'x.example' }] }] })],
  ],
  ['an Ingress without the Service', [ingress('in', { defaultBackend: TO_WEB })]],
  ['a kind that leads nowhere', [service({}), object('ConfigMap', 'web', { defaultBackend: TO_WEB })]],
];

for (const [name, objects] of NOT_REACHED) {
  test(`not reached: ${name}`, () => {
    assert.deepEqual(new OutsideReach(objects).of('shop', WEB), []);
  });
}

test('what has not the shape of its kind leads nowhere, and stops nothing', () => {
  const broken: readonly JsonValue[] = [
    null,
    'x',
    [],
    { rules: 'x', selector: 'x', externalIPs: 'x', defaultBackend: 1, parentRefs: {} },
    { rules: [null, 1, { http: 1, backendRefs: 1 }], selector: { app: 1 }, parentRefs: GATEWAY, type: ['NodePort'] },
    { rules: [{ http: { paths: [null, { backend: { service: { name: 1 } } }] } }] },
  ];
  const objects = ['Service', 'Ingress', 'HTTPRoute', 'GRPCRoute'].flatMap((kind) =>
    broken.map((spec) => object(kind, 'web', spec)),
  );
  const odd = { kind: 'Service', metadata: 'x', spec: { type: 'NodePort', selector: { app: 'web' } } };
  const reach = new OutsideReach([...objects, {}, odd, service({ type: 'NodePort' })]);
  assert.deepEqual(reach.of('shop', WEB), ['Service shop/web of type NodePort']);
});
