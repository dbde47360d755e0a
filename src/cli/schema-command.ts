// Prints the JSON Schema of what the program writes.
import type { Schema } from '../report/schemas/parts.js';
import { UsageError } from '../smtp/usage-error.js';
import { visible } from '../smtp/visible.js';
import { standardOutput } from './streams.js';

/** Prints the schema of the report, or of evidence files; a UsageError for anything else. */
export async function schema(which: string | undefined): Promise<number> {
  const found = await schemaOf(which ?? 'report');
  await standardOutput(() => undefined).write(`${JSON.stringify(found, null, 2)}\n`);
  return 0;
}

async function schemaOf(which: string): Promise<Schema> {
  switch (which) {
    case 'report':
      return (await import('../report/schemas/report.js')).REPORT_SCHEMA;
    case 'evidence':
      return (await import('../report/schemas/evidence.js')).EVIDENCE_SCHEMA;
    default:
      throw new UsageError(`there is no schema "${visible(which)}": write report or evidence`);
  }
}
