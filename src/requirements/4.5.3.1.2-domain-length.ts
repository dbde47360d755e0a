// RFC 5321 4.5.3.1.2: a domain of 255 octets is taken.
import { isPositive } from '../smtp/reply.js';
import { say } from '../smtp/script.js';
import { ehloReplies } from './ehlo-replies.js';
import { T_IO } from './readings.js';
import { fail, inconclusive, notApplicable, pass, type Finding, type Requirement } from './requirement.js';
import { answerTo, doubtAbout, scripted } from './scripted-row.js';
import { quoteReply } from './session-trouble.js';

const IN_DNS = /\bresolv|\bDNS\b|\bnot found\b|\bnot exist\b|\bunknown (?:host|domain|name)|\blookup\b/i;

/** RFC 5321 4.5.3.1.2. */
export const domainLength: readonly Requirement[] = [
  scripted({
    id: 'limits.domain-255',
    group: 'limits',
    title: '255-octet domain accepted syntactically',
    level: 'MUST',
    violation: 'fail',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '4.5.3.1.2',
      quote: 'The maximum total length of a domain name or number is 255 octets.',
    },
    demand: 'A domain name of the greatest length is taken like any other.',
    probe: 'A fresh connection: EHLO with a name of 253 characters under ours.',
    script: { from: 'opening', steps: [say('EHLO {ehlo:253}')] },
    errors: 0,
    absent: 'we go by an address literal, and no name is under that',
    readings: [
      { verdict: 'pass', when: '250, or another 2yz' },
      { verdict: 'fail', when: '500 or 501, twice: too long, or bad syntax' },
      { verdict: 'inconclusive', when: 'another 5yz: by policy, since the name does not resolve; 4yz' },
      { verdict: 'not-applicable', when: 'we have no name to make a longer one of, or EHLO is not accepted' },
      ...T_IO,
    ],
    rationale: 'Names of that length exist, and a buffer that is too short for one refuses mail, or worse.',
    remedy: { general: 'Give names a buffer of at least 256 octets, and command lines one of 512.' },
    retry: ['R3', 'R8'],
    note: 'The MUST is that of 4.5.3.1: every implementation takes objects of these sizes. 255 octets as the DNS counts them are 253 characters: a longer name exists nowhere.',
    read(run, place): Finding | null {
      const answer = answerTo(run, 0);
      if (answer === null) return null;
      const { reply, cite, line } = answer;
      const asked = `EHLO with a name of ${line.length - 'EHLO '.length} characters`;
      if (isPositive(reply)) return pass(`${asked} was answered ${reply.code}`, [cite]);
      const because = `${asked} was answered ${quoteReply(reply)}`;
      const doubt = doubtAbout(reply, line, cite, place);
      if (doubt !== null) return doubt;
      if (ehloReplies(place.endpoint).length === 0)
        return notApplicable('EHLO is not accepted with our own name either', [cite]);
      // "501 HELO name does not resolve" is about the DNS, where this name is not.
      if (IN_DNS.test(reply.lines.join(' '))) return inconclusive('client-refused', because, [cite]);
      if (reply.code === 500 || reply.code === 501) return fail('syntax', because, cite);
      return inconclusive('client-refused', because, [cite]);
    },
  }),
];
