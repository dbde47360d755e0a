// RFC 5321 3.5.3: VRFY is there, and 250 means that the address was looked up.
import { isPermanentNegative, isPositive } from '../smtp/reply.js';
import { say } from '../smtp/script.js';
import { controlReplies, whichControl } from './control-recipient.js';
import { T_IO } from './readings.js';
import { fail, inconclusive, pass, warn, type Finding, type Remedy, type Requirement } from './requirement.js';
import { answerTo, doubtAbout, scripted } from './scripted-row.js';
import { quoteReply } from './session-trouble.js';
import { saysNothing } from './script-answers.js';
import { VERIFIES, VRFY_POSTMASTER } from './verification-replies.js';

const SUPPORT_REMEDY: Remedy = {
  general: 'Answer VRFY: with what is known of the name, or with 252 where that is not to be told.',
  postfix: 'Leave disable_vrfy_command at its default, no: then VRFY is answered 252, or 550 for an unknown user.',
  exim: 'Leave acl_smtp_vrfy unset, which answers 252, or set it to an ACL that accepts.',
  sendmail: 'Where nothing is to be told, PrivacyOptions=novrfy answers 252.',
};

/** RFC 5321 3.5.3, in the order of its text. */
export const verificationMeaning: readonly Requirement[] = [
  scripted({
    id: 'vrfy.supported',
    group: 'vrfy',
    title: 'VRFY implemented (250/251/252/55x)',
    level: 'MUST',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '3.5.3',
      quote: 'implementations that return 500 or 502 for VRFY are not in full compliance with this specification.',
    },
    demand: 'VRFY is one of the commands that every server has; where it is turned off it is answered 252.',
    probe: 'EHLO and VRFY postmaster.',
    script: VRFY_POSTMASTER,
    errors: 0,
    readings: [
      { verdict: 'pass', when: '250, 251, 252, 550, 551 or 553' },
      { verdict: 'fail', when: '500 or 502, twice, for no reason of this client' },
      { verdict: 'warn', when: '504, another 5yz (530 and 554 for a policy too) or another 2yz' },
      { verdict: 'inconclusive', when: '4yz, or TLS is demanded first' },
      ...T_IO,
    ],
    rationale: 'VRFY is how a person finds out about an address without sending mail to it.',
    remedy: SUPPORT_REMEDY,
    retry: ['R2', 'R3', 'R8'],
    note: 'The MUST is that of 4.5.1 and 7.3; the sentence quoted names the codes. Many hosts break it, and few are harmed; OpenSMTPD has no VRFY and answers 500.',
    read(run, place): Finding | null {
      const answer = answerTo(run, 0);
      if (answer === null) return null;
      const { reply, line, cite } = answer;
      const said = quoteReply(reply);
      if (VERIFIES.has(reply.code)) return pass(`answered ${said}`, [cite]);
      if (isPositive(reply)) return warn('wrong-code', `answered with a code that VRFY does not have: ${said}`, cite);
      const doubt = doubtAbout(reply, line, cite, place);
      const isMissing = reply.code === 500 || reply.code === 502;
      const isAboutTls = doubt?.verdict === 'inconclusive' && doubt.cause === 'needs-tls';
      if (doubt !== null && (!isPermanentNegative(reply) || isMissing || isAboutTls)) return doubt;
      if (!isPermanentNegative(reply)) return saysNothing(answer);
      return isMissing
        ? fail('wrong-code', `VRFY is refused as a command that is not there: ${said}`, cite)
        : warn('wrong-code', `refused with a code that says nothing about the name: ${said}`, cite);
    },
  }),
  scripted({
    id: 'vrfy.not-syntax-only',
    group: 'vrfy',
    title: 'VRFY 250 only for verified addresses',
    level: 'MUST NOT',
    violation: 'fail',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '3.5.3',
      quote:
        'A server MUST NOT return a 250 code in response to a VRFY or EXPN command unless it has actually verified the address.',
    },
    demand: 'VRFY is never answered 250 for an address that was not looked up.',
    probe: 'EHLO and VRFY of a random local-part at the domain, which is compared with what RCPT of it was answered.',
    script: { from: 'hello', steps: [say('VRFY {random}@{domain}')] },
    errors: 1,
    needs: [{ ask: 'control' }],
    readings: [
      { verdict: 'pass', when: '252, 550, 551, 553, or VRFY is not to be had' },
      { verdict: 'fail', when: '250, twice, and RCPT refuses the same name' },
      { verdict: 'warn', when: '250, and RCPT accepts the same name: a catch-all may make it true' },
      { verdict: 'inconclusive', when: '250, and RCPT of the name was not answered, or refused for another reason' },
      { verdict: 'inconclusive', when: '4yz' },
      ...T_IO,
    ],
    rationale: 'A host that says 250 to every name makes whoever asks believe in people who do not exist.',
    remedy: { ...SUPPORT_REMEDY, general: 'Look the address up before saying 250, or answer 252.' },
    retry: ['R3', 'R8'],
    read(run, place): Finding | null {
      const answer = answerTo(run, 0);
      if (answer === null) return null;
      const { reply, line, cite } = answer;
      const said = quoteReply(reply);
      if (reply.code === 250) {
        const control = controlReplies(place);
        const cites = control.map((one) => one.cite);
        switch (whichControl(control, place)) {
          case 'refused':
            return fail('wrong-code', `a name that RCPT refuses is verified: ${said}`, cite, ...cites);
          case 'accepted':
            return warn('wrong-code', `a random name is verified, which RCPT accepts as well: ${said}`, cite, ...cites);
          case 'untold':
            return inconclusive(
              'not-asked',
              `a random name is verified, and of RCPT of the same name nothing is known: ${said}`,
              [cite, ...cites],
            );
        }
      }
      if (isPositive(reply) || isPermanentNegative(reply)) return pass(`not verified: ${said}`, [cite]);
      return doubtAbout(reply, line, cite, place) ?? saysNothing(answer);
    },
  }),
];
