// Which judgements a report shows by default.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { Judgement } from './report.js';

/** False for a row that this run did not ask for and that nothing seen could answer (cli.md, "Profiles"). */
export function isShown({ requirement, verdict, cause }: Judgement, { probe }: DomainEvidence): boolean {
  return !(verdict === 'inconclusive' && cause === 'not-asked' && !probe.asked.includes(requirement));
}
