// RFC 5321 4.1.2: spellings of a recipient that the grammar has, and spellings that it has not.
import { isPermanentNegative, isPositive } from '../smtp/reply.js';
import { classifyReply } from '../smtp/reply-class.js';
import { say, sayIfAccepted, type ScriptStep } from '../smtp/script.js';
import { echoOf } from './observe.js';
import { T_IO } from './readings.js';
import { fail, inconclusive, notApplicable, pass, warn, type Finding, type Requirement } from './requirement.js';
import { answerLike, otherAnswer, said } from './script-answers.js';
import { linesOfRun, type ScriptRun } from './script-run.js';
import { doubtAbout, scripted, type Answered, type Place } from './scripted-row.js';

const MAIL = say('MAIL FROM:<{sender}>');

/** A transaction for one recipient. */
const transaction = (path: string): readonly ScriptStep[] => [MAIL, sayIfAccepted(`RCPT TO:<${path}>`), say('RSET')];

const PLAIN = /^RCPT TO:<Postmaster@/;
const QUOTED = [/^RCPT TO:<"postmaster"@/, /^RCPT TO:<"post\\master"@/] as const;

/** Whether the session was seen to go on behind a line: a bare 550 and then a close is about the client. */
function isAnsweredAfter(run: ScriptRun, { line }: Answered): boolean {
  const lines = linesOfRun(run);
  return lines[lines.findIndex((one) => one.line === line) + 1]?.outcome.kind === 'reply';
}

function readQuoted(answer: Answered, run: ScriptRun, { endpoint, evidence }: Place): Finding | null {
  if (isPositive(answer.reply)) return null;
  const because = `${said(answer)}, and the plain word is accepted`;
  if (!isPermanentNegative(answer.reply)) return otherAnswer(answer, { endpoint, evidence });
  if (!isAnsweredAfter(run, answer))
    return inconclusive('cut-off', `${because}; the session ended there`, [answer.cite]);
  switch (classifyReply(answer.reply, 'rcpt', echoOf(endpoint, evidence))) {
    case 'perm.no-mailbox':
      return fail('no-mailbox', because, answer.cite);
    case 'perm.syntax':
      return fail('syntax', because, answer.cite);
    case 'perm.auth':
    case 'perm.starttls':
    case 'perm.sequence':
      return otherAnswer(answer, { endpoint, evidence });
    default:
      return warn('syntax', because, answer.cite);
  }
}

/** RFC 5321 4.1.2, in the order of its text. */
export const recipientSpellings: readonly Requirement[] = [
  scripted({
    id: 'postmaster.quoted',
    group: 'postmaster',
    title: 'Quoted spelling of postmaster is equal',
    level: 'MUST',
    violation: 'fail',
    tier: 'extended',
    safety: 'intrusive',
    source: { document: 'RFC 5321', section: '4.1.2', quote: 'all quoted forms MUST be treated as equivalent' },
    demand: 'Postmaster in quotes, and with a quoted pair in it, is the same mailbox as the plain word.',
    probe: String.raw`RCPT TO:<Postmaster@domain>, RCPT TO:<"postmaster"@domain> and RCPT TO:<"post\master"@domain>, each in a transaction of its own.`,
    script: {
      from: 'hello',
      steps: [
        ...transaction('Postmaster@{domain}'),
        ...transaction('"postmaster"@{domain}'),
        ...transaction(String.raw`"post\master"@{domain}`),
      ],
    },
    errors: 2,
    readings: [
      { verdict: 'pass', when: 'all three are accepted' },
      {
        verdict: 'fail',
        when: 'the plain word is accepted, and a quoted form refused as no mailbox or as bad syntax, twice',
      },
      { verdict: 'warn', when: 'the plain word is accepted, and a quoted form refused by a policy' },
      { verdict: 'not-applicable', when: 'the plain word is refused' },
      { verdict: 'inconclusive', when: '4yz' },
      ...T_IO,
    ],
    rationale: 'Some programs quote every local-part that they are given; their mail must arrive as well.',
    remedy: {
      general:
        'Take quotes and quoted pairs out of a local-part before it is looked up, and let filters see it that way too.',
    },
    retry: ['R3', 'R8'],
    note: 'The client should use the least quoting that works (4.1.2), so this is sent only with --intrusive. sendmail keeps the backslash of a quoted pair and OpenSMTPD takes no quotes: both violate it, for 4.1.2 leaves no room.',
    read(run, place): Finding | null {
      const plain = answerLike(run, PLAIN);
      if (plain === null) return null;
      if (isPermanentNegative(plain.reply))
        return notApplicable(`the plain word is refused: ${said(plain)}`, [plain.cite]);
      if (!isPositive(plain.reply)) return otherAnswer(plain, place);
      const answers = QUOTED.map((pattern) => answerLike(run, pattern)).filter((answer) => answer !== null);
      const findings = answers.map((answer) => readQuoted(answer, run, place)).filter((finding) => finding !== null);
      const bad = findings.find(({ verdict }) => verdict === 'fail') ?? findings[0];
      if (bad !== undefined) return bad;
      if (answers.length < QUOTED.length) return null;
      return pass(
        `accepted: ${answers.map(({ line }) => line.slice('RCPT TO:'.length)).join(' and ')}`,
        answers.map(({ cite }) => cite),
      );
    },
  }),
  scripted({
    id: 'command.invalid-domain-char',
    group: 'command',
    title: 'Underscore/invalid characters in domain refused',
    level: 'MUST',
    violation: 'warn',
    tier: 'intrusive',
    safety: 'intrusive',
    source: { document: 'RFC 5321', section: '4.1.2', quote: 'MUST reject that command with a 501 response' },
    demand: 'A recipient whose domain has other characters than letters, digits, hyphens and dots is refused.',
    probe: 'MAIL, and RCPT TO:<Postmaster@under_score.domain>.',
    script: { from: 'hello', steps: [MAIL, sayIfAccepted('RCPT TO:<Postmaster@under_score.{domain}>')] },
    errors: 1,
    readings: [
      { verdict: 'pass', when: '501, or another 5yz: other reasons to refuse count as well' },
      { verdict: 'warn', when: '2yz' },
      { verdict: 'inconclusive', when: '4yz, or a refusal about this client' },
      ...T_IO,
    ],
    rationale: 'No such domain can have mail: who accepts it bounces it later, to a sender that may be forged.',
    remedy: { general: 'Refuse domains that are no host names at RCPT, and subdomains that nobody serves with them.' },
    retry: ['R3', 'R8'],
    note: 'A MUST that warns: to accept is liberal behaviour, and an extension may override the rule.',
    read(run, place): Finding | null {
      const answer = answerLike(run, /^RCPT /);
      if (answer === null) return null;
      if (isPositive(answer.reply)) return warn('syntax', said(answer), answer.cite);
      const doubt = doubtAbout(answer.reply, answer.line, answer.cite, place);
      if (doubt === null && isPermanentNegative(answer.reply)) return pass(said(answer), [answer.cite]);
      return doubt ?? otherAnswer(answer, place);
    },
  }),
  scripted({
    id: 'postmaster.trailing-dot',
    group: 'postmaster',
    title: 'Trailing dot after the domain (informational)',
    level: 'derived',
    violation: 'none',
    tier: 'intrusive',
    safety: 'intrusive',
    source: { document: 'RFC 5321', section: '4.1.2', quote: 'Domain = sub-domain *("." sub-domain)' },
    demand: 'The grammar has no dot behind a domain: whatever a server makes of one is allowed, and told.',
    probe: 'MAIL, and RCPT TO:<Postmaster@domain.>, with a dot at the end.',
    script: { from: 'hello', steps: [MAIL, sayIfAccepted('RCPT TO:<Postmaster@{domain}.>')] },
    errors: 1,
    readings: [
      { verdict: 'pass', when: 'any reply: 2yz is lenient, 501 or 553 strict' },
      { verdict: 'inconclusive', when: 'no reply, or MAIL was not accepted' },
      ...T_IO,
    ],
    rationale: 'Names are written with that dot in the DNS, and some people write addresses so.',
    remedy: { general: 'Nothing is wrong either way.' },
    retry: [],
    note: 'RFC 1123 5.2.18 calls the dot an error of the client.',
    read(run): Finding | null {
      const answer = answerLike(run, /^RCPT /);
      if (answer === null || answer.reply.code === 421) return null;
      return pass(said(answer), [answer.cite]);
    },
  }),
];
