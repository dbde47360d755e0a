// RFC 5321 2.3.5: the name in the reply to EHLO is fully-qualified, like the one in the greeting, and the same.
import { visible } from '../smtp/visible.js';
import { greetingName, judgeName, NAME_REMEDY, nameOfWord, TEXT_WORD } from './2.3.5-greeting-name.js';
import { judgeEhloReplies, type EhloReply } from './ehlo-replies.js';
import { T_IO } from './readings.js';
import { notApplicable, warn, type Finding, type Requirement } from './requirement.js';

// What hosts write behind their name: "secure mail gateway" is a sentence, and no host called secure.
const BEHIND_NAME = /^(?:$| (?:Hello|E?SMTP|at your service|ready)\b| [[(])/;

/** The name that an EHLO reply begins with, or null where it begins with text, or with our own name. */
function ehloName({ what, argument }: EhloReply, greeted: string | null): string | null {
  const text = (what.lines[0] ?? '').trimStart();
  const word = /^\S+/.exec(text)?.[0] ?? '';
  const name = nameOfWord(word);
  if (name !== null) return isSame(name, argument) && name !== greeted ? null : name;
  // One label is a name only where something else says so: it greeted so too, or we are greeted right behind it.
  const label = /^[a-z0-9][\w-]*$/i.test(word) && !TEXT_WORD.test(word) ? word.toLowerCase() : null;
  if (label === null) return null;
  const behind = text.slice(word.length);
  const isOfGreeting = greeted === label || (greeted?.startsWith(`${label}.`) === true && BEHIND_NAME.test(behind));
  const isGreetingUs = behind.startsWith(' Hello ') && behind.toLowerCase().includes(argument.toLowerCase());
  return isOfGreeting || isGreetingUs ? label : null;
}

const isSame = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

function judgeReply(reply: EhloReply): Finding {
  const { opening } = reply.session;
  const greeted = greetingName(opening.what);
  const name = ehloName(reply, greeted);
  if (name === null)
    return notApplicable('the reply to EHLO names no host (ehlo.response-syntax judges that)', [reply.cite]);
  const finding = judgeName(name, reply.cite, 'answers EHLO as');
  if (finding.verdict !== 'pass' || greeted === null || isSame(name, greeted)) return finding;
  const because = `answers EHLO as ${visible(name)}, and greets as ${visible(greeted)}`;
  return warn('bad-name', because, reply.cite, opening.cite);
}

/** RFC 5321 2.3.5, as far as the reply to EHLO goes. */
export const ehloNames: readonly Requirement[] = [
  {
    id: 'ehlo.name-fqdn',
    group: 'ehlo',
    title: 'EHLO response names the server by FQDN',
    level: 'MUST NOT',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: { document: 'RFC 5321', section: '2.3.5', quote: 'Local nicknames or unqualified names MUST NOT be used.' },
    demand: 'The name in the reply to EHLO is fully-qualified, and the name that the host greets with.',
    probe: 'Nothing of its own: the first word of every reply to EHLO.',
    readings: [
      { verdict: 'pass', when: 'two labels or more of letters, digits and hyphens, or a literal in brackets' },
      { verdict: 'fail', when: 'a single label, localhost' },
      { verdict: 'warn', when: 'another name than in the greeting of the same connection' },
      {
        verdict: 'warn',
        when: 'a name of private scope, an underscore or other octets, an address without brackets (as in the greeting)',
      },
      { verdict: 'not-applicable', when: 'the reply begins with text, or with our own name' },
      ...T_IO,
    ],
    rationale: 'A host that goes by a nickname, or by two names, cannot be told from another in a log or a bounce.',
    remedy: NAME_REMEDY,
    retry: ['R3'],
    needs: [],
    note: '4.1.1.1: the server identifies itself in the greeting and in the reply to EHLO. A single label counts as a name where the greeting has it too, or where "Hello" and our own name follow it: other words are text.',
    scope: 'endpoint',
    judge: (endpoint, evidence) => judgeEhloReplies(endpoint, evidence, judgeReply),
  },
];
