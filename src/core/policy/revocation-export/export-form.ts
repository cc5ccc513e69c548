/** What revocations can be exported as. */
export const EXPORT_FORMS = ['cip', 'kyverno', 'vap', 'opa', 'notation'] as const;
export type ExportForm = (typeof EXPORT_FORMS)[number];
