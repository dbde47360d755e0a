// --dry-run: the plan, printed. The DNS is asked where mail goes; no mail host is spoken to.
import type { DomainPlan, Probe } from '../check.js';
import type { ParsedDomain } from '../smtp/address.js';
import type { ConversationPlan } from '../smtp/conversation.js';
import { SKIPPED } from '../report/words.js';
import { visible } from '../smtp/visible.js';
import type { DomainEntry } from './domains.js';

/** Prints what would be sent, and to whom; 2 where some of the input is no domain, else 0. */
export async function dryRun(
  probe: Probe,
  all: AsyncIterable<DomainEntry | { readonly parsed: ParsedDomain | null }>,
): Promise<number> {
  let code = 0;
  for await (const entry of all) {
    if ('problem' in entry) {
      process.stderr.write(`postmaster-check: ${entry.problem}\n`);
      code = 2;
    } else {
      process.stdout.write(renderPlan(await probe.plan(entry.parsed)));
    }
  }
  return code;
}

function renderPlan({ domain, route, ehlo, endpoints }: DomainPlan): string {
  const lines = [
    `${domain ?? 'mail hosts'}: route ${route.kind}, ${endpoints.length} address${endpoints.length === 1 ? '' : 'es'}`,
  ];
  for (const { host, address, port, skipped, plans } of endpoints) {
    lines.push('', `  ${visible(host)} [${address}] port ${port}`);
    if (skipped !== null) lines.push(`    ${SKIPPED[skipped]}`);
    for (const plan of plans) lines.push(...linesOfPlan(plan, ehlo ?? '[our address]').map((line) => `    ${line}`));
  }
  return `${lines.join('\n')}\n\n`;
}

function linesOfPlan(plan: ConversationPlan, ehlo: string): readonly string[] {
  const lines = [`${plan.hello} ${ehlo}`, ...(plan.tls === 'require' ? ['STARTTLS', `EHLO ${ehlo}`] : [])];
  plan.transactions.forEach(({ from, recipients, smtputf8 }, at) => {
    if (at > 0) lines.push('RSET');
    lines.push(
      `MAIL FROM:<${from}>${smtputf8 === true ? ' SMTPUTF8' : ''}`,
      ...recipients.map((to) => `RCPT TO:<${to}>`),
    );
  });
  return [...lines, 'QUIT'];
}
