// --dry-run: the plan, printed. The DNS is asked where mail goes; no mail host is spoken to.
import type { DomainPlan, Probe } from '../check.js';
import type { EhloName, ParsedDomain } from '../smtp/address.js';
import type { ConversationPlan } from '../smtp/conversation.js';
import { fillLine, type Script, type ScriptStep } from '../smtp/script.js';
import { counted, SKIPPED } from '../report/words.js';
import { visible } from '../smtp/visible.js';
import type { DomainEntry } from './domains.js';

/** Stands for the address literal of a connection that is not made. */
const OUR_ADDRESS = '[our address]';

/**
 * Prints what would be sent, and to whom; 2 where some of the input is no domain, else 0. `sendsMessage`: the run would
 * send one message to each domain.
 */
export async function dryRun(
  probe: Probe,
  all: AsyncIterable<DomainEntry | { readonly parsed: ParsedDomain | null }>,
  sendsMessage: boolean,
): Promise<number> {
  let code = 0;
  for await (const entry of all) {
    if ('problem' in entry) {
      process.stderr.write(`postmaster-check: ${entry.problem}\n`);
      code = 2;
    } else {
      process.stdout.write(renderPlan(await probe.plan(entry.parsed), sendsMessage));
    }
  }
  return code;
}

function renderPlan({ domain, route, ehlo, endpoints }: DomainPlan, sendsMessage: boolean): string {
  const lines = [
    `${domain ?? 'mail hosts'}: route ${route.kind}, ${counted(endpoints.length, 'address', 'addresses')}`,
  ];
  for (const { host, address, port, skipped, plans } of endpoints) {
    lines.push('', `  ${visible(host)} [${address}] port ${port}`);
    if (skipped !== null) lines.push(`    ${SKIPPED[skipped]}`);
    plans.forEach((plan, at) => {
      if (at > 0) lines.push('');
      lines.push(...linesOfPlan(plan, ehlo ?? OUR_ADDRESS).map((line) => `    ${line}`));
    });
  }
  if (sendsMessage && endpoints.some(({ skipped }) => skipped === null)) {
    const mailbox = domain === null ? 'Postmaster' : `Postmaster@${domain}`;
    lines.push('', `  then one message to <${visible(mailbox)}>, at the first of these that took the recipient`);
  }
  return `${lines.join('\n')}\n\n`;
}

function linesOfPlan(plan: ConversationPlan, ehlo: string): readonly string[] {
  const hello = [`${plan.hello} ${ehlo}`, ...(plan.tls === 'require' ? ['STARTTLS', `EHLO ${ehlo}`] : [])];
  const { scripts } = plan;
  if (scripts !== undefined) {
    const said = shortened(scripts.flatMap((script) => linesOfScript(script, ehlo)));
    const isGreeted = scripts.some(({ from }) => from === 'hello');
    return [...(isGreeted ? hello : []), ...said, ...(said.some((line) => /^quit$/i.test(line)) ? [] : ['QUIT'])];
  }
  const lines: string[] = [];
  plan.transactions.forEach(({ from, recipients, smtputf8 }, at) => {
    if (at > 0) lines.push('RSET');
    lines.push(
      `MAIL FROM:<${from}>${smtputf8 === true ? ' SMTPUTF8' : ''}`,
      ...recipients.map((to) => `RCPT TO:<${to}>`),
    );
  });
  return [...hello, ...lines, 'QUIT'];
}

/** A script line by line: in parentheses what is no line of ours; what is said on a condition stands under it. */
function linesOfScript({ offered, notOffered, steps }: Script, ehlo: string): readonly string[] {
  const lines = steps.flatMap((step, at) => linesOfStep(step, steps[at - 1], ehlo));
  if (offered !== undefined) return [`(where ${offered} is offered)`, ...indented(lines)];
  return notOffered === undefined ? lines : [`(where ${notOffered} is not offered)`, ...indented(lines)];
}

function linesOfStep(step: ScriptStep, before: ScriptStep | undefined, ehlo: string): readonly string[] {
  switch (step.step) {
    case 'say': {
      const lines = step.lines.map((line) => shownLine(line, ehlo));
      if (step.after === undefined) return lines;
      const isUnderIt = before?.step === 'say' && before.after !== undefined;
      return [...(isUnderIt ? [] : ['(where that is accepted)']), ...indented(lines)];
    }
    case 'wait':
      return [`(nothing for ${step.forMs / 1000} s)`];
    case 'handshake':
      return ['(where that is answered 220: into TLS)'];
    case 'message':
      return ['DATA', `(where that is answered 354: ${step.message === 'empty' ? 'a dot alone' : 'the message'})`];
    case 'beside':
      return [`(another connection at the same time: EHLO and QUIT, its greeting awaited for ${step.forMs / 1000} s)`];
  }
}

const indented = (lines: readonly string[]): readonly string[] => lines.map((line) => `  ${line}`);

/** Of a longer run of one command, a hundred recipients for one, the first lines stand for all. */
const MOST_ALIKE = 8;
const SHOWN_OF_MORE = 3;

function shortened(lines: readonly string[]): readonly string[] {
  const commandOf = (line: string): string => /^ *[^ ]*/.exec(line)?.[0] ?? '';
  const runs: string[][] = [];
  for (const line of lines) {
    const run = runs.at(-1);
    if (run?.[0] !== undefined && commandOf(run[0]) === commandOf(line)) run.push(line);
    else runs.push([line]);
  }
  return runs.flatMap((run) => {
    if (run.length <= MOST_ALIKE) return run;
    const indent = /^ */.exec(run[0] ?? '')?.[0] ?? '';
    return [...run.slice(0, SHOWN_OF_MORE), `${indent}(and ${run.length - SHOWN_OF_MORE} more like these)`];
  });
}

/** Characters of one line that are printed; some are as long as the limits that they try. */
const MOST_CHARACTERS = 150;

function shownLine(line: string, ehlo: string): string {
  const places = { ehlo: ehlo as EhloName, self: OUR_ADDRESS, startedAt: '', keywords: null };
  const filled = fillLine(line.replaceAll('{over-size}', '(more than the host declares)'), places);
  // A name of ours as long as may be: an address literal has none.
  if (filled === null) return '(nothing: that wants --ehlo with a name)';
  const text = visible(filled);
  return text.length > MOST_CHARACTERS ? `${text.slice(0, 80)}... (${text.length} characters in all)` : text;
}
