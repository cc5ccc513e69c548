/**
 * The three functions of the reflect-metadata proposal that @peculiar/x509, a test oracle, needs from whoever loads it.
 * Import this file first.
 */
const metadata = new WeakMap<object, Map<unknown, unknown>>();

const additions = {
  getOwnMetadata: (key: unknown, target: object): unknown => metadata.get(target)?.get(key),
  getMetadata: (key: unknown, target: object): unknown => metadata.get(target)?.get(key),
  defineMetadata: (key: unknown, value: unknown, target: object): void => {
    const known = metadata.get(target) ?? new Map<unknown, unknown>();
    metadata.set(target, known.set(key, value));
  },
};

for (const [name, value] of Object.entries(additions)) {
  if (!Object.hasOwn(Reflect, name)) Object.defineProperty(Reflect, name, { value, configurable: true });
}
