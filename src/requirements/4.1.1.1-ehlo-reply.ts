// RFC 5321 4.1.1.1: the form of the reply to EHLO, and the address literal that a client without a name says.
import type { EndpointEvidence } from '../evidence/transcript.js';
import { isDomainSyntax } from '../smtp/address.js';
import { isPermanentNegative, isPositive } from '../smtp/reply.js';
import { say } from '../smtp/script.js';
import { specialPurpose } from '../smtp/special-address.js';
import { visible } from '../smtp/visible.js';
import { isAddressLiteral } from './2.3.5-greeting-name.js';
import { isRegistered } from './ehlo-keywords.js';
import { ehloReplies, judgeEhloReplies, type EhloReply } from './ehlo-replies.js';
import { T_IO } from './readings.js';
import { notApplicable, pass, warn, type Finding, type Requirement } from './requirement.js';
import { answerTo, doubtAbout, scripted } from './scripted-row.js';
import { quoteReply } from './session-trouble.js';

// ehlo-line = ehlo-keyword *( SP ehlo-param )
const EHLO_LINE = /^[A-Za-z0-9][A-Za-z0-9-]*(?: [\x21-\x7e]+)*$/;
// ehlo-greet = 1*(%d0-9 / %d11-12 / %d14-127)
const EHLO_GREET = /^[\x00-\x09\x0b\x0c\x0e-\x7f]+$/;
// By their letters these could be domains of one label; they stand where the name is missing.
const SALUTATION = /^(?:hello|hi|ok|welcome|greetings|pleased|ready|e?smtps?)$/i;

/** What is wrong with the first line, or null. */
function firstLineDefect(text: string): string | null {
  const [, name = '', greet] = /^([^ ]*)(?: (.*))?$/s.exec(text) ?? [];
  const isDomain = isDomainSyntax(name) && !SALUTATION.test(name) && !isRegistered(name.toUpperCase());
  if (!isDomain && !isAddressLiteral(name)) return `the first line begins with "${shown(name)}", which is no domain`;
  if (greet === '') return 'the first line ends in a space';
  if (greet !== undefined && !EHLO_GREET.test(greet))
    return 'the first line has octets that no text for people may have';
  return null;
}

/** What is wrong with a line behind the first, or null. */
function lineDefect(text: string): string | null {
  if (EHLO_LINE.test(text)) return null;
  if (text.trim() === '') return 'a line without a keyword';
  if (text.endsWith(' ')) return `"${shown(text)}" ends in a space`;
  if (/[^\x20-\x7e]/.test(text)) return `"${shown(text)}" has octets other than printable ASCII`;
  const keyword = text.split(' ', 1)[0] ?? '';
  return /^[A-Za-z0-9][A-Za-z0-9-]*$/.test(keyword)
    ? `"${shown(text)}" has words that more than one space separates`
    : `"${shown(text)}" begins with "${shown(keyword)}", which is no keyword`;
}

const MOST_SHOWN = 80;
const shown = (text: string): string =>
  visible(text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN - 3)}...` : text);

function judgeForm({ what, cite }: EhloReply): Finding {
  const [first = '', ...rest] = what.lines;
  const defects = [firstLineDefect(first), ...rest.map(lineDefect)].filter((defect) => defect !== null);
  const [defect] = defects;
  if (defect === undefined) return pass(`${what.lines.length} lines, all as the grammar has them`, [cite]);
  const more = defects.length > 1 ? ` (and ${defects.length - 1} more)` : '';
  return warn('malformed', `${defect}${more}`, cite);
}

/** Whether we seem to sit behind an address translation: our own literal is none that the host could verify. */
function isTranslated(endpoint: EndpointEvidence, attempt: number): boolean {
  const connect = endpoint.attempts[attempt]?.connect;
  const local = connect?.kind === 'connected' ? connect.localAddress : null;
  return local === null || (specialPurpose(local) !== null && specialPurpose(endpoint.address) === null);
}

/** RFC 5321 4.1.1.1, as far as EHLO goes. */
export const ehloReply: readonly Requirement[] = [
  {
    id: 'ehlo.response-syntax',
    group: 'ehlo',
    title: 'EHLO response follows the ABNF',
    level: 'derived',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.1.1.1',
      quote: 'ehlo-line = ehlo-keyword *( SP ehlo-param )',
    },
    demand:
      'The first line of the reply is the domain of the server, with text or without; each other is a keyword with its parameters.',
    probe: 'Nothing of its own: every line of every 250 reply to EHLO.',
    readings: [
      { verdict: 'pass', when: 'every line is as the grammar of ehlo-ok-rsp has it' },
      {
        verdict: 'warn',
        when: 'a keyword with other characters than letters, digits and hyphens (AUTH=LOGIN), an empty line, spaces at the end or two together, octets that are not ASCII',
      },
      { verdict: 'warn', when: 'the first line does not begin with a domain or an address literal' },
      { verdict: 'not-applicable', when: 'EHLO is not answered 250 (ehlo.supported judges that)' },
      ...T_IO,
    ],
    rationale:
      'Clients find the extensions by these lines: one that they cannot read is an extension that they do not use.',
    remedy: {
      general: 'Let the mail server write the reply, and turn off the forms that it keeps for old clients.',
      postfix: 'broken_sasl_auth_clients = no: AUTH= was for clients of the nineties.',
    },
    retry: ['R3'],
    needs: [],
    note: 'An address literal in place of the domain is taken as 4.1.3 has it; greeting.name-not-literal warns of it.',
    scope: 'endpoint',
    judge: (endpoint, evidence) => judgeEhloReplies(endpoint, evidence, judgeForm),
  },
  scripted({
    id: 'ehlo.literal-accepted',
    group: 'ehlo',
    title: 'EHLO with address literal accepted',
    level: 'derived',
    violation: 'warn',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '4.1.1.1',
      quote: 'the client SHOULD send an address literal',
    },
    demand: 'A client that has no name may say its address in brackets.',
    probe: 'A fresh connection: EHLO with the address that we connect from, in brackets.',
    script: { from: 'opening', steps: [say('EHLO {self}')] },
    errors: 0,
    readings: [
      { verdict: 'pass', when: '250, or another 2yz' },
      { verdict: 'warn', when: '5yz, as bad syntax or by policy, where EHLO with our name is accepted' },
      { verdict: 'inconclusive', when: '4yz, or TLS or a login is demanded' },
      {
        verdict: 'not-applicable',
        when: 'refused, and the address that we connect from is a private one: not what the host sees',
      },
      { verdict: 'not-applicable', when: 'EHLO with our name is not accepted either' },
      ...T_IO,
    ],
    rationale: 'Devices in networks without DNS have no other name for themselves.',
    remedy: {
      general: 'Take an address literal for the argument of EHLO; judge clients by something else than its form.',
      postfix:
        'reject_non_fqdn_helo_hostname and reject_invalid_helo_hostname let literals through; a check_helo_access map may not.',
    },
    retry: ['R3', 'R8'],
    read(run, place): Finding | null {
      const answer = answerTo(run, 0);
      if (answer === null) return null;
      const { reply, cite, line } = answer;
      if (isPositive(reply)) return pass(`${visible(line)} was answered ${reply.code}`, [cite]);
      if (!isPermanentNegative(reply) || reply.code === 530) return doubtAbout(reply, line, cite, place);
      if (ehloReplies(place.endpoint).length === 0)
        return notApplicable('EHLO with our name is not accepted either', [cite]);
      const because = `EHLO with an address literal was answered ${quoteReply(reply)}`;
      if (isTranslated(place.endpoint, run.attempt))
        return notApplicable(`${because}, but the address is a private one, which the host does not see`, [cite]);
      return warn('syntax', because, cite);
    },
  }),
];
