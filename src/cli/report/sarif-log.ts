export interface SarifResult {
  readonly ruleId: string;
  readonly kind: 'pass' | 'fail' | 'open';
  readonly level: 'error' | 'warning' | 'note' | 'none';
  readonly message: { readonly text: string };
  readonly locations: readonly object[];
  readonly properties?: object;
}

/**
 * SARIF 2.1.0 (OASIS): one run, with the rules that its results name.
 *
 * @param run `at` is RFC 3339
 */
export function sarifLog(
  results: readonly SarifResult[],
  { name, version, at }: { readonly name: string; readonly version: string; readonly at: string },
): object {
  const rules = [...new Set(results.map(({ ruleId }) => ruleId))];
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name,
            semanticVersion: version,
            rules: rules.map((id) => ({ id, shortDescription: { text: id.toLowerCase().replaceAll(/[_-]/g, ' ') } })),
          },
        },
        invocations: [{ executionSuccessful: true, endTimeUtc: at }],
        results: results.map((result) => ({ ...result, ruleIndex: rules.indexOf(result.ruleId) })),
      },
    ],
  };
}
