// The one message of --deliver: its header section, its octets, its dots.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EhloName, ForwardPath, ReversePath } from '../src/smtp/address.js';
import { encodeCommand } from '../src/smtp/command.js';
import {
  encodeMessage,
  LEAST_MAXIMUM_OCTETS,
  messageIdOf,
  messageText,
  type MessageFacts,
} from '../src/smtp/message.js';

const FACTS: MessageFacts = {
  to: 'Postmaster@good.example' as ForwardPath,
  from: '' as ReversePath,
  ehlo: 'probe.example' as EhloName,
  startedAt: '2026-11-22T01:02:03.456Z',
};

test('the header section is that of RFC 5322, and says that nobody wrote it (RFC 3834)', () => {
  const [header = ''] = messageText('note', FACTS).split('\r\n\r\n');
  assert.deepEqual(header.split('\r\n'), [
    'Date: Sun, 22 Nov 2026 01:02:03 +0000',
    'From: postmaster-check <postmaster@probe.example>',
    'To: Postmaster@good.example',
    'Subject: postmaster-check: does mail to Postmaster get in?',
    `Message-ID: ${messageIdOf(FACTS)}`,
    'Auto-Submitted: auto-generated',
  ]);
  assert.equal(messageIdOf(FACTS), '<20261122010203456.good.example.postmaster-check@probe.example>');
});

test('a sender that was given is the author; a bare Postmaster gets a domain in the header alone', () => {
  const text = messageText('note', {
    ...FACTS,
    from: 'me@other.example' as ReversePath,
    to: 'Postmaster' as ForwardPath,
  });
  assert.match(text, /^From: postmaster-check <me@other\.example>\r$/m);
  assert.match(text, /^To: Postmaster@probe\.example\r$/m);
});

test('lines are ASCII, end in CR LF, and one is as long as a line may be', () => {
  const text = messageText('note', FACTS);
  const lines = text.split('\r\n');
  assert.equal(lines.pop(), '');
  assert.ok(lines.every((line) => /^[\x20-\x7e]{0,998}$/.test(line)));
  assert.equal(lines.filter((line) => line.length === 998).length, 1);
  assert.doesNotMatch(text.replaceAll('\r\n', ''), /[\r\n]/);
});

test('the large one has exactly 65536 octets, the empty one none', () => {
  assert.equal(Buffer.byteLength(messageText('64k', FACTS)), LEAST_MAXIMUM_OCTETS);
  assert.equal(LEAST_MAXIMUM_OCTETS, 65_536);
  assert.equal(encodeMessage(messageText('empty', FACTS)), '.');
});

test('leading dots are doubled, and one dot ends it (4.5.2)', () => {
  assert.equal(encodeMessage('.\r\n..a\r\nb.\r\n'), '..\r\n...a\r\nb.\r\n.');
  const sent = encodeMessage(messageText('note', FACTS)).split('\r\n');
  assert.equal(sent.indexOf('.'), sent.length - 1);
  assert.ok(sent.includes('.. one dot'));
});

test('what is no sound message never leaves', () => {
  for (const octets of [
    'a\r\n.\r\nMAIL FROM:<>\r\n.',
    'a\nb\r\n.',
    'no end\r\n',
    '\u{e9}\r\n.',
    `${'x'.repeat(1000)}\r\n.`,
  ]) {
    assert.throws(() => encodeCommand({ verb: 'MESSAGE', octets }), RangeError, JSON.stringify(octets.slice(0, 20)));
  }
});

test('a script cannot say DATA by itself', () => {
  for (const line of ['DATA', 'data', 'NOOP\r\nDATA', 'NOOP\n bdat 1', 'ETRN x']) {
    assert.throws(() => encodeCommand({ verb: 'LINE', line }), RangeError, line);
  }
});
