// Replies that blame us in words of their own: none of them may be read as a verdict on a mailbox or a host.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ACCUSING } from '../src/smtp/reply-patterns.js';
import { blamesClient, classifyReply } from '../src/smtp/reply-class.js';
import { ReplyParser } from '../src/smtp/reply-parser.js';
import type { Reply } from '../src/smtp/reply.js';

const ECHO = { domain: 'example.org', host: 'mx.example.org' };

function read(...lines: readonly string[]): Reply {
  const [parsed] = new ReplyParser().feed(lines.map((line) => `${line}\r\n`).join(''));
  assert.equal(parsed?.kind, 'reply');
  if (parsed?.kind !== 'reply') throw new Error('no reply');
  return parsed.reply;
}

const OPENINGS_ABOUT_US = [
  '554 Blocked - see https://ipcheck.proofpoint.com/?ip=203.0.113.5',
  '554 mx.example.org 203.0.113.5 Comcast block for spam.',
  '554 5.7.1 Service unavailable; client [203.0.113.5] blocked',
  '521 5.7.1 client [203.0.113.5] blocked',
  '554 Connection from [203.0.113.5] rejected',
  '554 Your address has been banned',
  '554 5.7.1 Greylisted, please try again later',
  '554 5.3.2 Service temporarily unavailable, try again later',
  '554 known spam source, see the reputation list',
];

const OPENINGS_TO_EVERYBODY = [
  '554 mx.example.org No SMTP service here',
  '554 5.7.1 <unknown[203.0.113.5]>: Client host rejected: Access denied',
  '554 5.7.1 Access denied',
  '554 no service for you',
  '554 mx.example.org not accepting messages',
  '554 mx.example.org Service not available, closing transmission channel',
  '521 mx.example.org does not accept mail',
];

const RECIPIENTS_ABOUT_US = [
  '551 5.7.1 Greylisted, please try again later',
  '551 Greylisted, please try again later',
  '550 IP 203.0.113.5 rejected',
  '550 host 203.0.113.5 rejected',
  '550 Client is not whitelisted',
  '550 You are not whitelisted',
  '550 Connection rejected',
  '550 You are sending too much mail, slow down',
  '550 Administrative limit exceeded',
  '550 5.5.3 Recipient limit exceeded',
  '521 Service not available, closing transmission channel',
  '550 No reverse for 203.0.113.5',
  '550 Untrusted host/network',
  '550 client not found in DNS',
  '550 Ihre IP-Adresse 203.0.113.5 ist gesperrt',
  '550 Votre adresse IP est bloquee',
  '553 203.0.113.5 deferred',
  '550 Deferred',
  '554 5.1.1 Blocked - see https://ipcheck.proofpoint.com/?ip=203.0.113.5',
  '501 5.5.4 rejected, 203.0.113.5 listed',
];

const RECIPIENTS_ABOUT_THE_MAILBOX = [
  '550 5.1.1 <Postmaster@example.org>: Recipient address rejected: User unknown in local recipient table',
  '550 5.1.1 User unknown (asked by 203.0.113.5)',
  '550 No such user here',
  '552 5.2.2 mailbox size limit exceeded',
  '550 5.7.1 Unable to relay for 203.0.113.5',
  '550 relay not permitted',
];

test('an opening that blames us by list, address, block or time is not one to everybody', () => {
  assert.deepEqual(
    OPENINGS_ABOUT_US.filter((line) => !blamesClient(read(line), ECHO)),
    [],
  );
});

test('an opening that says the same to everybody blames nobody', () => {
  assert.deepEqual(
    OPENINGS_TO_EVERYBODY.filter((line) => blamesClient(read(line), ECHO)),
    [],
  );
});

test('a refusal that speaks of us, of a rate or of another time accuses no mailbox', () => {
  assert.deepEqual(
    RECIPIENTS_ABOUT_US.map((line) => [line, classifyReply(read(line), 'rcpt', ECHO)] as const).filter(([, kind]) =>
      ACCUSING.has(kind),
    ),
    [],
  );
});

test('a refusal that speaks of the mailbox still does, whatever address it names', () => {
  assert.deepEqual(
    RECIPIENTS_ABOUT_THE_MAILBOX.filter((line) => !ACCUSING.has(classifyReply(read(line), 'rcpt', ECHO))),
    [],
  );
});
