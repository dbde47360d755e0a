// RFC 2920 3: what a host that offers PIPELINING makes of a group of commands in one write.
//
// Decided here: replies that do not come are held against nobody before the five minutes of RFC 5321 4.5.3.2 are over,
// so that only a run with --rfc-timeouts can tell a lost command from a slow one.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence, Exchange } from '../evidence/transcript.js';
import { firstDigit, type Reply } from '../smtp/reply.js';
import { say, sayTogether, type Script } from '../smtp/script.js';
import { isScripted } from './observe.js';
import { SERVER_TIMEOUT_MS } from './openings.js';
import { T_IO } from './readings.js';
import {
  fail,
  inconclusive,
  notApplicable,
  pass,
  warn,
  type Cite,
  type Finding,
  type Reading,
  type Requirement,
} from './requirement.js';
import { answerTo, doubtAbout, scripted, type Place } from './scripted-row.js';
import { linesOfRun, type ScriptRun } from './script-run.js';
import { quoteReply } from './session-trouble.js';

const GROUP: Script = {
  from: 'hello',
  offered: 'PIPELINING',
  steps: [sayTogether('MAIL FROM:<{sender}>', 'RCPT TO:<Postmaster>', 'RCPT TO:<{postmaster}>', 'RSET'), say('NOOP')],
};

const NOT_OFFERED: Reading = {
  verdict: 'not-applicable',
  when: 'PIPELINING is not offered, or you said --no-pipelining',
};
const SLOW_NOTE =
  'A reply that does not come is a violation only after the five minutes that RFC 5321 4.5.3.2 gives: with shorter time-outs the row is inconclusive then.';

/** With --no-pipelining no group is ever sent: the row is not asked. */
function unlessSwitchedOff(row: Requirement): Requirement {
  if (row.scope !== 'endpoint') return row;
  return {
    ...row,
    judge: (endpoint: EndpointEvidence, evidence: DomainEvidence): Finding =>
      endpoint.attempts[0]?.plan.pipelining === false
        ? notApplicable('you said --no-pipelining')
        : row.judge(endpoint, evidence),
  };
}

/** Replies of a group that were lost: some came and then none, for as long as a client has to wait. */
function lostReplies(run: ScriptRun, count: number, { evidence }: Place): Finding | null {
  const lines = linesOfRun(run).slice(0, count);
  const at = lines.findIndex(({ outcome }) => outcome.kind === 'timeout');
  const silent = lines[at];
  if (at < 1 || silent === undefined || evidence.probe.commandTimeoutMs < SERVER_TIMEOUT_MS) return null;
  return fail('sequence', `${at} replies to a group of ${count} commands, and then nothing for 5 minutes`, silent.cite);
}

function readOrder(run: ScriptRun, place: Place): Finding | null {
  const lines = linesOfRun(run);
  const replies = [0, 1, 2, 3].flatMap((at) => answerTo(run, at) ?? []);
  const last = lines[4];
  if (replies.length < 4 || last === undefined) return lostReplies(run, 4, place);
  const cites = replies.map(({ cite }) => cite);
  const codes = replies.map(({ reply }) => reply.code).join(', ');
  if (last.outcome.kind === 'out-of-turn' && last.outcome.reply.code !== 421) {
    const because = `more replies than commands: after ${codes} also ${quoteReply(last.outcome.reply)}`;
    return fail('sequence', because, last.cite, ...cites);
  }
  const noop = answerTo(run, 4);
  if (noop === null) return null;
  const [, , , reset] = replies;
  const misplaced = [reset, noop].find((one) => one !== undefined && isAboutAddress(one.reply));
  if (misplaced !== undefined) {
    const because = `${misplaced.line} was answered ${quoteReply(misplaced.reply)}: the reply to another command`;
    return fail('sequence', because, misplaced.cite, ...cites);
  }
  if (reset?.reply.code === 250 && noop.reply.code === 250)
    return pass(`a group of 4 was answered ${codes}, and NOOP 250`, [...cites, noop.cite]);
  const odd = reset?.reply.code === 250 ? noop : (reset ?? noop);
  return (
    doubtAbout(odd.reply, odd.line, odd.cite, place) ??
    inconclusive('out-of-turn', `${odd.line} was answered ${quoteReply(odd.reply)}`, [odd.cite])
  );
}

/** A refusal that blames an address (RFC 3463 3.2): neither RSET nor NOOP has one. */
const isAboutAddress = (reply: Reply): boolean =>
  (firstDigit(reply) === 4 || firstDigit(reply) === 5) && /^[45]\.1\./.test(reply.enhanced ?? '');

function readFlush(run: ScriptRun, place: Place): Finding | null {
  const replies = [0, 1, 2, 3].flatMap((at) => answerTo(run, at) ?? []);
  if (replies.some(({ reply }) => reply.code === 421)) return null;
  const [mail, control] = replies;
  if (mail !== undefined && control !== undefined && firstDigit(control.reply) === 2)
    return notApplicable('the random recipient was accepted: no command of the group failed', [control.cite]);
  if (replies.length < 4) return control === undefined ? null : lostReplies(run, 4, place);
  const cites = replies.map(({ cite }) => cite);
  return pass(`a group of 4 was answered ${replies.map(({ reply }) => reply.code).join(', ')}`, cites);
}

/** What hosts say to a client that talks too soon: of Postfix, Exim and others. No name or address has these words. */
const COMPLAINT =
  /synchroni[sz]ation error|protocol synchroni[sz]ation|(?<![\w.@-])pipelining(?![\w@-]|\.\w)|early[- ]talk/i;

const complains = (reply: Reply): boolean =>
  (firstDigit(reply) === 4 || firstDigit(reply) === 5) && COMPLAINT.test(reply.lines.join(' '));

function complaint(reply: Reply, cite: Cite): Finding {
  return warn('sequence', `a group that EHLO invited was answered ${quoteReply(reply)}`, cite);
}

function readPenalty(run: ScriptRun): Finding | null {
  const lines = linesOfRun(run);
  for (const { outcome, cite } of lines) {
    if (outcome.kind === 'reply' && complains(outcome.reply)) return complaint(outcome.reply, cite);
  }
  const isWhole =
    lines.length === 5 && lines.every(({ outcome }) => outcome.kind === 'reply' && outcome.reply.code !== 421);
  if (!isWhole) return null;
  return pass(
    'a group of 4 was answered without a word about pipelining',
    lines.map(({ cite }) => cite),
  );
}

type CommandExchange = Extract<Exchange, { act: 'command' }>;

/** The commands of ordinary sessions that stood in groups. */
function grouped({
  attempts,
}: EndpointEvidence): readonly { readonly exchange: CommandExchange; readonly cite: Cite }[] {
  return attempts.flatMap((attempt, number) => {
    if (isScripted(attempt)) return [];
    const sizes = new Map<number, number>();
    for (const one of attempt.exchanges) {
      if (one.act === 'command') sizes.set(one.group, (sizes.get(one.group) ?? 0) + 1);
    }
    return attempt.exchanges.flatMap((exchange, index) =>
      exchange.act === 'command' && (sizes.get(exchange.group) ?? 0) > 1
        ? [{ exchange, cite: { kind: 'exchange', attempt: number, index } as const }]
        : [],
    );
  });
}

/** The ordinary conversation goes in groups as well: what it shows counts where the row is not asked for. */
function withOrdinaryGroups(row: Requirement): Requirement {
  if (row.scope !== 'endpoint') return row;
  const judge = (endpoint: EndpointEvidence, evidence: DomainEvidence): Finding => {
    const seen = grouped(endpoint);
    for (const { exchange, cite } of seen) {
      if (exchange.outcome.kind === 'reply' && complains(exchange.outcome.reply))
        return complaint(exchange.outcome.reply, cite);
    }
    const finding = row.judge(endpoint, evidence);
    const isWhole = seen.length > 0 && seen.every(({ exchange: { outcome } }) => outcome.kind === 'reply');
    if (finding.verdict !== 'inconclusive' || finding.cause !== 'not-asked' || !isWhole) return finding;
    return pass(
      `${seen.length} commands in groups were answered without a word about pipelining`,
      seen.slice(0, 1).map(({ cite }) => cite),
    );
  };
  return { ...row, judge };
}

/** RFC 2920 3, in the order of its text. */
export const pipelining: readonly Requirement[] = [
  scripted({
    id: 'pipelining.order',
    group: 'pipelining',
    title: 'Pipelined replies in order, none lost',
    level: 'MUST',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 2920',
      section: '3.2',
      quote: 'MUST respond to commands in the order they are received from the client.',
    },
    demand: 'Each command of a group gets one reply, in the order of the commands.',
    probe: 'EHLO, then MAIL, RCPT for Postmaster twice and RSET in one write, then NOOP.',
    script: GROUP,
    errors: 0,
    readings: [
      { verdict: 'pass', when: 'four replies, 250 to RSET, and 250 to NOOP' },
      {
        verdict: 'fail',
        when: 'more replies than commands, or a refusal of an address in answer to RSET or NOOP, twice',
      },
      { verdict: 'fail', when: 'fewer replies, with --rfc-timeouts, twice' },
      { verdict: 'inconclusive', when: 'fewer replies within shorter time-outs; RSET or NOOP refused; 421 or a close' },
      NOT_OFFERED,
      ...T_IO,
    ],
    rationale:
      'A client pairs replies with commands by counting: one that is lost or moved makes it report the wrong recipient.',
    remedy: {
      general:
        'Mostly a proxy or filter between: let it pass groups through, or take PIPELINING out of the EHLO reply.',
    },
    retry: ['R8'],
    note: SLOW_NOTE,
    read: readOrder,
  }),
  scripted({
    id: 'pipelining.no-flush',
    group: 'pipelining',
    title: 'Failed command does not flush input',
    level: 'MUST NOT',
    violation: 'fail',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 2920',
      section: '3.2',
      quote:
        'MUST NOT flush or otherwise lose the contents of the TCP input buffer under any circumstances whatsoever.',
    },
    demand: 'After a command that fails, the commands behind it in the group are answered all the same.',
    probe: 'EHLO, then MAIL, RCPT for a random local-part, RCPT for Postmaster and RSET in one write.',
    script: {
      from: 'hello',
      offered: 'PIPELINING',
      steps: [sayTogether('MAIL FROM:<{sender}>', 'RCPT TO:<{random}@{domain}>', 'RCPT TO:<{postmaster}>', 'RSET')],
    },
    errors: 1,
    readings: [
      { verdict: 'pass', when: 'four replies, one of them a refusal of the random recipient' },
      { verdict: 'fail', when: 'replies missing after the refusal, with --rfc-timeouts, twice' },
      { verdict: 'inconclusive', when: 'replies missing within shorter time-outs; 421 or a close' },
      { verdict: 'not-applicable', when: 'the random recipient was accepted; PIPELINING is not offered' },
      ...T_IO,
    ],
    rationale: 'One unknown recipient would cost the others of the message their mail, or hang the client.',
    remedy: { general: 'Read commands one by one and throw nothing away behind a refusal.' },
    retry: ['R8'],
    note: SLOW_NOTE,
    read: readFlush,
  }),
  withOrdinaryGroups(
    scripted({
      id: 'pipelining.no-early-talk-penalty',
      group: 'pipelining',
      title: 'No penalty for legal pipelining',
      level: 'derived',
      violation: 'warn',
      tier: 'extended',
      safety: 'safe',
      source: {
        document: 'RFC 2920',
        section: '3',
        quote: 'the server SMTP has indicated that it can accommodate SMTP command pipelining.',
      },
      demand: 'A host that offers PIPELINING takes a lawful group for what it is.',
      probe: 'The group of pipelining.order; groups of the ordinary conversation count as well.',
      script: GROUP,
      errors: 0,
      readings: [
        { verdict: 'pass', when: 'all replies came, and none complains of pipelining' },
        { verdict: 'warn', when: 'a 4yz or 5yz that complains of pipelining or of a lost synchronization' },
        { verdict: 'inconclusive', when: 'not all replies came' },
        NOT_OFFERED,
        ...T_IO,
      ],
      rationale:
        'A client that does what the EHLO reply invites is taken for a spammer, and its mail comes late or never.',
      remedy: {
        general: 'Take PIPELINING out of the EHLO reply, or test for early talkers only where it was not offered.',
        postfix: 'smtpd_discard_ehlo_keywords = pipelining, where something in front cannot take groups.',
        exim: 'pipelining_advertise_hosts empty, or smtp_enforce_sync left as it is: it minds groups only where they are not allowed.',
      },
      retry: ['R8'],
      read: readPenalty,
    }),
  ),
].map(unlessSwitchedOff);
